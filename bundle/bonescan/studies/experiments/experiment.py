"""What an experiment is: one published table or figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bonescan.phantom.files.cohort_files import TEST_SHARE
from bonescan.studies.experiments.correlations import Correlations
from bonescan.studies.experiments.decisions import Decisions
from bonescan.studies.experiments.therapy import Therapy
from bonescan.studies.experiments.times import Times

F1_OF_MEANS = "f1_of_means"
"""Harmonic mean of mean precision and mean recall over the runs (see
bonescan.metrics.cross_validation). No single run has it, so it has neither interval nor test."""
FAST = "fast"
"""The profile that shows that everything runs; its rows are not compared."""
REQUIRED_PROFILES = (FAST, "full")
PROFILES = (FAST, "small", "full")
PARAMETERS, TEST_S = "parameters", "test_s"
COSTS = (PARAMETERS, TEST_S)
"""What an experiment that trains nothing measures of a system: how many parameters it has, and how
many seconds a scan takes."""
IMAGE_SET_FACTS = ("patients", "originals", "images", "training", "test", "lesion_percent")
"""What can be counted of an image set."""


@dataclass(frozen=True)
class CohortPart:
    """A part of a cohort.

    Attributes:
        primary: primary tumour of its patients.
        metastases: whether they have metastases.
    """

    primary: str
    metastases: bool


@dataclass(frozen=True)
class ImageSet:
    """Thorax images, one file each, made of a cohort before anything is trained.

    Attributes:
        total: number of images; None for the originals alone.
        selected: number of originals that are kept; None for all.
    """

    total: int | None = None
    selected: int | None = None


@dataclass(frozen=True)
class Profile:
    """How large an experiment is run.

    Attributes:
        patients: number of patients in the cohort.
        protocol: "as published", or what is reduced, in words; every page of results says it.
        image_sets: sets of thorax images by name, the first for rows that name no data; empty to
            train on the scans as they are.
        overlays: names of configuration files of configs/ laid over train.yaml.
        settings: overrides of every run.
        test_share: share of the cohort's patients that is held out for testing, between 0 and 1;
            of no effect on a cross-validation.
        validated: whether some of the training patients choose the epoch; otherwise, all are
            trained on, and the last epoch is kept.
        folds: number of folds of a cross-validation; 0 to hold out the datalist's test patients.
        run_folds: the folds that are run; all if empty.
        seeds: seeds of the repeated runs.
        cohort_seed: seed of the cohort, of its images and its folds.
        tuned_on_seed: seed of the cohort on which its settings were chosen; None where nothing was
            chosen.
    """

    patients: int
    protocol: str
    image_sets: Mapping[str, ImageSet] = field(default_factory=dict)
    overlays: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    test_share: float = TEST_SHARE
    validated: bool = True
    folds: int = 0
    run_folds: Sequence[int] = ()
    seeds: Sequence[int] = (0,)
    cohort_seed: int = 0
    tuned_on_seed: int | None = None


@dataclass(frozen=True)
class Row:
    """One row of a table: a system, how it is trained and evaluated, and what was published.

    Attributes:
        id: name of the runs; experiments on the same data share runs of the same name.
        name: what the table calls it.
        system: file of configs/systems without its ending.
        published: published values by metric, 0..1; missing where the paper gives none.
        overlays: names of configuration files of configs/ laid over those of the profile.
        overrides: of the training, in every profile.
        profile_overrides: of the training, by profile.
        evaluation: overrides of the evaluation.
        data: what it is trained and evaluated on: one of the profile's image sets or of the
            experiment's datalists, by name; None for the first of them.
        initial_weights: id of the row whose weights the training starts from.
        mined_from: id of the row whose false positives are the body of the labels.
        generates: number of images that its network, a generator, makes after its training, by
            profile.
        generated_from: id of the row whose generated images are trained on, too, without labels.
        steps: ids of the rows whose trainings are applied one after the other, by step
            (bonescan.inferers.stepwise.STEPS), where nothing else is trained.
        compared_with: ids of the rows on the same data that this one is tested against.
        profiles: names of the profiles that have the row.
        profile_names: what the table calls it, by profile, where settings of the profile make
            something else of it; nothing published is put beside such a row.
        single_run: whether there is one run for all folds and seeds, trained but not evaluated.
        in_table: whether the table has this row; others only serve rows of the table.
        series: name of the curve that the row is a point of, None where there is none.
        x: position of that point on the horizontal axis.
    """

    id: str
    name: str
    system: str
    published: Mapping[str, float] = field(default_factory=dict)
    overlays: Sequence[str] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    profile_overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    data: str | None = None
    initial_weights: str | None = None
    mined_from: str | None = None
    generates: Mapping[str, int] = field(default_factory=dict)
    generated_from: str | None = None
    steps: Mapping[str, str] = field(default_factory=dict)
    compared_with: Sequence[str] = ()
    profiles: Sequence[str] = PROFILES
    profile_names: Mapping[str, str] = field(default_factory=dict)
    single_run: bool = False
    in_table: bool = True
    series: str | None = None
    x: float | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """Ids of the rows that must have run before."""
        needs = (self.initial_weights, self.mined_from, self.generated_from, *self.steps.values())
        return tuple(need for need in needs if need)

    def at(self, profile: str) -> "Row":
        """Return the row as it is in a profile."""
        if profile not in self.profile_names:
            return self
        return replace(self, name=self.profile_names[profile], published={})


@dataclass(frozen=True)
class PublishedLine:
    """Published figures of something that cannot be run again, as too little is said of it.

    Attributes:
        name: what the table calls it.
        published: values by metric, 0..1.
        x: its position on the horizontal axis of a figure.
    """

    name: str
    published: Mapping[str, float]
    x: float | None = None


@dataclass(frozen=True)
class Experiment:
    """A published table or figure.

    Attributes:
        name: of the file, and of the results.
        title: of the page.
        source: paper and place in it.
        preset: of the simulated cohort.
        profiles: by name.
        convention: how the metrics of a run are computed, one of CONVENTIONS.
        metrics: columns of the table; the first, which every run must have, decides tests and the
            choice of pictures.
        rows: in the order of the table; empty where the table counts an image set.
        datalists: sections made of parts of the cohort, by name of the datalist; the section
            "training" is dealt into folds.
        published_lines: figures without a row that could be run.
        computed: the metrics whose published values the paper does not print, but for its folds, of
            which we computed them.
        published_image_set: published numbers of an image set, by name of IMAGE_SET_FACTS.
        costs: whether COSTS of the rows are measured, and nothing is trained.
        decisions: what is decided, where rows are evaluated by decisions and not by pixels.
        correlations: what measures of burden are compared with, where that is what is done.
        therapy: what is published of scans before and after it, where such scans are compared.
        times: the published time of a scan and the chain that it is of, where times are measured.
        released: folder of a released system, from the bundle's root, whose masks stand beside the
            true ones, or whose times beside the published chain's; None where none does.
        sweep_axis: title of the horizontal axis of the rows that make curves (see Row.series).
        remarks: what a reader must know besides the numbers.
    """

    name: str
    title: str
    source: str
    preset: str
    profiles: Mapping[str, Profile]
    convention: str = "pooled"
    metrics: Sequence[str] = ()
    rows: Sequence[Row] = ()
    datalists: Mapping[str, Mapping[str, CohortPart]] = field(default_factory=dict)
    published_lines: Sequence[PublishedLine] = ()
    computed: Sequence[str] = ()
    published_image_set: Mapping[str, float] = field(default_factory=dict)
    costs: bool = False
    decisions: Decisions | None = None
    correlations: Correlations | None = None
    therapy: Therapy | None = None
    times: Times | None = None
    released: str | None = None
    sweep_axis: str | None = None
    remarks: Sequence[str] = ()

    def row(self, row_id: str) -> Row:
        """Return a row by its id."""
        return next(row for row in self.rows if row.id == row_id)

    def at(self, profile: str) -> "Experiment":
        """Return the experiment with the rows of one profile, as they are there.

        Raises:
            ValueError: if there is no such profile, or nothing to do in it.
        """
        if profile not in self.profiles:
            raise ValueError(
                f"{self.name}: profile must be one of {', '.join(self.profiles)}, got {profile!r}"
            )
        rows = [row.at(profile) for row in self.rows if profile in row.profiles]
        if self.rows and not rows:
            raise ValueError(f"{self.name}: profile must have a row, {profile!r} has none")
        return replace(self, rows=rows)

    @property
    def table_rows(self) -> list[Row]:
        """The rows of the table."""
        return [row for row in self.rows if row.in_table]
