"""Evaluation tables as CSV, JSON and Markdown."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bonescan.metrics.lesion import DETECTION_METRICS
from bonescan.metrics.pixel import METRICS, scores
from bonescan.report.findings import RESEARCH_USE
from bonescan.report.image_results import ImageResult

TITLES = {
    "pa": "PA",
    "cpa": "CPA (precision)",
    "recall": "Recall",
    "iou": "IoU",
    "dsc": "DSC",
    "pooled": "pooled",
    "per_image": "per image",
    "per_image_with_lesion": "per image with lesion",
    "sensitivity": "Sensitivity",
    "precision": "Precision",
    "false_positives_per_scan": "False positives per scan",
}
CONVENTIONS = ("pooled", "per_image", "per_image_with_lesion")
UNDEFINED = "n/a"


def write_image_csv(path: str | Path, results: Sequence[ImageResult]) -> None:
    """Write one row per image: pixel counts, pixel metrics, lesions and components."""
    rows = [_image_row(result) for result in results]
    write_csv(path, rows)


def write_csv(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows with the same columns as CSV; None becomes an empty field.

    Raises:
        ValueError: if there is no row, and so no column to name.
    """
    if not rows:
        raise ValueError(f"{path}: rows must hold at least one row, got none")
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def to_markdown(summaries: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay out the summaries of several systems on the same images as Markdown.

    Args:
        summaries: documents of bonescan.report.image_results.summarise by name of the system.

    Returns:
        What was evaluated, a table of pixel metrics, and one of lesions.

    Raises:
        ValueError: if there is no summary, or they are not of the same images.
    """
    if not summaries:
        raise ValueError("summaries must hold at least one system, got none")
    heads = {_describe_data(summary) for summary in summaries.values()}
    if len(heads) > 1:
        raise ValueError(f"summaries must be of the same images, got {' / '.join(sorted(heads))}")
    pixel_rows = [
        [name, TITLES[convention], *(format_interval(summary[convention][m]) for m in METRICS)]
        for name, summary in summaries.items()
        for convention in CONVENTIONS
    ]
    lesion_rows = [
        [name, *(format_interval(summary["detection"][m]) for m in DETECTION_METRICS)]
        for name, summary in summaries.items()
    ]
    parts = [
        heads.pop(),
        markdown_table(["System", "Pixels", *(TITLES[m] for m in METRICS)], pixel_rows),
        markdown_table(["System", *(TITLES[m] for m in DETECTION_METRICS)], lesion_rows),
        f"{RESEARCH_USE}.",
    ]
    return "\n\n".join(parts) + "\n"


def format_interval(entry: Mapping[str, float | None]) -> str:
    """Write a value with its interval: "0.712 (0.650 to 0.771)", or "n/a" where undefined."""
    if entry["value"] is None:
        return UNDEFINED
    if entry["lower"] is None or entry["upper"] is None:
        return f"{entry['value']:.3f}"
    return f"{entry['value']:.3f} ({entry['lower']:.3f} to {entry['upper']:.3f})"


def _describe_data(summary: Mapping[str, Any]) -> str:
    """Say what was evaluated, so that no number stands without it."""
    origin = "Simulated" if summary["simulated"] else "Acquired"
    return (
        f"{origin} scans: {summary['images']} images, {summary['images_with_lesion']} of them with "
        f"{summary['lesions']} lesions, from {summary['scans']} scans of {summary['patients']} "
        f"patients. In brackets: {summary['interval']}."
    )


def _image_row(result: ImageResult) -> dict[str, Any]:
    """Flatten one image's record."""
    match = result.match
    return {
        "scan_id": result.scan_id,
        "patient": result.patient,
        "view": str(result.view),
        **dict(zip(("tp", "fp", "fn", "tn"), result.counts.tolist(), strict=True)),
        **{
            name: f"{value:.6f}" for name, value in zip(METRICS, scores(result.counts), strict=True)
        },
        "lesions": len(match.lesion_scores),
        "lesions_found": int(np.isfinite(match.lesion_scores).sum()),
        "components": len(match.true_scores) + len(match.false_scores),
        "components_false": len(match.false_scores),
    }


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows as a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
