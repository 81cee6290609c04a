"""Lesion-wise detection: which lesions are found, and what is found besides.

A true lesion is an 8-connected component of the truth in one view; a predicted one is a component
of the prediction, or an instance where a system tells lesions apart. The rule of matching is
one-to-one: **a lesion is found when a predicted lesion is paired with it whose intersection over
union exceeds ``MIN_IOU``**. As many pairs are made as can be and, of the ways to do so, the one
whose intersections over union add up highest. Every predicted lesion without a partner is false: so
is the second piece of a lesion that breaks in two. A bridge over two lesions finds one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from bonescan.labels import EIGHT_NEIGHBOURS
from bonescan.metrics.bootstrap import ratio
from bonescan.metrics.pixel import check_masks

MIN_IOU = 0.1
"""Lesions are a few pixels wide, so two annotators' outlines already differ by half of the area."""

OUTCOMES = ("found", "missed", "false")
"""Order of the numbers of lesions that a comparison gives; the first two are true lesions."""

DETECTION_METRICS = ("sensitivity", "precision", "false_positives")
"""Order of the array that ``detection`` returns; false positives are a mean over units."""

THRESHOLDS = tuple((1 / (1 + np.exp(-np.linspace(6, -6, 61)))).tolist())
"""Probabilities from 0.998 down to 0.002, evenly spaced in log odds, 0.5 among them: networks
saturate, so that most of what an even spacing tells apart lies near 0 and 1."""

_AREA_TOLERANCE_PX = 1e-6
"""A lesion of just the least area stays, whatever rounding its division by a pixel's area has."""


