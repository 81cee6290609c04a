"""Pixel-wise agreement of a predicted mask with the truth, pooled and per image.

Two conventions are in use in the field and give different numbers: *pooled* sums the counts of all
images and divides once; *per image* divides in every image and averages. MONAI's
``ConfusionMatrixMetric`` averages each metric over those images only in which it is defined, so
that its metrics refer to different sets of images; here one rule for empty sets serves them all.
"""

import numpy as np
from numpy.typing import NDArray

METRICS = ("pa", "cpa", "recall", "iou", "dsc")
"""Order of every array of scores.

Pixel accuracy (TP + TN) / all; class pixel accuracy, that is precision, TP / (TP + FP);
recall TP / (TP + FN); intersection over union TP / (TP + FP + FN); Dice 2TP / (2TP + FP + FN).
"""


def confusion_counts(pred_mask: NDArray[np.bool_], truth_mask: NDArray[np.bool_]) -> NDArray:
    """Count the pixels of one image by outcome.

    Args:
        pred_mask: prediction, True in the foreground; any shape.
        truth_mask: truth, True in the foreground; the same shape.

    Returns:
        TP, FP, FN, TN as int64 of shape (4,).

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


def scores(counts: NDArray) -> NDArray[np.float64]:
    """Compute METRICS from counts.

    Empty sets: where prediction and truth are both empty every metric is 1; where only one of them
    is, CPA, recall, IoU and DSC are 0.

    Args:
        counts: TP, FP, FN, TN along the last axis, shape (..., 4).

    Returns:
        METRICS along the last axis, in 0..1, shape (..., 5).
    """
    tp, fp, fn, tn = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    ratios = [
        (tp, tp + fp),
        (tp, tp + fn),
        (tp, tp + fp + fn),
        (2 * tp, 2 * tp + fp + fn),
    ]
    both_empty = tp + fp + fn == 0
    foreground = [
        np.where(both_empty, 1.0, part / np.where(whole == 0, 1.0, whole)) for part, whole in ratios
    ]
    accuracy = (tp + tn) / (tp + fp + fn + tn)
    return np.stack([accuracy, *foreground], axis=-1)


def pooled(counts: NDArray) -> NDArray[np.float64]:
    """Compute METRICS once from the summed counts of all images.

    Args:
        counts: (image, 4).

    Returns:
        METRICS, shape (5,).
    """
    return scores(_some_images(counts).sum(axis=0))


def per_image(counts: NDArray, *, skip_empty_label: bool = False) -> NDArray[np.float64]:
    """Compute METRICS in each image and average them over one set of images.

    Args:
        counts: (image, 4).
        skip_empty_label: leave images without foreground in the truth out, for all metrics.

    Returns:
        METRICS, shape (5,); NaN where no image is left.
    """
    counts = _some_images(counts)
    if skip_empty_label:
        counts = counts[has_foreground(counts)]
    if not len(counts):
        return np.full(len(METRICS), np.nan)
    return scores(counts).mean(axis=0)


def has_foreground(counts: NDArray) -> NDArray[np.bool_]:
    """Tell for each image (image, 4) whether its truth holds foreground."""
    return counts[:, 0] + counts[:, 2] > 0


def _some_images(counts: NDArray) -> NDArray:
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.shape[1] != 4 or not len(counts):
        raise ValueError(f"counts must be (image, 4) with an image at least, got {counts.shape}")
    return counts
