"""What an experiment is: one published table or figure, as a file of configs/experiments says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from bonescan.metrics.pixel import METRICS
from bonescan.phantom.files.cohort_files import TEST_SHARE
from bonescan.studies.experiments.decisions import DECISION_METRICS, Decisions, Reader
from bonescan.studies.experiments.row_images import CONVENTIONS
from bonescan.workflow.installation import find_systems

T = TypeVar("T")

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
        needs = (self.initial_weights, self.mined_from, self.generated_from)
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


def load_experiment(path: Path) -> Experiment:
    """Read an experiment and see that its parts fit together.

    `like: OTHER` takes from another experiment whatever the file does not say itself; a row
    `{from: OTHER, id: ID}` is that experiment's row.

    Raises:
        ValueError: if the file does not exist or is no experiment; the message names what is
            wrong.
    """
    content = _read(path)
    parts: dict[str, Any] = {
        "name": path.stem,
        "profiles": {
            name: _make_profile(part, f"{path.name}, profile {name}")
            for name, part in content.get("profiles", {}).items()
        },
        "rows": [row for part in content.get("rows", []) for row in _make_rows(part, path)],
        "published_lines": [
            _make(PublishedLine, line, f"{path.name}, published_lines")
            for line in content.get("published_lines", [])
        ],
        "datalists": {
            name: _make_each(CohortPart, sections, f"{path.name}, section")
            for name, sections in content.get("datalists", {}).items()
        },
    }
    if "decisions" in content:
        where, decisions = f"{path.name}, decisions", content["decisions"]
        readers = _make_each(Reader, decisions.get("readers", {}), f"{where}, reader")
        parts["decisions"] = _make(Decisions, {**decisions, "readers": readers}, where)
    experiment = _make(Experiment, {**content, **parts}, path.name)
    systems = [file.stem for file in find_systems()]
    mistakes = list(_find_mistakes(experiment, systems))
    if mistakes:
        raise ValueError(f"{path.name}: {'; '.join(mistakes)}")
    return experiment


def _read(path: Path) -> dict[str, Any]:
    """Read a file, with what it takes from another one."""
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.yaml")))
        raise ValueError(f"experiment must be one of {known}, got {path.stem!r}")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    like = content.pop("like", None)
    return content if like is None else {**_read(path.with_name(f"{like}.yaml")), **content}


def _make_profile(content: Mapping[str, Any], where: str) -> Profile:
    image_sets = _make_each(ImageSet, content.get("image_sets", {}), f"{where}, image set")
    return _make(Profile, {**content, "image_sets": image_sets}, where)


def _make_rows(content: Mapping[str, Any], path: Path) -> list[Row]:
    """Make a row, or one for each value that the row sweeps over."""
    where = f"{path.name}, row {content.get('id')}"
    if "from" in content:
        return [_take_row(content, path, where)]
    plain = {key: value for key, value in content.items() if key != "sweep"}
    sweep = content.get("sweep")
    if sweep is None:
        return [_make(Row, plain, where)]
    return [_make(Row, _at_value(plain, sweep, value), where) for value in sweep["values"]]


def _at_value(row: Mapping[str, Any], sweep: Mapping[str, Any], value: float) -> dict[str, Any]:
    """Make the row of one value of a sweep; it is compared with others at the same value."""
    point = f", {sweep['symbol']} = {value}"
    names = row.get("profile_names", {})
    return {
        **row,
        "id": f"{row['id']}-{value}",
        "name": row["name"] + point,
        "profile_names": {profile: name + point for profile, name in names.items()},
        "overrides": {**row.get("overrides", {}), sweep["key"]: value},
        "published": row.get("published", {}).get(value, {}),
        "compared_with": [f"{other}-{value}" for other in row.get("compared_with", [])],
        "series": row["name"],
        "x": value,
    }


def _take_row(content: Mapping[str, Any], path: Path, where: str) -> Row:
    """Make the row of another experiment, with what is changed of it."""
    others = {row["id"]: row for row in _read(path.with_name(f"{content['from']}.yaml"))["rows"]}
    if content["id"] not in others:
        raise ValueError(f"{where}: {content['from']} must have a row of this id, it has none")
    changed = {key: value for key, value in content.items() if key != "from"}
    return _make(Row, {**others[content["id"]], "compared_with": (), **changed}, where)


def _make_each(kind: type[T], parts: Mapping[str, Any], where: str) -> dict[str, T]:
    return {name: _make(kind, part, f"{where} {name}") for name, part in parts.items()}


def _make(kind: type[T], content: Mapping[str, Any], where: str) -> T:
    """Make a dataclass of a mapping, with an error that names the file and the key."""
    known = [item.name for item in fields(kind)]  # type: ignore[arg-type]
    unknown = sorted(set(content) - set(known))
    if unknown:
        raise ValueError(f"{where}: keys must be among {', '.join(known)}, got {unknown}")
    try:
        return kind(**content)
    except TypeError as err:
        raise ValueError(f"{where}: {err}") from err


def _find_mistakes(experiment: Experiment, systems: Sequence[str]) -> Iterator[str]:
    """Say what does not fit together."""
    ids = [row.id for row in experiment.rows]
    if len(set(ids)) < len(ids):
        yield f"ids of rows must differ, got {ids}"
    profiles = set(experiment.profiles)
    if not set(REQUIRED_PROFILES) <= profiles <= set(PROFILES):
        required = ", ".join(REQUIRED_PROFILES)
        yield f"profiles must be {required} and may be small, got {sorted(profiles)}"
    if experiment.rows and not experiment.metrics and not experiment.costs:
        yield "metrics must name at least one, got none"
    for name, profile in experiment.profiles.items():
        if profile.folds in {1, 2} or (profile.folds and experiment.decisions):
            allowed = "0 for decisions" if experiment.decisions else "0, or 3 to train on one"
            yield f"profile {name}: folds must be {allowed}, got {profile.folds}"
    if not all(isinstance(remark, str) for remark in experiment.remarks):
        yield 'remarks must be texts; quote those that hold ": "'
    if experiment.metrics and experiment.metrics[0] == F1_OF_MEANS:
        yield f"the first of the metrics must be one that a single run has, got {F1_OF_MEANS!r}"
    for key, names, known in _list_names(experiment, systems):
        if not set(names) <= set(known):
            yield f"{key} must be among {', '.join(known) or '(none)'}, got {sorted(names)}"


def _list_names(
    experiment: Experiment, systems: Sequence[str]
) -> Iterator[tuple[str, Iterable[str], Iterable[str]]]:
    """Yield where names stand, these names, and those that may stand there."""
    rows = experiment.rows
    published = [each.published for each in rows]
    published += [line.published for line in experiment.published_lines]
    published += [experiment.decisions.published] if experiment.decisions else []
    named = (name for each in published for name in each)
    metrics = {*experiment.metrics, *experiment.computed, *named}
    yield "convention", [experiment.convention], CONVENTIONS
    shares = DECISION_METRICS if experiment.decisions else (*METRICS, F1_OF_MEANS)
    yield "metrics", metrics, COSTS if experiment.costs else shares
    yield "published_image_set", experiment.published_image_set, IMAGE_SET_FACTS
    for number, row in enumerate(rows):
        earlier = [other.id for other in rows[:number]]
        same_data = [other.id for other in rows if other.data == row.data]
        yield f"row {row.id}: system", [row.system], systems
        yield f"row {row.id}: compared_with", row.compared_with, same_data
        profiles = (*row.profiles, *row.profile_names, *row.generates)
        yield f"row {row.id}: profiles", profiles, PROFILES
        yield f"row {row.id}: rows that it needs", row.needs, earlier
        for profile in experiment.profiles.values() if row.data else ():
            known = [*profile.image_sets, *experiment.datalists]
            yield f"row {row.id}: data", [str(row.data)], known
