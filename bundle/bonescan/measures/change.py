"""Change between scans of one patient: lesions matched by registration, burden, the 2+2 rule."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

import numpy as np
from scipy.optimize import linear_sum_assignment

from bonescan.dicom.scan import View, mirrored
from bonescan.errors import ScanError
from bonescan.measures.assessed_scan import AssessedScan
from bonescan.measures.burden import measure_burden
from bonescan.measures.findings import Finding
from bonescan.measures.progression import Pcwg3, Visit, apply_pcwg3, is_in_flare_window
from bonescan.measures.registration import register_scans

REPEATABILITY_POINTS = 0.3
"""Percentage points of a bone scan index by which two scans of one patient after one injection may
differ (upper limit; 0.05 on average; Anand et al. 2016, J Nucl Med 57:41, for the automated BSI,
n = 35). Ours is another index, for which no such limit is known: see bone_scan_index."""

MOST_MOVED_MM = 25.0
"""Distance, beyond the radius of the larger lesion, up to which a lesion is the same in the next
scan: registration errs by 10 mm or less at nine of ten places of the trunk (see registration). A
default of ours."""

LEAST_GROWTH = 1.5
"""Ratio of areas, or else of uptake over the surroundings, from which a lesion has grown, and by
whose inverse it has shrunk. A default of ours: two annotators' outlines of one lesion of a few
pixels differ by as much."""

LEAST_CORRELATION = 0.65
"""Below, two scans do not fit on each other. 12 simulated bodies in two postures correlated by 0.84
to 0.94, one with itself upside down by 0.54; it says nothing of who it is: bodies of two persons
correlated by 0.80 to 0.92."""


class LesionState(StrEnum):
    """What became of a lesion."""

    NEW = "new"
    GROWN = "grown"
    UNCHANGED = "unchanged"
    SHRUNK = "shrunk"
    GONE = "gone"
    NOT_COMPARED = "not compared"
    """The other scan did not record, or the system did not assess, its place."""


@dataclass(frozen=True)
class LesionChange:
    """One lesion in the earlier scan, the present one, or both.

    Attributes:
        state: what became of it.
        earlier: its findings in the earlier scan; none if it is new.
        now: its findings in the present scan; none if it is gone.
        area_ratio: area now over earlier, the largest of the views that show both; None if it is
            new, gone or not compared, or no view shows both.
        uptake_ratio: to_background now over earlier, the largest of those views; None as above, or
            where it is not known.
    """

    state: LesionState
    earlier: tuple[Finding, ...]
    now: tuple[Finding, ...]
    area_ratio: float | None = None
    uptake_ratio: float | None = None


@dataclass(frozen=True)
class Change:
    """Change from the latest earlier scan to the present one.

    Attributes:
        days: between them; None where a date is not known.
        same_patient: whether both are of one patient; None where a header does not say.
        correlation: how well the scans fit on each other, -1..1.
        lesions: every lesion of either scan, from head to foot; numbers of earlier findings are
            those of the earlier scan.
        bstbi_points: difference of 100 BSTBI, now less earlier; None where other fields were
            assessed, or from other views.
        planar_bsi_points: difference of the planar bone scan index in percentage points; None as
            above, or where it is not known of both.
        within_repeatability: whether planar_bsi_points is no more than REPEATABILITY_POINTS; None
            where it is not known.
        pcwg3: the 2+2 rule.
        flare_possible: whether the present scan lies within the window of a flare after the start
            of therapy; None where that day is not known. More or hotter lesions may then be
            healing: it is named, never decided.
    """

    days: int | None
    same_patient: bool | None
    correlation: float
    lesions: tuple[LesionChange, ...]
    bstbi_points: float | None
    planar_bsi_points: float | None
    within_repeatability: bool | None
    pcwg3: Pcwg3
    flare_possible: bool | None

    def count(self, state: LesionState) -> int:
        """Count the lesions of one state."""
        return sum(lesion.state is state for lesion in self.lesions)

    def state_by_lesion(self) -> dict[int, LesionState]:
        """Return what became of each lesion of the present scan, by its number."""
        return {lesion.now[0].lesion: lesion.state for lesion in self.lesions if lesion.now}


def compare_scans(
    scan: AssessedScan, earlier: Sequence[AssessedScan], *, therapy_start: date | None = None
) -> Change:
    """Compare a scan with earlier ones of the same patient.

    Args:
        scan: the present scan.
        earlier: at least one, the oldest first; changes are those since the last of them.
        therapy_start: first day of the therapy whose effect is looked at.

    Raises:
        ScanError: if an earlier scan is of another patient or of a later day, shows no view of the
            present one, or cannot be laid on it.
        ValueError: if there is no earlier scan.
    """
    if not earlier:
        raise ValueError("earlier must hold at least one scan, got none")
    scans = [*earlier, scan]
    same_patient = _check_patients(scans)
    days = _check_dates(scans)
    steps = [_match_scans(before, after) for before, after in pairwise(scans)]
    correlation, lesions = steps[-1]
    visits = [Visit(scans[0].acquired, 0)] + [
        Visit(after.acquired, sum(each.state is LesionState.NEW for each in changes))
        for after, (_, changes) in zip(scans[1:], steps, strict=True)
    ]
    bstbi_points, planar_bsi_points = _compare_burden(earlier[-1], scan)
    return Change(
        days=days,
        same_patient=same_patient,
        correlation=correlation,
        lesions=lesions,
        bstbi_points=bstbi_points,
        planar_bsi_points=planar_bsi_points,
        within_repeatability=(
            None if planar_bsi_points is None else abs(planar_bsi_points) <= REPEATABILITY_POINTS
        ),
        pcwg3=apply_pcwg3(visits, therapy_start),
        flare_possible=is_in_flare_window(scan.acquired, therapy_start),
    )


def _check_patients(scans: Sequence[AssessedScan]) -> bool | None:
    keys = {scan.patient_key for scan in scans}
    if len(keys - {""}) > 1:
        raise ScanError(
            "earlier scans must be of the same patient, got one of another patient; compare the "
            "headers and leave it out"
        )
    return None if "" in keys else True


def _check_dates(scans: Sequence[AssessedScan]) -> int | None:
    """Return the days between the last two scans; None where a date is not known."""
    known = [scan.acquired for scan in scans if scan.acquired is not None]
    for before, after in pairwise(known):
        if after < before:
            raise ScanError(
                "earlier scans must come first, the oldest first, got one that was made "
                f"{(before - after).days} days after the next; put them in the order of their days"
            )
    last, now = scans[-2].acquired, scans[-1].acquired
    return None if last is None or now is None else (now - last).days


def _compare_burden(before: AssessedScan, now: AssessedScan) -> tuple[float | None, float | None]:
    """Return the differences of 100 BSTBI and of the planar bone scan index."""
    if before.field != now.field or set(before.views) != set(now.views):
        return None, None
    old, new = measure_burden(before), measure_burden(now)
    bstbi_points = 100 * (new.bstbi - old.bstbi)
    if old.planar_bsi is None or new.planar_bsi is None:
        return bstbi_points, None
    return bstbi_points, new.planar_bsi.involved_percent - old.planar_bsi.involved_percent


@dataclass(frozen=True)
class _Lesion:
    """A lesion as the views show it that two scans have in common.

    The place is in mm in the anterior geometry, as bonescan.measures.registration has it.
    """

    findings: tuple[Finding, ...]
    place_mm: tuple[float, float]

    @property
    def radius_mm(self) -> float:
        return float(np.sqrt(max(each.area_mm2 for each in self.findings) / np.pi))


def _match_scans(before: AssessedScan, now: AssessedScan) -> tuple[float, tuple[LesionChange, ...]]:
    """Match the lesions of two scans; return how well the scans fit, and the lesions."""
    registration = register_scans(now, before)
    if registration.correlation < LEAST_CORRELATION:
        raise ScanError(
            "earlier scan must fit on the present one, got a correlation of "
            f"{registration.correlation:.2f}, less than {LEAST_CORRELATION}; look whether it is of "
            "the same patient and the right way up, or leave it out"
        )
    views = [view for view in now.views if view in before.views]
    old, new = list(_find_lesions(before, views)), list(_find_lesions(now, views))
    there_mm = [registration.find(lesion.place_mm) for lesion in new]
    pairs = dict(_pair(old, new, there_mm))
    changes = [_describe(old[pairs[index]], new[index]) for index in pairs]
    for index in set(range(len(new))) - set(pairs):
        compared = _is_assessed(before, views, there_mm[index])
        state = LesionState.NEW if compared else LesionState.NOT_COMPARED
        changes.append(LesionChange(state, (), new[index].findings))
    for index in set(range(len(old))) - set(pairs.values()):
        compared = _is_assessed(now, views, registration.find_back(old[index].place_mm))
        state = LesionState.GONE if compared else LesionState.NOT_COMPARED
        changes.append(LesionChange(state, old[index].findings, ()))
    changes += [
        LesionChange(LesionState.NOT_COMPARED, (), (finding,))
        for finding in now.findings
        if finding.view not in views
        and not any(finding.lesion == lesion.findings[0].lesion for lesion in new)
    ]
    changes.sort(key=lambda change: (change.now or change.earlier)[0].centroid_mm[0])
    return registration.correlation, tuple(changes)


def _find_lesions(scan: AssessedScan, views: Sequence[View]) -> Iterator[_Lesion]:
    """Collect the findings of some views lesion by lesion."""
    width_mm = (scan.counts.shape[2] - 1) * scan.spacing_mm[1]
    by_lesion: dict[int, list[Finding]] = {}
    for finding in scan.findings:
        if finding.view in views:
            by_lesion.setdefault(finding.lesion, []).append(finding)
    for findings in by_lesion.values():
        places_mm = [
            (row_mm, width_mm - column_mm if each.view is View.POSTERIOR else column_mm)
            for each in findings
            for row_mm, column_mm in [each.centroid_mm]
        ]
        row_mm, column_mm = np.mean(places_mm, axis=0)
        yield _Lesion(tuple(findings), (float(row_mm), float(column_mm)))


def _pair(
    old: Sequence[_Lesion], new: Sequence[_Lesion], there_mm: Sequence[tuple[float, float]]
) -> Iterator[tuple[int, int]]:
    """Pair lesions one to one, new with old, as many as lie near each other; the nearest first."""
    if not old or not new:
        return
    apart = np.array(there_mm)[:, None] - np.array([each.place_mm for each in old])[None]
    radius_mm = np.maximum.outer([each.radius_mm for each in new], [each.radius_mm for each in old])
    distance_mm = np.hypot(apart[..., 0], apart[..., 1])
    possible = distance_mm <= MOST_MOVED_MM + radius_mm
    never = 1e3 * (1.0 + distance_mm.max())
    for index, other in zip(
        *linear_sum_assignment(np.where(possible, distance_mm, never)), strict=True
    ):
        if possible[index, other]:
            yield int(index), int(other)


def _is_assessed(scan: AssessedScan, views: Sequence[View], place_mm: tuple[float, float]) -> bool:
    """Say whether a place lies in the field that a system assessed in one of some views."""
    row, column = (
        round(mm / spacing) for mm, spacing in zip(place_mm, scan.spacing_mm, strict=True)
    )
    rows, columns = scan.counts.shape[1:]
    if not (0 <= row < rows and 0 <= column < columns):
        return False
    return any(
        bool(mirrored(field_mask, view)[row, column])
        for field_mask, view in zip(scan.field_mask, scan.views, strict=True)
        if view in views
    )


def _describe(old: _Lesion, new: _Lesion) -> LesionChange:
    """Say what became of a lesion that both scans show."""
    pairs = [
        (one, other) for one in old.findings for other in new.findings if one.view is other.view
    ]
    areas = [other.area_mm2 / one.area_mm2 for one, other in pairs]
    uptakes = [
        other.to_background / one.to_background
        for one, other in pairs
        if one.to_background and other.to_background
    ]
    area_ratio, uptake_ratio = max(areas, default=None), max(uptakes, default=None)
    state = LesionState.UNCHANGED
    for ratio in (uptake_ratio, area_ratio):  # of two that contradict each other, area
        if ratio is not None and ratio >= LEAST_GROWTH:
            state = LesionState.GROWN
        elif ratio is not None and ratio <= 1 / LEAST_GROWTH:
            state = LesionState.SHRUNK
    return LesionChange(state, old.findings, new.findings, area_ratio, uptake_ratio)
