"""Writers: each puts one kind of result of a scan on disk.

A writer is called with a ScanResult and the folder of the whole output. The list `outputs` of
configs/inference.yaml names those that run; one of another package is a line there with its dotted
path. What a writer raises is a failure of that scan alone.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from bonescan import run_folder
from bonescan.data.nifti import write_view_stack
from bonescan.dicom.scan import View
from bonescan.files import append_row, write_json
from bonescan.labels import REPORT_SITES
from bonescan.measures.findings import Finding
from bonescan.notice import RESEARCH_USE
from bonescan.report.measured import (
    burden_document,
    change_document,
    flag_document,
    measured_row,
    rounded,
)
from bonescan.report.overlay import write_overlay
from bonescan.report.scan_result import ScanResult


class ScanWriter(Protocol):
    """What a writer is."""

    def __call__(self, result: ScanResult, output_dir: Path) -> None:
        """Write one kind of result.

        Args:
            result: the scan and what was found.
            output_dir: folder of the output; that of the scan is named after it and exists.
        """


class LabelMapWriter:
    """Write the label map as NIfTI: every value that the system decides, and what made it."""

    def __call__(self, result: ScanResult, output_dir: Path) -> None:
        """Write `SCAN_ID/SCAN_ID_label.nii.gz`."""
        path = output_dir / result.scan_id / run_folder.label_map_name(result.scan_id)
        made_by = result.provenance.document()
        del made_by["date"]  # equal results, equal bytes
        comment = json.dumps({"notice": RESEARCH_USE, **made_by})
        write_view_stack(path, result.label_map, result.spacing_mm, result.views, comment=comment)


class FindingsWriter:
    """Write the findings as JSON."""

    def __call__(self, result: ScanResult, output_dir: Path) -> None:
        """Write `SCAN_ID/findings.json`."""
        write_json(output_dir / result.scan_id / run_folder.FINDINGS, findings_document(result))


class OverlayWriter:
    """Write the picture of the scan with its findings."""

    def __call__(self, result: ScanResult, output_dir: Path) -> None:
        """Write `SCAN_ID/overlay.png`."""
        write_overlay(output_dir / result.scan_id / run_folder.OVERLAY, result)


class SummaryWriter:
    """Add the scan's row to the table of all scans, which tells a resumed run what is done."""

    def __call__(self, result: ScanResult, output_dir: Path) -> None:
        """Add a row to `summary.csv`."""
        row = {"input": run_folder.name_input(result.files), **scan_summary(result)}
        append_row(output_dir / run_folder.SCAN_ROWS, row)


def findings_document(result: ScanResult) -> dict[str, Any]:
    """Put findings and what is needed to read them into one JSON-ready document.

    Returns:
        A document of strings, numbers, lists and dictionaries. Nothing is said outside of the
        field that was assessed.
    """
    row_spacing_mm, column_spacing_mm = result.spacing_mm
    return {
        "scan_id": result.scan_id,
        "notice": RESEARCH_USE,
        "provenance": result.provenance.document(),
        "simulated": result.simulated,
        "assessed": result.field,
        "views": [str(view) for view in result.views],
        "view_source": result.view_source,
        "content_check": result.content_check,
        "spacing_mm": {"row": row_spacing_mm, "column": column_spacing_mm},
        "probability": rounded(result.probability),
        "findings": [_to_json(finding) for finding in result.findings],
        **_decisions(result),
        "burden_of_assessed": burden_document(result),
        "flags": [flag_document(flag) for flag in result.flags],
        "change": None if result.change is None else change_document(result.change, result.earlier),
    }


def _decisions(result: ScanResult) -> dict[str, Any]:
    """Return what the system says of the scan as a whole; nothing of one that says nothing."""
    decisions: dict[str, Any] = {}
    if result.scan_prob is not None:
        decisions["probability_of_metastasis"] = rounded(result.scan_prob)
    if result.site_probs is not None:
        decisions["probability_by_site"] = {
            site: rounded(prob) for site, prob in result.site_probs.items()
        }
    return decisions


def scan_summary(result: ScanResult) -> dict[str, Any]:
    """Summarise a scan in one flat row.

    Areas and numbers stay apart by view: a lesion seen from both sides would count twice in a sum.

    Returns:
        Values by column name; None for a view that the scan does not have.
    """
    row: dict[str, Any] = {
        "scan_id": result.scan_id,
        "assessed": result.field,
        "simulated": result.simulated,
        "view_source": result.view_source,
        "content_check": result.content_check,
    }
    for view in View:
        of_view = [finding for finding in result.findings if finding.view == view]
        row |= _summarise_view(view, of_view, present=view in result.views)
    return row | _probability_row(result) | measured_row(result) | result.provenance.row()


def _probability_row(result: ScanResult) -> dict[str, float | None]:
    """Return the probabilities of the scan; None for what the system does not say."""
    sites = result.site_probs or {}
    probs = {
        "probability": result.probability,
        "probability_of_metastasis": result.scan_prob,
        **{f"probability_{site}": sites.get(site) for site in REPORT_SITES},
    }
    return {name: rounded(prob) for name, prob in probs.items()}


def _summarise_view(view: View, findings: Sequence[Finding], *, present: bool) -> dict[str, Any]:
    at_border = [finding for finding in findings if finding.touches_field_border]
    area_mm2 = rounded(sum(finding.area_mm2 for finding in findings))
    return {
        f"lesions_{view}": len(findings) if present else None,
        f"lesions_at_field_border_{view}": len(at_border) if present else None,
        f"area_mm2_{view}": area_mm2 if present else None,
        f"max_counts_{view}": max((finding.max_counts for finding in findings), default=None),
    }


def _to_json(finding: Finding) -> dict[str, Any]:
    """Name the parts of pairs, so that nobody has to guess their order; round what is no whole."""
    values = asdict(finding)
    for key, parts in (
        ("centroid_px", ("row", "column")),
        ("centroid_mm", ("row", "column")),
        ("box_px", ("first_row", "first_column", "last_row", "last_column")),
    ):
        values[key] = dict(zip(parts, map(rounded, values[key]), strict=True))
    for key, value in values.items():
        if isinstance(value, float):
            values[key] = rounded(value)
    return {**values, "view": str(finding.view)}
