"""Read an experiment from its file of configs/experiments, and see that its parts fit together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from bonescan.inferers.stepwise import STEPS
from bonescan.metrics.pixel import METRICS
from bonescan.studies.experiments.correlations import MEASURES, Correlations
from bonescan.studies.experiments.decisions import DECISION_METRICS, Decisions, Reader
from bonescan.studies.experiments.experiment import (
    COSTS,
    F1_OF_MEANS,
    IMAGE_SET_FACTS,
    PROFILES,
    REQUIRED_PROFILES,
    CohortPart,
    Experiment,
    ImageSet,
    Profile,
    PublishedLine,
    Row,
)
from bonescan.studies.experiments.row_images import CONVENTIONS
from bonescan.studies.experiments.therapy import Therapy
from bonescan.studies.experiments.times import Times
from bonescan.workflow.installation import find_systems

T = TypeVar("T")

STEPWISE = "liu2021"
"""File of configs/systems that applies trainings step by step; it is not trained itself."""


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
    if "correlations" in content:
        where = f"{path.name}, correlations"
        parts["correlations"] = _make(Correlations, content["correlations"], where)
    if "therapy" in content:
        parts["therapy"] = _make(Therapy, content["therapy"], f"{path.name}, therapy")
    if "times" in content:
        parts["times"] = _make(Times, content["times"], f"{path.name}, times")
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
    published += [experiment.correlations.published] if experiment.correlations else []
    named = (name for each in published for name in each)
    metrics = {*experiment.metrics, *experiment.computed, *named}
    yield "convention", [experiment.convention], CONVENTIONS
    yield "metrics", metrics, _known_metrics(experiment)
    if experiment.times:
        yield "times: system", [experiment.times.system], [STEPWISE]
        yield "times: steps", experiment.times.steps, STEPS
        yield "times: steps", experiment.times.steps.values(), systems
    yield "published_image_set", experiment.published_image_set, IMAGE_SET_FACTS
    for number, row in enumerate(rows):
        earlier = [other.id for other in rows[:number]]
        same_data = [other.id for other in rows if other.data == row.data]
        yield f"row {row.id}: system", [row.system], [STEPWISE] if row.steps else systems
        yield f"row {row.id}: compared_with", row.compared_with, same_data
        profiles = (*row.profiles, *row.profile_names, *row.generates)
        yield f"row {row.id}: profiles", profiles, PROFILES
        yield f"row {row.id}: rows that it needs", row.needs, earlier
        yield f"row {row.id}: steps", row.steps, STEPS
        for profile in experiment.profiles.values() if row.data else ():
            known = [*profile.image_sets, *experiment.datalists]
            yield f"row {row.id}: data", [str(row.data)], known


def _known_metrics(experiment: Experiment) -> Sequence[str]:
    if experiment.costs:
        return COSTS
    if experiment.correlations or experiment.therapy:
        return MEASURES
    return DECISION_METRICS if experiment.decisions else (*METRICS, F1_OF_MEANS)
