"""The figures of an evaluation that metadata and model card give."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonescan.run_folder import EVALUATION, SUMMARY_JSON


@dataclass(frozen=True)
class Figure:
    """One figure with its interval.

    Attributes:
        key: in the metadata.
        name: in the card.
        value: the figure, None where it is undefined.
        lower: lower bound of the 95 % interval.
        upper: upper bound.
    """

    key: str
    name: str
    value: float | None
    lower: float | None
    upper: float | None


def read_evaluation(run: Path, name: str) -> dict[str, Any] | None:
    """Return the summary of a run's evaluation of a system; None where there is none.

    Raises:
        ValueError: if there is one, and it is of another system.
    """
    path = run / EVALUATION / SUMMARY_JSON
    if not path.is_file():
        return None
    document = json.loads(path.read_text(encoding="utf-8"))
    parts = [document, *(part for part in document.values() if isinstance(part, Mapping))]
    for part in parts:  # of metastases, or of what else a system finds
        if name in part:
            return part[name]
    raise ValueError(f"{path} must be of {name}, got none of it: evaluate the run again")


def find_figures(evaluation: Mapping[str, Any] | None) -> list[Figure]:
    """Return the figures of a summary: of pixels and lesions, of decisions, or of bones."""
    return [] if evaluation is None else list(_find(evaluation))


def count_cases(evaluation: Mapping[str, Any]) -> str:
    """Say how much a system was evaluated on."""
    units = ("images", "scans", "cases", "lesions")
    counts = [f"{evaluation[unit]} {unit}" for unit in units if unit in evaluation]
    return f"{', '.join(counts)} of {evaluation['patients']} patients"


def _find(evaluation: Mapping[str, Any]) -> Iterator[Figure]:
    if "pooled" in evaluation:
        pooled = evaluation["pooled"]
        yield _figure("dsc_pooled", "DSC, pooled", pooled["dsc"])
        yield _figure("precision_pooled", "precision, pooled", pooled["precision"])
        yield _figure("recall_pooled", "recall, pooled", pooled["recall"])
        sensitivity = evaluation["detection"]["sensitivity"]
        yield _figure("lesion_sensitivity", "sensitivity for lesions", sensitivity)
    for bit, part in evaluation.get("bits", {}).items():
        yield _figure(f"auc_{bit}", f"AUC, {bit}", part["auc"])
    for group, part in evaluation.get("dice", {}).items():
        yield _figure(f"dsc_{group.replace(' ', '_')}", f"DSC, {group.replace('_', ' ')}", part)


def _figure(key: str, name: str, part: Mapping[str, Any]) -> Figure:
    lower, upper = part.get("interval") or (
        part.get("lower", part.get("low")),
        part.get("upper", part.get("high")),
    )
    return Figure(key, name, part["value"], lower, upper)