@dataclass(frozen=True)
class LesionScores:
    """What a prediction says of the lesions of one image besides its mask.

    Attributes:
        min_area_px: predicted lesions of fewer pixels do not count.
        instances: number of the instance that owns each pixel (row, column), where a system tells
            lesions apart; None where a lesion is a component.
        prob: probability (row, column), if there is one.
        thresholds: probabilities from which pixels are predicted, descending.
    """

    min_area_px: float = 0.0
    instances: NDArray[np.integer] | None = None
    prob: NDArray[np.floating] | None = None
    thresholds: Sequence[float] = THRESHOLDS

    def number(self, pred_mask: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Number the predicted lesions of a mask (row, column) from 1; 0 is background."""
        if self.instances is None:
            numbers, _ = label_components(pred_mask)
        else:
            check_masks(pred_mask, self.instances > 0)
            numbers = np.where(pred_mask, self.instances, 0)
        pixels = np.bincount(numbers.ravel())
        keep = (pixels > 0) & (pixels >= self.min_area_px - _AREA_TOLERANCE_PX)
        keep[0] = False
        return np.where(keep, np.cumsum(keep), 0).astype(np.int32)[numbers]


def label_components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Number the 8-connected components of a mask (row, column) from 1, in raster order.

    Returns:
        The numbers per pixel (0 in the background), and how many there are.

    Raises:
        ValueError: if the mask is not two-dimensional.
    """
    if mask.ndim != 2:
        raise ValueError(f"mask must be (row, column), got shape {mask.shape}")
    return ndimage.label(mask, structure=EIGHT_NEIGHBOURS)


def match_lesions(
    pred_mask: NDArray[np.bool_],
    truth_mask: NDArray[np.bool_],
    scores: LesionScores | None = None,
) -> NDArray[np.int64]:
    """Match the predicted lesions of one image with the true ones.

    Args:
        pred_mask: prediction (row, column).
        truth_mask: truth (row, column).
        scores: what counts as a predicted lesion; every component if not given.

    Returns:
        OUTCOMES, shape (3,).

    Raises:
        ValueError: if the masks are not boolean, two-dimensional and of one shape.
    """
    check_masks(pred_mask, truth_mask)
    truth, _ = label_components(truth_mask)
    return _match((scores or LesionScores()).number(pred_mask), truth)


def rate_lesions(
    pred_mask: NDArray[np.bool_], truth_mask: NDArray[np.bool_], scores: LesionScores
) -> NDArray[np.float64]:
    """Say of each predicted lesion of one image how probable it was said to be, and what it is.

    Args:
        pred_mask: prediction (row, column).
        truth_mask: truth (row, column).
        scores: what counts as a predicted lesion, with probabilities.

    Returns:
        Highest probability of a pixel, and 1 for a lesion with a true partner, else 0: (lesion, 2).

    Raises:
        ValueError: if there are no probabilities, or the masks are not boolean, two-dimensional
            and of one shape.
    """
    if scores.prob is None:
        raise ValueError("scores must hold probabilities to rate lesions, got none")
    check_masks(pred_mask, truth_mask)
    predicted, (truth, _) = scores.number(pred_mask), label_components(truth_mask)
    iou = _iou_table(predicted, truth)
    rated = np.zeros((len(iou), 2))
    rated[:, 0] = ndimage.maximum(scores.prob, predicted, np.arange(1, len(iou) + 1))
    rated[_pair(iou)[0], 1] = 1
    return rated


def match_by_threshold(
    scores: LesionScores, truth_mask: NDArray[np.bool_]
) -> NDArray[np.int64] | None:
    """Match the lesions of one image that are predicted at each threshold.

    They are numbered and matched anew at each one: low thresholds join what high ones part.

    Args:
        scores: probability and thresholds.
        truth_mask: truth (row, column).

    Returns:
        OUTCOMES, shape (threshold, 3); None without probabilities.

    Raises:
        ValueError: if the truth is not boolean, two-dimensional and of the probability's shape.
    """
    if scores.prob is None:
        return None
    matches: dict[int, NDArray[np.int64]] = {}  # masks of as many pixels are equal: they are nested
    rows = []
    for threshold in scores.thresholds:
        pred_mask = scores.prob >= threshold
        pixels = int(np.count_nonzero(pred_mask))
        if pixels not in matches:
            matches[pixels] = match_lesions(pred_mask, truth_mask, scores)
        rows.append(matches[pixels])
    return np.stack(rows)


def detection(outcomes: NDArray, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Compute DETECTION_METRICS over units, such as scans.

    Args:
        outcomes: OUTCOMES of each unit, (unit, 3).
        weights: (..., unit), how often each unit counts (see bonescan.metrics.bootstrap); once
            each if not given.

    Returns:
        Sensitivity (NaN without lesions), precision (NaN without predictions) and false positives
        a unit, shape (..., 3).

    Raises:
        ValueError: if there is no unit.
    """
    if not len(outcomes):
        raise ValueError("outcomes must hold at least one unit, got none")
    weights = np.ones(len(outcomes)) if weights is None else weights
    found, missed, false = np.moveaxis(weights @ outcomes, -1, 0)
    metrics = [
        ratio(found, found + missed),
        ratio(found, found + false),
        ratio(false, weights.sum(axis=-1)),
    ]
    return np.stack(metrics, axis=-1)


def lesion_f(outcomes: NDArray, *, beta: float = 1.0) -> NDArray[np.float64]:
    """Compute the F score of lesions, a harmonic mean of sensitivity and precision.

    Args:
        outcomes: OUTCOMES along the last axis, (..., 3).
        beta: a missed lesion weighs beta^2 times a false one.

    Returns:
        Shape (...), in 0..1; NaN where there is neither a lesion nor a prediction.
    """
    found, missed, false = np.moveaxis(np.asarray(outcomes, np.float64), -1, 0)
    weighted = (1 + beta**2) * found
    return ratio(weighted, weighted + beta**2 * missed + false)


def _match(predicted: NDArray[np.int32], truth: NDArray[np.int32]) -> NDArray[np.int64]:
    """Pair numbered lesions one to one, and count OUTCOMES."""
    iou = _iou_table(predicted, truth)
    found = len(_pair(iou)[0])
    n_predicted, n_lesions = iou.shape
    return np.array([found, n_lesions - found, n_predicted - found])


def _pair(iou: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pair lesions one to one; return the predicted ones that have a partner, and the partners."""
    allowed = iou > MIN_IOU
    # A pair more weighs more than all IoU together, of which there are no more than lesions.
    gain = np.where(allowed, iou + min(iou.shape) + 1, 0)
    predicted, true = linear_sum_assignment(gain, maximize=True)
    paired = allowed[predicted, true]
    return predicted[paired], true[paired]


def _iou_table(predicted: NDArray[np.int32], truth: NDArray[np.int32]) -> NDArray[np.float64]:
    """Compute the intersection over union of every pair, shape (predicted, lesion)."""
    n_lesions = int(truth.max(initial=0))
    shape = (int(predicted.max(initial=0)) + 1, n_lesions + 1)
    pairs = predicted.astype(np.int64) * shape[1] + truth
    overlap = np.bincount(pairs.ravel(), minlength=shape[0] * shape[1]).reshape(shape)
    areas = overlap.sum(axis=1)[1:, None] + overlap.sum(axis=0)[None, 1:]
    return overlap[1:, 1:] / (areas - overlap[1:, 1:])
