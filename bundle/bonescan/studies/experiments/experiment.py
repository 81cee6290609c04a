"""What an experiment is: one published table or figure, as a file of configs/experiments says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from bonescan.metrics.pixel import METRICS

T = TypeVar("T")

F1_OF_MEANS = "f1_of_means"
"""Harmonic mean of mean precision and mean recall over the runs (see
bonescan.metrics.cross_validation)."""
CONVENTIONS = ("pooled", "per_image")
PROFILES = ("fast", "full")
DATASET_FIGURES = ("patients", "originals", "images", "training", "test", "lesion_percent")
"""What can be counted of a set of images."""


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
class Images:
    """A set of thorax images, one file each, made of a cohort before anything is trained.

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
        patients: of the cohort.
        what: what is reduced, in words; every page of results says it.
        images: set of images; None to train on the scans as they are.
        overlays: names of configuration files of configs/ laid over train.yaml.
        settings: overrides of every run.
        folds: number of folds of a cross-validation; 0 to hold out the datalist's test patients.
        run_folds: the folds that are run; all if empty.
        seeds: seeds of the repeated runs.
    """

    patients: int
    what: str
    images: Images | None = None
    overlays: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    folds: int = 0
    run_folds: Sequence[int] = ()
    seeds: Sequence[int] = (0,)


@dataclass(frozen=True)
class Row:
    """One row of a table: a system, how it is trained and evaluated, and what was published.

    Attributes:
        id: name of the runs; experiments on the same data share runs of the same name.
        name: what the table calls it.
        system: file of configs/systems without its ending.
        published: published figures by metric, 0..1; missing where the paper gives none.
        overrides: of the training, in every profile.
        profile_overrides: of the training, by profile.
        evaluation: overrides of the evaluation.
        datalist: name of one of the experiment's datalists; None for the cohort's own.
        initial_weights: id of the row whose weights the training starts from.
        mined_from: id of the row whose false positives are the body of the labels.
        compared_with: ids of the rows that this one is tested against.
        once: whether there is one run for all folds and seeds.
        shown: whether the table has this row; others only serve rows that are shown.
        series: name of the curve that the row is a point of, None where there is none.
        value: place of that point on the horizontal axis.
    """

    id: str
    name: str
    system: str
    published: Mapping[str, float] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    profile_overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    datalist: str | None = None
    initial_weights: str | None = None
    mined_from: str | None = None
    compared_with: Sequence[str] = ()
    once: bool = False
    shown: bool = True
    series: str | None = None
    value: float | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """Ids of the rows that must have run before."""
        return tuple(need for need in (self.initial_weights, self.mined_from) if need)


@dataclass(frozen=True)
class Experiment:
    """A published table or figure.

    Attributes:
        name: of the file, and of the results.
        title: of the page.
        source: paper and place in it.
        preset: of the simulated cohort.
        convention: how the metrics of a run are computed, "pooled" or "per_image".
        metrics: columns of the table, the first decides tests and the choice of pictures.
        profiles: by name.
        rows: in the order of the table; empty where the table counts a set of images.
        datalists: sections made of groups of the cohort, by name of the datalist; the section
            "training" is dealt into folds.
        dataset: published figures of a set of images, by name of DATASET_FIGURES.
        curve: title of the horizontal axis of the rows that make curves (see Row.series).
        remarks: what a reader must know beside the numbers.
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
    dataset: Mapping[str, float] = field(default_factory=dict)
    curve: str | None = None
    remarks: Sequence[str] = ()

    def row(self, row_id: str) -> Row:
        """Return a row by its id."""
        return next(row for row in self.rows if row.id == row_id)

    @property
    def shown(self) -> list[Row]:
        """The rows of the table."""
        return [row for row in self.rows if row.shown]


