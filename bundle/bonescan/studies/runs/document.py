"""What a comparison of runs says, ready for JSON: the page and the table are made of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bonescan.handlers.effort import IMAGES, MEMORY_MB, PROCESSOR_S
from bonescan.metrics.lesion import DETECTION_METRICS
from bonescan.studies.peers.figures import DSC, PER_IMAGE, POOLED
from bonescan.studies.runs.differences import ABSENT, compare_evaluations, differing_keys
from bonescan.studies.runs.evaluation import Evaluation, why_not_comparable
from bonescan.studies.runs.trained_run import VALIDATION, TrainedRun

FALSE_POSITIVES = "1.0"
"""False positives a unit at which lesion sensitivity is read."""
SENSITIVITY_AT = f"sensitivity_at_{FALSE_POSITIVES}"
FIGURES = (POOLED, PER_IMAGE, *DETECTION_METRICS, SENSITIVITY_AT)
"""Figures of a run, in the order of the table: DSC by two conventions, lesions at the run's own
operating point, and sensitivity at a number of false positives."""
COMPARED = (POOLED, PER_IMAGE, *DETECTION_METRICS)
"""Those of which differences are computed."""
SECONDS = "seconds"
_HASH_DIGITS = 8
_LONGEST_VALUE = 200
"""Characters of a value of a configuration that the document keeps; a default of ours."""

TestSet = Sequence[TrainedRun]
"""Runs that were evaluated on the same images; the first is the reference of the others."""


def group_runs(runs: Sequence[TrainedRun]) -> Sequence[TestSet]:
    """Group the evaluated runs by what they were evaluated on, in the order given."""
    groups: list[list[TrainedRun]] = []
    for run in runs:
        if run.evaluation is None:
            continue
        fitting = (group for group in groups if not _why(group[0], run))
        group = next(fitting, None)
        if group is None:
            groups.append([run])
        else:
            group.append(run)
    return groups


def make_document(
    runs: Sequence[TrainedRun], groups: Sequence[TestSet], unreadable: Mapping[str, str]
) -> dict[str, Any]:
    """Say all that is said of runs.

    Args:
        runs: that could be read.
        groups: of group_runs.
        unreadable: why each other folder could not be read, by its name.

    Returns:
        `runs`, each with its figures; `test_sets`, each with the differences of its runs to its
        first; `configuration`, the keys that differ; `remarks` on the curves; `unreadable`.
    """
    sets = {run.name: number for number, group in enumerate(groups, start=1) for run in group}
    known = {run.name: run.configuration for run in runs if run.configuration is not None}
    differing = differing_keys(list(known.values()))
    return {
        "runs": [_describe_run(run, sets.get(run.name)) for run in runs],
        "test_sets": [_describe_set(group, groups[0][0]) for group in groups],
        "configuration": {
            "runs": list(known),
            "keys": {key: list(map(_to_text, values)) for key, values in differing.items()},
        },
        "remarks": _remark_curves(runs),
        "unreadable": dict(unreadable),
    }


def make_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Lay out the figures as a table: a row for each figure of each evaluated run."""
    rows = []
    for run in document["runs"]:
        if run["figures"] is None:
            continue
        test_set = document["test_sets"][run["test_set"] - 1]
        for name in FIGURES:
            figure = run["figures"][name]
            difference = test_set["differences"].get(run["name"], {}).get(name, {})
            rows.append(
                {
                    "run": run["name"],
                    "test_set": run["test_set"],
                    "images": test_set["images"],
                    "patients": test_set["patients"],
                    "figure": name,
                    **{bound: figure[bound] for bound in ("value", "lower", "upper")},
                    "reference": test_set["reference"] if difference else None,
                    "difference": difference.get("value"),
                    "difference_lower": difference.get("lower"),
                    "difference_upper": difference.get("upper"),
                }
            )
    return rows


def _why(first: TrainedRun, other: TrainedRun) -> str:
    if first.evaluation is None or other.evaluation is None:
        return "not evaluated"
    return why_not_comparable(first.evaluation, other.evaluation)


def _describe_run(run: TrainedRun, test_set: int | None) -> dict[str, Any]:
    memory = [row[MEMORY_MB] for row in run.history if MEMORY_MB in row]
    return {
        "name": run.name,
        "system": run.system,
        "epochs": len(run.history),
        "planned_epochs": run.planned_epochs,
        "parameters": run.parameters,
        "seconds": run.total(SECONDS),
        "processor_seconds": run.total(PROCESSOR_S),
        "images_seen": run.total(IMAGES),
        "memory_mb": max(memory, default=None),
        **{key: run.record.get(key) for key in ("seed", "device", "threads", "revision")},
        "data": str(run.record.get("data_sha256"))[:_HASH_DIGITS],
        "remarks": list(run.remarks),
        "test_set": test_set,
        "operating_point": _operating_point(run.evaluation),
        "figures": None if run.evaluation is None else _figures(run.evaluation.summary),
    }


def _operating_point(evaluation: Evaluation | None) -> str | None:
    if evaluation is None:
        return None
    return (evaluation.summary.get("operating_point") or {}).get("is")


def _figures(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Take the figures of the table out of a summary; None for those that it lacks."""
    unknown = {"value": None, "lower": None, "upper": None}
    of_curve = summary.get("froc", {}).get("sensitivity_at", {})
    return {
        POOLED: summary[POOLED][DSC],
        PER_IMAGE: summary[PER_IMAGE][DSC],
        **{name: summary["detection"][name] for name in DETECTION_METRICS},
        SENSITIVITY_AT: of_curve.get(FALSE_POSITIVES, unknown),
    }


def _describe_set(group: TestSet, first: TrainedRun) -> dict[str, Any]:
    """Say what a group was evaluated on, and how its runs differ from the first of them."""
    evaluation = group[0].evaluation
    if evaluation is None:
        raise ValueError(f"runs of a test set must be evaluated, got {group[0].name}")
    summary = evaluation.summary
    keys = ("simulated", "images", "images_with_lesion", "unit", "units", "patients", "lesions",
            "interval", "lesion_rule")  # fmt: skip
    return {
        "reference": group[0].name,
        "runs": [run.name for run in group],
        **{key: summary[key] for key in keys},
        "why_not_compared": "" if group[0] is first else _why(first, group[0]),
        "differences": {
            run.name: compare_evaluations(run.evaluation.results, evaluation.results)
            for run in group[1:]
            if run.evaluation is not None
        },
    }


def _remark_curves(runs: Sequence[TrainedRun]) -> list[str]:
    """Say what hinders a comparison of the curves."""
    remarks = []
    folds = {(run.record.get("data_sha256"), (run.configuration or {}).get("fold")) for run in runs}
    if len(folds) > 1:
        remarks.append("These runs were validated on different patients (other data or fold).")
    if len({run.metric for run in runs}) > 1:
        remarks.append("Their validation metrics are different ones.")
    without = [run.name for run in runs if not any(VALIDATION in row for row in run.history)]
    if without:
        remarks.append(f"Not validated in training: {', '.join(without)}.")
    return remarks


def _to_text(value: object) -> str:
    """Write a value of a configuration; the end of a long one is left out."""
    if value is ABSENT:
        return "(not there)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]} ..."
