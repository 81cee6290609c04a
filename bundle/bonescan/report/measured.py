"""What is measured of a scan, for JSON and for a row of a table; names say what was assessed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bonescan.measures.bone_scan_index import PlanarBsi
from bonescan.measures.burden import RegionBurden
from bonescan.measures.change import Change, LesionChange, LesionState
from bonescan.measures.findings import Finding
from bonescan.measures.quality import Flag
from bonescan.report.scan_result import ScanResult


def burden_document(result: ScanResult) -> dict[str, Any]:
    """Put a burden into a document; every number is of the field that `assessed` names."""
    burden, index = result.burden, result.burden.planar_bsi
    return {
        "assessed": burden.field,
        "whole_body": burden.whole_body,
        "counts_share_in_field": rounded(burden.field_share, 4),
        "bladder_excluded": burden.bladder_excluded,
        "lesions": burden.lesions,
        "area_mm2": _by_view(burden.area_mm2),
        "bstbi": rounded(burden.bstbi, 4),
        "bstbi_by_panel": [
            {
                "view": str(panel.view),
                "upper_counts": rounded(panel.upper_counts),
                "bstbi": rounded(panel.bstbi, 4),
            }
            for panel in burden.bstbi_by_panel
        ],
        "bstbi_counts": rounded(burden.bstbi_counts, 4),
        "uptake_share": rounded(burden.uptake_share, 6),
        "hottest": name_finding(burden.hottest),
        "by_region": [_region_document(row) for row in burden.by_region],
        "image_cuts_body": bool(result.cut_edges),
        "planar_bsi": None if index is None else _index_document(index),
    }


def flag_document(flag: Flag) -> dict[str, Any]:
    """Put a flag into a document."""
    return {
        "code": str(flag.code),
        "severity": str(flag.severity),
        "view": None if flag.view is None else str(flag.view),
        "values": dict(flag.values),
    }


def change_document(change: Change, earlier: Sequence[ScanResult]) -> dict[str, Any]:
    """Put a change since earlier scans into a document: no date, only numbers of days."""
    return {
        "earlier_scan_ids": [scan.scan_id for scan in earlier],
        "days": change.days,
        "same_patient": change.same_patient,
        "correlation": rounded(change.correlation),
        "lesions": [_lesion_document(lesion) for lesion in change.lesions],
        "bstbi_points": rounded(change.bstbi_points, 2),
        "planar_bsi_points": rounded(change.planar_bsi_points, 2),
        "within_repeatability": change.within_repeatability,
        "pcwg3_2_plus_2": {
            "state": str(change.pcwg3.state),
            "reason": str(change.pcwg3.reason),
            "new_lesions": list(change.pcwg3.new_lesions),
            "days": list(change.pcwg3.days),
        },
        "flare_possible": change.flare_possible,
    }


def measured_row(result: ScanResult) -> dict[str, Any]:
    """Return columns of a table; those of a burden carry the assessed field in their names."""
    burden, change = result.burden, result.change
    field = burden.field.replace(" ", "_")
    index = burden.planar_bsi
    return {
        "lesions": burden.lesions,
        f"bstbi_{field}": rounded(burden.bstbi, 4),
        f"uptake_share_{field}": rounded(burden.uptake_share, 6),
        f"planar_bsi_percent_{field}": index and rounded(index.involved_percent, 4),
        "skeleton_assessed_percent": index and rounded(index.assessed_percent, 1),
        "bladder_excluded": burden.bladder_excluded,
        "flags": " ".join(sorted({str(flag.code) for flag in result.flags})),
        "days_since_earlier": change and change.days,
        "lesions_new": change and change.count(LesionState.NEW),
        "lesions_grown": change and change.count(LesionState.GROWN),
        "lesions_shrunk": change and change.count(LesionState.SHRUNK),
        "lesions_gone": change and change.count(LesionState.GONE),
        "pcwg3_2_plus_2": change and str(change.pcwg3.state),
    }


def name_finding(finding: Finding | None) -> dict[str, Any] | None:
    """Return what points to a finding in the list of findings, and names its lesion."""
    if finding is None:
        return None
    return {"view": str(finding.view), "number": finding.number, "lesion": finding.lesion}


def rounded(value: float | None, digits: int = 3) -> float | None:
    """Round what is known."""
    return None if value is None else round(value, digits)


def _by_view(values: Mapping[Any, float]) -> dict[str, float | None]:
    return {str(view): rounded(value) for view, value in values.items()}


def _region_document(row: RegionBurden) -> dict[str, Any]:
    return {
        "region": row.region,
        "lesions": row.lesions,
        "area_mm2": _by_view(row.area_mm2),
        "counts_share": rounded(row.counts_share, 6),
        "hottest": name_finding(row.hottest),
        "hottest_to_background": rounded(row.hottest.to_background),
        "involved_share": rounded(row.involved_share, 4),
        "weight_percent": rounded(row.weight),
    }


def _index_document(index: PlanarBsi) -> dict[str, Any]:
    return {
        "involved_percent": rounded(index.involved_percent, 4),
        "assessed_percent": rounded(index.assessed_percent, 1),
        "merge": str(index.merge),
        "bones": [
            {
                key: rounded(value, 4) if isinstance(value, float) else value
                for key, value in asdict(bone).items()
            }
            for bone in index.bones
        ],
    }


def _lesion_document(lesion: LesionChange) -> dict[str, Any]:
    return {
        "state": str(lesion.state),
        "earlier": [name_finding(finding) for finding in lesion.earlier],
        "now": [name_finding(finding) for finding in lesion.now],
        "area_ratio": rounded(lesion.area_ratio),
        "uptake_ratio": rounded(lesion.uptake_ratio),
    }
