"""Which findings of the two views are one lesion."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from bonescan.dicom.scan import View
from bonescan.measures.findings import Finding

MOST_APART_MM = 25.0
"""Distance of the centroids, one view laid on the other, up to which two findings can be one
lesion. A default of ours."""


def number_lesions(
    findings: Sequence[Finding], *, columns: int, spacing_mm: tuple[float, float]
) -> tuple[Finding, ...]:
    """Number the lesions of a scan, and pair the findings that are one lesion seen from both sides.

    Laid on the anterior view, the posterior one shows each place of the body at the same row and
    column, whatever its depth. As many findings are paired as lie no further apart than
    MOST_APART_MM and name no different regions; of the ways to do so, that of the least sum of
    distances.

    Args:
        findings: of one scan, in acquisition geometry.
        columns: of a view.
        spacing_mm: (row, column) pixel spacing.

    Returns:
        The findings in their order, with the number of their lesion, from head to foot.
    """
    here, there = (
        [each for each in findings if each.view is view] for view in (View.ANTERIOR, View.POSTERIOR)
    )
    distance_mm = np.array(
        [[_distance_mm(one, other, columns, spacing_mm) for other in there] for one in here]
    ).reshape(len(here), len(there))
    too_far = len(findings) * MOST_APART_MM + 1.0
    pairs = linear_sum_assignment(np.where(distance_mm <= MOST_APART_MM, distance_mm, too_far))
    partner_of = {
        id(there[other]): here[one]
        for one, other in zip(*pairs, strict=True)
        if distance_mm[one, other] <= MOST_APART_MM
    }
    lesions = [each for each in findings if id(each) not in partner_of]
    lesions.sort(key=lambda finding: finding.centroid_px[0])
    number_of = {id(each): number for number, each in enumerate(lesions, start=1)}
    return tuple(
        replace(each, lesion=number_of[id(partner_of.get(id(each), each))]) for each in findings
    )


def _distance_mm(
    one: Finding, other: Finding, columns: int, spacing_mm: tuple[float, float]
) -> float:
    """Return the distance of an anterior and a posterior finding; infinite in two regions."""
    if None not in (one.region, other.region) and one.region != other.region:
        return np.inf
    row_mm, column_mm = spacing_mm
    row, column = other.centroid_px
    return float(
        np.hypot(
            (row - one.centroid_px[0]) * row_mm,
            (columns - 1 - column - one.centroid_px[1]) * column_mm,
        )
    )
