"""Lesion-wise detection: which lesions are found, and what is found besides.

A lesion is an 8-connected component of a mask in one view. The rule of matching: **a lesion is
found when its intersection over union with a predicted component exceeds ``MIN_IOU``**; a
predicted component is false when this holds with no lesion. The matching is not one-to-one: a
component that covers two lesions well enough finds both, and two components that both cover a part
of one lesion are both true. A scan's lesions are the lesions of its views together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.labels import EIGHT_NEIGHBOURS
from bonescan.metrics.bootstrap import ratio
from bonescan.metrics.pixel import check_masks
from bonescan.metrics.threshold import count_at_least

MIN_IOU = 0.1
"""Lesions are a few pixels wide, so two annotators' outlines already differ by half of the area."""

DETECTION_METRICS = ("sensitivity", "precision", "false_positives_per_scan")
"""Order of the array that ``detection`` returns."""


@dataclass(frozen=True)
class LesionMatch:
    """Lesions and predicted components of one image or scan.

    Attributes:
        lesion_scores: for each lesion the highest score of a component that finds it; -inf where
            none does.
        true_scores: score of each predicted component that finds a lesion.
        false_scores: score of each predicted component that finds none.
    """

    lesion_scores: NDArray[np.float64]
    true_scores: NDArray[np.float64]
    false_scores: NDArray[np.float64]


@dataclass(frozen=True)
class Froc:
    """Free-response operating characteristic, from the strictest threshold to the loosest.

    Attributes:
        thresholds: score from which a component counts as predicted, descending.
        sensitivity: share of lesions found at each threshold.
        false_positives_per_scan: mean number of false components at each threshold.
    """

    thresholds: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    false_positives_per_scan: NDArray[np.float64]


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
    *,
    prob: NDArray[np.floating] | None = None,
) -> LesionMatch:
    """Match the components of one image's prediction with its lesions.

    Args:
        pred_mask: prediction (row, column). For an FROC curve, threshold the probabilities low:
            components can only be dropped later, never grow.
        truth_mask: truth (row, column).
        prob: probability (row, column); a component's score is its maximum there, 1 without it.

    Returns:
        The scores of lesions and components.

    Raises:
        ValueError: if the masks are not boolean, two-dimensional and of one shape.
    """
    check_masks(pred_mask, truth_mask)
    predicted, n_predicted = label_components(pred_mask)
    truth, n_lesions = label_components(truth_mask)
    finds = _iou_table(predicted, truth, n_predicted, n_lesions) > MIN_IOU
    component_scores = np.ones(n_predicted)
    if prob is not None:
        component_scores = np.array(
            ndimage.maximum(prob, predicted, np.arange(1, n_predicted + 1)), dtype=np.float64
        ).reshape(n_predicted)
    by_lesion = np.where(finds, component_scores[:, None], -np.inf)
    is_true = finds.any(axis=1)
    return LesionMatch(
        lesion_scores=by_lesion.max(axis=0, initial=-np.inf),
        true_scores=component_scores[is_true],
        false_scores=component_scores[~is_true],
    )


def merge_matches(matches: Iterable[LesionMatch]) -> LesionMatch:
    """Put the matches of several images, such as the views of one scan, into one."""
    parts = list(matches)
    if not parts:
        raise ValueError("matches must hold at least one match, got none")
    return LesionMatch(
        lesion_scores=np.concatenate([part.lesion_scores for part in parts]),
        true_scores=np.concatenate([part.true_scores for part in parts]),
        false_scores=np.concatenate([part.false_scores for part in parts]),
    )


def detection(
    scans: Sequence[LesionMatch], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Compute DETECTION_METRICS over scans, one match per scan.

    Args:
        scans: their matches.
        weights: (..., scan), how often each scan counts (see bonescan.metrics.bootstrap); once
            each if not given.

    Returns:
        Sensitivity (NaN without lesions), precision (NaN without predictions) and false positives
        per scan, shape (..., 3).

    Raises:
        ValueError: if there is no scan.
    """
    if not scans:
        raise ValueError("scans must hold at least one match, got none")
    numbers = np.array([_count_outcomes(match) for match in scans], dtype=np.float64)
    weights = np.ones(len(scans)) if weights is None else weights
    found, lesions, true, false = np.moveaxis(weights @ numbers, -1, 0)
    metrics = [
        ratio(found, lesions),
        ratio(true, true + false),
        ratio(false, weights.sum(axis=-1)),
    ]
    return np.stack(metrics, axis=-1)


def _count_outcomes(match: LesionMatch) -> tuple[int, int, int, int]:
    """Count lesions that are found, lesions, and components that are true and false."""
    found = int(np.count_nonzero(match.lesion_scores > -np.inf))
    return found, len(match.lesion_scores), len(match.true_scores), len(match.false_scores)


def froc(scans: Sequence[LesionMatch]) -> Froc:
    """Compute the free-response curve over scans, one match per scan.

    Every distinct score of a component is a threshold; a component counts from its own score on.

    Returns:
        The curve; sensitivity is NaN without lesions.
    """
    total = merge_matches(scans)
    thresholds = np.unique(np.concatenate([total.true_scores, total.false_scores]))[::-1]
    lesions = max(len(total.lesion_scores), 1)
    sensitivity = count_at_least(total.lesion_scores, thresholds) / lesions
    return Froc(
        thresholds=thresholds,
        sensitivity=sensitivity if len(total.lesion_scores) else np.full(len(thresholds), np.nan),
        false_positives_per_scan=count_at_least(total.false_scores, thresholds) / len(scans),
    )


def sensitivity_at(curve: Froc, false_positives_per_scan: float) -> float:
    """Read the highest sensitivity at no more than so many false positives per scan.

    Returns:
        The sensitivity; 0 where even the strictest threshold gives more false positives.
    """
    allowed = curve.false_positives_per_scan <= false_positives_per_scan
    return float(curve.sensitivity[allowed].max(initial=0.0))


def _iou_table(
    predicted: NDArray[np.int32], truth: NDArray[np.int32], n_predicted: int, n_lesions: int
) -> NDArray[np.float64]:
    """Compute the intersection over union of every pair, shape (predicted, lesion)."""
    pairs = predicted.astype(np.int64) * (n_lesions + 1) + truth
    shape = (n_predicted + 1, n_lesions + 1)
    overlap = np.bincount(pairs.ravel(), minlength=shape[0] * shape[1]).reshape(shape)
    areas = overlap.sum(axis=1)[1:, None] + overlap.sum(axis=0)[None, 1:]
    return overlap[1:, 1:] / (areas - overlap[1:, 1:])
