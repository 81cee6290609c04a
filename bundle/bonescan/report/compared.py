"""The result of a scan beside those of earlier scans of its patient, once they are seen to fit."""

import dataclasses
from collections.abc import Sequence
from datetime import date

from bonescan.errors import ScanError
from bonescan.report.scan_result import ScanResult


def compare_results(
    result: ScanResult, earlier: Sequence[ScanResult], *, therapy_start: date | None = None
) -> ScanResult:
    """Return the result of a scan with its earlier ones, compared.

    Args:
        result: of the present scan.
        earlier: at least one, of the same system and patient, in any order.
        therapy_start: first day of the therapy whose effect is looked at; None where not known.

    Raises:
        ScanError: if a scan has no day, comes twice, or is no earlier one of the same patient, if
            other fields were assessed or another system assessed one, if therapy began after the
            scan, or if an earlier scan cannot be laid on it. No message tells a day.
        ValueError: if there is no earlier scan.
    """
    _require_days([result, *earlier])
    _require_once([result, *earlier])
    for other in earlier:
        _require_same_system(result, other)
    if therapy_start is not None and result.acquired is not None:
        days = (therapy_start - result.acquired).days
        if days > 0:
            raise ScanError(
                f"therapy_start must not be after the scan, got a day {days} days later; give the "
                "first day of the therapy whose effect the scan shows"
            )
    compared = dataclasses.replace(
        result,
        earlier=sorted(earlier, key=lambda other: other.acquired or date.min),
        therapy_start=therapy_start,
    )
    if compared.change is None:  # measured here: what does not fit fails before it is written
        raise ValueError("earlier must hold at least one scan, got none")
    return compared


def _require_days(results: Sequence[ScanResult]) -> None:
    for result in results:
        if result.acquired is None:
            raise ScanError(
                f"{_name(result)}: the day of a scan that is compared must be known, got none in "
                "its header (AcquisitionDate, StudyDate); export it with its days, shifted by the "
                "same number for all scans of the patient if need be"
            )


def _require_once(results: Sequence[ScanResult]) -> None:
    seen: dict[str, ScanResult] = {}
    for result in results:
        other = seen.setdefault(result.scan_id, result)
        if other is not result:
            raise ScanError(
                f"scans that are compared must be different ones, got the same in {_name(other)} "
                f"and {_name(result)}; leave one out"
            )


def _require_same_system(result: ScanResult, other: ScanResult) -> None:
    if other.field != result.field:
        raise ScanError(
            f"scans that are compared must be assessed in the same field, got the {result.field} "
            f"and, of {_name(other)}, the {other.field}; assess both by one system"
        )
    if other.provenance.identity() != result.provenance.identity():
        raise ScanError(
            "scans that are compared must be assessed by the same system at the same operating "
            f"point, got another for {_name(other)}; assess both by one"
        )


def _name(result: ScanResult) -> str:
    return " and ".join(path.name for path in result.files)
