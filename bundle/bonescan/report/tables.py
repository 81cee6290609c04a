"""Evaluation tables as CSV, JSON and Markdown."""

import csv
import html
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bonescan.files import harmless, read_rows
from bonescan.image_form import ImageForm
from bonescan.labels import LABEL_NAMES, Label
from bonescan.metrics.lesion import DETECTION_METRICS
from bonescan.metrics.pixel import METRICS, OUTCOMES, scores
from bonescan.notice import RESEARCH_USE
from bonescan.report.image_results import ImageResult

ABBREVIATIONS = {"iou": "IoU", "dsc": "DSC"}
CONVENTIONS = ("pooled", "per_image", "per_image_with_lesion")
UNDEFINED = "n/a"


def write_image_csv(path: str | Path, results: Sequence[ImageResult]) -> None:
    """Write one row per image and label: confusion, metrics, true and predicted lesions."""
    write_csv(path, [_image_row(result) for result in results])


def read_image_csv(path: str | Path, label: Label) -> list[ImageResult]:
    """Read the confusions and lesions of one label that write_image_csv wrote.

    Returns:
        Records by patient, form and scan, without what the table does not hold: probabilities and
        the images' own metrics.

    Raises:
        ValueError: if a column is missing or a value is no whole number.
    """
    rows = [row for row in read_rows(Path(path)) if row.get("label") == LABEL_NAMES[label]]
    try:
        results = [_read_image_row(row, label) for row in rows]
    except (KeyError, ValueError) as err:
        raise ValueError(f"{path}: rows must be as an evaluation writes them ({err!r})") from err
    return sorted(results, key=lambda result: (result.patient, result.form, result.scan_id))


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
        writer.writerows({name: harmless(cell) for name, cell in row.items()} for row in rows)