def load_experiment(path: Path) -> Experiment:
    """Read an experiment and see that its parts fit together.

    `like: OTHER` takes from another experiment whatever the file does not say itself; a row
    `{from: OTHER, id: ID}` is that experiment's row.

    Raises:
        ValueError: if the file does not exist or is no experiment; the message names what is
            wrong.
    """
    content = _read(path)
    profiles = {
        name: _make_profile(part, f"{path.name}, profile {name}")
        for name, part in content.pop("profiles").items()
    }
    rows = [row for part in content.pop("rows", []) for row in _make_rows(part, path)]
    datalists = {
        name: {
            section: _make(CohortPart, group, f"{path.name}, section {section}")
            for section, group in sections.items()
        }
        for name, sections in content.pop("datalists", {}).items()
    }
    parts = {"name": path.stem, "profiles": profiles, "rows": rows, "datalists": datalists}
    experiment = _make(Experiment, {**content, **parts}, path.name)
    _check(experiment, path)
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
    images = content.get("images")
    made = None if images is None else _make(Images, images, f"{where}, images")
    return _make(Profile, {**content, "images": made}, where)


def _make_rows(content: Mapping[str, Any], path: Path) -> list[Row]:
    """Make a row, or one for each value that the row sweeps over."""
    where = f"{path.name}, row {content.get('id')}"
    if "from" in content:
        return [_take_row(content, path, where)]
    plain = {key: value for key, value in content.items() if key != "sweep"}
    sweep = content.get("sweep")
    if sweep is None:
        return [_make(Row, plain, where)]
    published = plain.pop("published", {})
    return [
        _make(
            Row,
            {
                **plain,
                "id": f"{plain['id']}-{value}",
                "name": f"{plain['name']}, {sweep['symbol']} = {value}",
                "overrides": {**plain.get("overrides", {}), sweep["key"]: value},
                "published": published.get(value, {}),
                "series": plain["name"],
                "value": value,
            },
            where,
        )
        for value in sweep["values"]
    ]


def _take_row(content: Mapping[str, Any], path: Path, where: str) -> Row:
    """Make the row of another experiment, with what is changed of it."""
    others = _read(path.with_name(f"{content['from']}.yaml"))["rows"]
    found = [row for row in others if row["id"] == content["id"]]
    if not found:
        raise ValueError(f"{where}: {content['from']} must have a row of this id, it has none")
    changed = {key: value for key, value in content.items() if key != "from"}
    return _make(Row, {**found[0], "compared_with": (), **changed}, where)


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


def _check(experiment: Experiment, path: Path) -> None:
    """See that names refer to something."""

    def require(*, fits: bool, message: str) -> None:
        if not fits:
            raise ValueError(f"{path.name}: {message}")

    ids = [row.id for row in experiment.rows]
    require(fits=len(set(ids)) == len(ids), message=f"ids of rows must differ, got {ids}")
    require(
        fits=set(experiment.profiles) == set(PROFILES),
        message=f"profiles must be {PROFILES}, got {sorted(experiment.profiles)}",
    )
    require(
        fits=experiment.convention in CONVENTIONS,
        message=f"convention must be one of {CONVENTIONS}, got {experiment.convention!r}",
    )
    metrics = {*experiment.metrics, *(name for row in experiment.rows for name in row.published)}
    require(
        fits=metrics <= {*METRICS, F1_OF_MEANS},
        message=f"metrics must be among {(*METRICS, F1_OF_MEANS)}, got {sorted(metrics)}",
    )
    require(
        fits=set(experiment.dataset) <= set(DATASET_FIGURES),
        message=f"dataset must name {DATASET_FIGURES}, got {sorted(experiment.dataset)}",
    )
    systems = path.parents[1] / "systems"
    for number, row in enumerate(experiment.rows):
        require(
            fits=(systems / f"{row.system}.yaml").is_file(),
            message=f"row {row.id}: system {row.system!r} is no file of {systems}",
        )
        require(
            fits=set(row.needs) <= set(ids[:number]),
            message=f"row {row.id} must come after the rows that it needs, {row.needs}",
        )
        require(
            fits=set(row.compared_with) <= set(ids),
            message=f"row {row.id}: compared_with must name rows, got {row.compared_with}",
        )
        require(
            fits=row.datalist is None or row.datalist in experiment.datalists,
            message=f"row {row.id}: datalist {row.datalist!r} is none of the experiment's",
        )
