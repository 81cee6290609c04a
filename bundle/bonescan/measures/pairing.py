"""Which findings of the two views are one lesion.

On simulated scans with the true outlines, each of 78 pairs was found, and no other (16 patients
with metastases of `bonescan simulate --preset default --seed 123 --patients 24`); the bone that is
named with the true regions was right in 189 of their 195 findings, the side always.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bonescan.dicom.scan import View, mirrored
from bonescan.measures.findings import Finding

MOST_APART_MM = 15.0
"""Distance of the centroids, one view laid on the other, up to which two findings can be one
lesion."""

LEAST_OVERLAP = 0.5
"""Of the smaller finding: two that overlap as much can be one lesion, however far the centroids of
a large lesion lie apart. Both limits chosen on other simulated patients than those above."""


def number_lesions(
    findings: Sequence[Finding],
    numbers: Mapping[View, NDArray[np.integer]],
    spacing_mm: tuple[float, float],
) -> tuple[Finding, ...]:
    """Number the lesions of a scan; a finding of each view that are one lesion share the number.

    Laid on the anterior view, the posterior one shows each place of the body at the same row and
    column, whatever its depth. As many findings are paired, one to one, as lie near each other or
    overlap; of the ways to do so, the one of the least distances, shortened by the overlap. What
    bones each view shows there does not matter: it shows those that lie in front. Both findings
    of a lesion get the region that was named in the view where it stands out more.

    Args:
        findings: of one scan, in acquisition geometry.
        numbers: of each view, Finding.number of each pixel (row, column), 0 elsewhere.
        spacing_mm: (row, column) pixel spacing.

    Returns:
        The findings in their order, lesions numbered from head to foot.
    """
    pairs = _pair(findings, numbers, spacing_mm)
    paired = {(each.view, each.number) for pair in pairs for each in pair}
    lesions = [*pairs, *([each] for each in findings if (each.view, each.number) not in paired)]
    lesions.sort(key=lambda lesion: min(each.centroid_px[0] for each in lesion))
    of_finding = {
        (each.view, each.number): (number, _name(lesion))
        for number, lesion in enumerate(lesions, start=1)
        for each in lesion
    }
    return tuple(
        replace(each, lesion=number, region=region)
        for each in findings
        for number, region in [of_finding[each.view, each.number]]
    )


def _name(lesion: Sequence[Finding]) -> str | None:
    """Return the region of a lesion: that of the view nearer to it, where it stands out more."""
    named = [each for each in lesion if each.region is not None]
    return max(named, key=lambda each: each.to_background or 0.0).region if named else None


def _pair(
    findings: Sequence[Finding],
    numbers: Mapping[View, NDArray[np.integer]],
    spacing_mm: tuple[float, float],
) -> list[list[Finding]]:
    front, back = ([each for each in findings if each.view == view] for view in View)
    if not front or not back:
        return []
    columns = numbers[View.POSTERIOR].shape[1]
    row_mm, column_mm = spacing_mm
    places, mirrored_places = (
        np.array([each.centroid_px for each in group]) for group in (front, back)
    )
    mirrored_places[:, 1] = columns - 1 - mirrored_places[:, 1]
    apart = (places[:, None] - mirrored_places[None]) * (row_mm, column_mm)
    distance_mm = np.hypot(apart[..., 0], apart[..., 1])
    overlap = _find_overlap(front, back, numbers)
    possible = (distance_mm <= MOST_APART_MM) | (overlap >= LEAST_OVERLAP)
    never = 1e3 * (1.0 + distance_mm.max())
    rows, others = linear_sum_assignment(np.where(possible, distance_mm * (1 - overlap), never))
    return [
        [front[row], back[other]]
        for row, other in zip(rows, others, strict=True)
        if possible[row, other]
    ]


def _find_overlap(
    front: Sequence[Finding], back: Sequence[Finding], numbers: Mapping[View, NDArray[np.integer]]
) -> NDArray[np.float64]:
    """Return which part of the smaller of two findings the other covers, (anterior, posterior)."""
    here, there = (mirrored(numbers[view], view) for view in View)
    shared = np.zeros((here.max() + 1, there.max() + 1), np.int64)
    np.add.at(shared, (here, there), 1)
    smaller = np.minimum.outer([each.area_px for each in front], [each.area_px for each in back])
    return shared[np.ix_([each.number for each in front], [each.number for each in back])] / smaller
