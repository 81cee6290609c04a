"""Free-response operating characteristic: sensitivity over false positives, by one rule."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonescan.metrics.lesion import detection


@dataclass(frozen=True)
class Froc:
    """Sensitivity and false positives of a system at each of several thresholds.

    Lesions are predicted and matched anew at each threshold, so that neither need be monotonous:
    where lesions flow into one, a looser threshold finds fewer.

    Attributes:
        thresholds: probabilities from which a pixel is predicted, descending.
        sensitivity: share of lesions found at each threshold; NaN without lesions.
        false_positives: mean number of false lesions of a unit at each threshold.
    """

    thresholds: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    false_positives: NDArray[np.float64]


def froc(
    thresholds: NDArray[np.float64],
    outcomes: NDArray,
    weights: NDArray[np.float64] | None = None,
) -> Froc:
    """Compute the curve over units, such as scans.

    Args:
        thresholds: descending, (threshold,).
        outcomes: (unit, threshold, 3) of bonescan.metrics.lesion.match_by_threshold.
        weights: (..., unit), how often each unit counts (see bonescan.metrics.bootstrap); once
            each if not given.

    Returns:
        The curve; with weights its arrays are (..., threshold).

    Raises:
        ValueError: if there is no unit.
    """
    by_threshold = [detection(outcomes[:, i], weights) for i in range(len(thresholds))]
    sensitivity, _, false_positives = np.moveaxis(np.stack(by_threshold, axis=-2), -1, 0)
    return Froc(np.asarray(thresholds), sensitivity, false_positives)


def sensitivity_at(curve: Froc, false_positives: float) -> NDArray[np.float64]:
    """Read the highest sensitivity at no more than so many false positives a unit.

    Returns:
        The sensitivity, shape (...). NaN where no threshold reaches so many false positives: the
        curve ends before and says nothing of this number. 0 where all have more.
    """
    reached = curve.false_positives.max(axis=-1) >= false_positives
    allowed = curve.false_positives <= false_positives
    best = np.where(allowed, curve.sensitivity, 0.0).max(axis=-1)
    return np.where(reached, best, np.nan)
