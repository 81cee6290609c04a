"""Pixel-wise agreement of a predicted mask with the truth, pooled and per image.

Two conventions are in use in the field and give different numbers: *pooled* sums the confusion of
all images and divides once; *per image* divides in every image and averages. MONAI's
``ConfusionMatrixMetric`` averages each metric over those images only in which it is defined, so
that its metrics refer to different sets of images; here one rule for empty sets serves them all.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bonescan.metrics.bootstrap import ratio

OUTCOMES = ("tp", "fp", "fn", "tn")
"""Order of a confusion: numbers of pixels along the last axis."""


class Confusion(NamedTuple):
    """Pixels of images by outcome; arrays of one shape."""

    tp: NDArray[np.float64]
    fp: NDArray[np.float64]
    fn: NDArray[np.float64]
    tn: NDArray[np.float64]


def _accuracy(pixels: Confusion) -> NDArray[np.float64]:
    return (pixels.tp + pixels.tn) / sum(pixels)


def _precision(pixels: Confusion) -> NDArray[np.float64]:
    return _share(pixels, pixels.tp, pixels.tp + pixels.fp)


def _recall(pixels: Confusion) -> NDArray[np.float64]:
    return _share(pixels, pixels.tp, pixels.tp + pixels.fn)


def _iou(pixels: Confusion) -> NDArray[np.float64]:
    return _share(pixels, pixels.tp, pixels.tp + pixels.fp + pixels.fn)


def _dsc(pixels: Confusion) -> NDArray[np.float64]:
    return _share(pixels, 2 * pixels.tp, 2 * pixels.tp + pixels.fp + pixels.fn)


def _share(
    pixels: Confusion, part: NDArray[np.float64], whole: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Divide by the rule for empty sets (see scores)."""
    both_empty = pixels.tp + pixels.fp + pixels.fn == 0
    return np.where(both_empty, 1.0, part / np.where(whole == 0, 1.0, whole))


PIXEL_METRICS: Mapping[str, Callable[[Confusion], NDArray[np.float64]]] = {
    "accuracy": _accuracy,
    "precision": _precision,
    "recall": _recall,
    "iou": _iou,
    "dsc": _dsc,
}
"""Every metric of the confusion. A paper may call accuracy PA and precision CPA."""

METRICS = tuple(PIXEL_METRICS)
"""Order of every array of scores."""


def confusion(pred_mask: NDArray[np.bool_], truth_mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the pixels of one image by outcome.

    Args:
        pred_mask: prediction, True in the foreground; any shape.
        truth_mask: truth, True in the foreground; the same shape.

    Returns:
        OUTCOMES as int64 of shape (4,).

    Raises:
        ValueError: if the masks differ in shape or are not boolean.
    """
    check_masks(pred_mask, truth_mask)
    true_positive = np.count_nonzero(pred_mask & truth_mask)
    predicted = np.count_nonzero(pred_mask)
    positive = np.count_nonzero(truth_mask)
    true_negative = truth_mask.size - predicted - positive + true_positive
    outcomes = (true_positive, predicted - true_positive, positive - true_positive, true_negative)
    return np.array(outcomes, dtype=np.int64)


def check_masks(pred_mask: NDArray, truth_mask: NDArray) -> None:
    """Raise ValueError unless both are boolean masks of one shape."""
    if pred_mask.shape != truth_mask.shape:
        raise ValueError(
            f"pred_mask must have the truth's shape {truth_mask.shape}, got {pred_mask.shape}"
        )
    for name, mask in (("pred_mask", pred_mask), ("truth_mask", truth_mask)):
        if mask.dtype != np.bool_:
            raise ValueError(f"{name} must be boolean, got {mask.dtype}: compare the label first")


def scores(confusions: ArrayLike) -> NDArray[np.float64]:
    """Compute METRICS from confusions.

    Empty sets: where prediction and truth are both empty every metric is 1; where only one of them
    is, precision, recall, IoU and DSC are 0.

    Args:
        confusions: OUTCOMES along the last axis, shape (..., 4).

    Returns:
        METRICS along the last axis, in 0..1, shape (..., metric).
    """
    return np.stack([score(confusions, metric) for metric in METRICS], axis=-1)


def score(confusions: ArrayLike, metric: str) -> NDArray[np.float64]:
    """Compute one of METRICS from confusions (..., 4); shape (...), see scores."""
    return PIXEL_METRICS[metric](_by_outcome(confusions))


def pooled(confusions: NDArray, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Compute METRICS once from the summed confusion of all images.

    Args:
        confusions: (image, 4).
        weights: (..., image), how often each image counts (see bonescan.metrics.bootstrap); once
            each if not given.

    Returns:
        METRICS, shape (..., metric); NaN where no image counts.
    """
    confusions = _some_images(confusions)
    weights = np.ones(len(confusions)) if weights is None else weights
    summed = weights @ confusions
    return scores(np.where(weights.any(axis=-1, keepdims=True), summed, np.nan))


def per_image(
    confusions: NDArray,
    weights: NDArray[np.float64] | None = None,
    *,
    skip_empty_label: bool = False,
) -> NDArray[np.float64]:
    """Compute METRICS in each image and average them over one set of images.

    Args:
        confusions: (image, 4).
        weights: (..., image), as in `pooled`.
        skip_empty_label: leave images without foreground in the truth out, for all metrics.

    Returns:
        METRICS, shape (..., metric); NaN where no image is left.
    """
    confusions = _some_images(confusions)
    weights = np.ones(len(confusions)) if weights is None else weights
    if skip_empty_label:
        weights = weights * has_foreground(confusions)
    return ratio(weights @ scores(confusions), weights.sum(axis=-1, keepdims=True))


def has_foreground(confusions: NDArray) -> NDArray[np.bool_]:
    """Tell for each image (image, 4) whether its truth holds foreground."""
    pixels = _by_outcome(confusions)
    return pixels.tp + pixels.fn > 0


def cohen_kappa(confusions: ArrayLike) -> NDArray[np.float64]:
    """Compute Cohen's kappa (1960) of two annotators: agreement beyond what chance gives.

    Neither is the truth, so this is no metric of a prediction.

    Args:
        confusions: OUTCOMES of one annotator against the other along the last axis, (..., 4).

    Returns:
        Kappa in -1..1, shape (...); 1 where both marked all or both nothing.
    """
    both, first, second, neither = _by_outcome(confusions)
    total = both + first + second + neither
    observed = (both + neither) / total
    marked = (both + first) * (both + second) / total**2
    unmarked = (second + neither) * (first + neither) / total**2
    beyond = 1 - marked - unmarked
    return np.where(beyond > 0, (observed - 1 + beyond) / np.where(beyond > 0, beyond, 1), 1.0)


def _by_outcome(confusions: ArrayLike) -> Confusion:
    return Confusion(*np.moveaxis(np.asarray(confusions, dtype=np.float64), -1, 0))


def _some_images(confusions: NDArray) -> NDArray:
    confusions = np.asarray(confusions)
    if confusions.ndim != 2 or confusions.shape[1] != len(OUTCOMES) or not len(confusions):
        raise ValueError(
            f"confusions must be (image, 4) with an image at least, got {confusions.shape}"
        )
    return confusions