def to_markdown(summaries: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay out the summaries of several systems on the same images as Markdown.

    Args:
        summaries: documents of bonescan.report.image_results.summarise by name of the system.

    Returns:
        What was evaluated, a table of pixel metrics, one of lesions, one of the free-response curve
        where there is one, and one of the images' own metrics where they have any.

    Raises:
        ValueError: if there is no summary, or they are not of the same images.
    """
    if not summaries:
        raise ValueError("summaries must hold at least one system, got none")
    heads = {_describe_data(summary) for summary in summaries.values()}
    if len(heads) > 1:
        raise ValueError(f"summaries must be of the same images, got {' / '.join(sorted(heads))}")
    pixel_rows = [
        [
            name,
            convention.replace("_", " "),
            *(format_interval(summary[convention][m]) for m in METRICS),
        ]
        for name, summary in summaries.items()
        for convention in CONVENTIONS
    ]
    parts = [
        heads.pop(),
        markdown_table(["System", "Pixels", *map(metric_title, METRICS)], pixel_rows),
        *_lesion_tables(summaries),
        *_reliability_table(summaries),
    ]
    image_metrics = list(next(iter(summaries.values())).get("image_metrics", {}))
    if image_metrics:
        image_rows = [
            [name, *(_format_mean(summary["image_metrics"][m]) for m in image_metrics)]
            for name, summary in summaries.items()
        ]
        parts.append(markdown_table(["System", *map(metric_title, image_metrics)], image_rows))
    return "\n\n".join([*parts, f"{RESEARCH_USE}."]) + "\n"


def _lesion_tables(summaries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Lay out detection, and the free-response curves of the systems that have one."""
    first = next(iter(summaries.values()))
    unit = first["unit"]
    titles = [metric_title(metric) for metric in DETECTION_METRICS]
    titles[DETECTION_METRICS.index("false_positives")] += f" per {unit}"
    rows = [
        [name, *(format_interval(summary["detection"][m]) for m in DETECTION_METRICS)]
        for name, summary in summaries.items()
    ]
    rule = f"Lesions are {first['lesion_rule']}; what has no partner is missed or false."
    points = [
        f"Operating point of {name}: {summary['operating_point']['is']}."
        for name, summary in summaries.items()
        if "operating_point" in summary
    ]
    parts = [" ".join([rule, *points]), markdown_table(["System", *titles], rows)]
    curves = {name: summary["froc"] for name, summary in summaries.items() if "froc" in summary}
    if curves:
        rates = list(next(iter(curves.values()))["sensitivity_at"])
        froc_rows = [
            [name, *(_format_sensitivity(curve, rate) for rate in rates)]
            for name, curve in curves.items()
        ]
        header = ["Sensitivity at false positives", *(f"{rate} per {unit}" for rate in rates)]
        parts.append(markdown_table(header, froc_rows))
    return parts


def _reliability_table(summaries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Lay out how far probabilities are true, of the systems that state some."""
    rows = [
        [
            f"{name}, {level}",
            str(found["cases"]),
            str(found["true"]),
            *(
                format_interval(found[form]["calibration_error"]) if form in found else UNDEFINED
                for form in ("uncalibrated", "calibrated")
            ),
        ]
        for name, summary in summaries.items()
        for level, found in summary.get("reliability", {}).items()
    ]
    header = ["Expected calibration error", "Cases", "True", "Uncalibrated", "Calibrated"]
    return [markdown_table(header, rows)] if rows else []


def _format_sensitivity(curve: Mapping[str, Any], rate: str) -> str:
    """Write the sensitivity at a number of false positives, or that the curve ends before it."""
    most = max(curve["false_positives"])
    if most < float(rate):
        return f"not reached (at most {most:.1f})"
    return format_interval(curve["sensitivity_at"][rate])


def metric_title(metric: str) -> str:
    """Return what a column of a metric is called."""
    return ABBREVIATIONS.get(metric, metric.replace("_", " ").capitalize())


def _format_mean(entry: Mapping[str, Any]) -> str:
    """Write a mean over images with its interval and the number of images that have a value."""
    return f"{format_interval(entry)}, {entry['images']} images"


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
    without = summary["images"] - summary["images_with_lesion"]
    scans = "" if summary["unit"] == "image" else f"{summary['units']} scans of "
    return (
        f"{origin} scans: {summary['images']} images from {scans}{summary['patients']} patients; "
        f"{summary['images_with_lesion']} images with {summary['lesions']} lesions, {without} "
        f"without any. In brackets: {summary['interval']}."
    )


def _image_row(result: ImageResult) -> dict[str, Any]:
    """Flatten one image's record."""
    found, missed, false = result.lesions.tolist()
    of_pixels = dict(zip(METRICS, scores(result.confusion).tolist(), strict=True))
    metrics = {**of_pixels, **result.metrics}
    return {
        "scan_id": result.scan_id,
        "patient": result.patient,
        "form": str(result.form),
        "label": LABEL_NAMES[result.label],
        **dict(zip(OUTCOMES, result.confusion.tolist(), strict=True)),
        **{name: _format_number(value) for name, value in metrics.items()},
        "lesions": found + missed,
        "lesions_found": found,
        "lesions_predicted": found + false,
        "lesions_false": false,
    }


def _read_image_row(row: Mapping[str, str], label: Label) -> ImageResult:
    found, false = int(row["lesions_found"]), int(row["lesions_false"])
    return ImageResult(
        scan_id=row["scan_id"],
        patient=row["patient"],
        form=ImageForm(row["form"]),
        label=label,
        confusion=np.array([int(row[outcome]) for outcome in OUTCOMES]),
        lesions=np.array([found, int(row["lesions"]) - found, false]),
        froc_lesions=None,
        metrics={},
    )


def _format_number(value: float) -> str | None:
    return None if math.isnan(value) else f"{value:.6f}"


def plain_markdown(text: str) -> str:
    """Return text that was typed by somebody so that Markdown shows it as it is."""
    one_line = " ".join(html.escape(text, quote=False).split())
    return re.sub(r"([\\`*_{}\[\]|~])", r"\\\1", one_line)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows as a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
