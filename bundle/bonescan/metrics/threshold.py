"""Baseline without learning: one intensity threshold for all images."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Threshold(NamedTuple):
    """An intensity from which a pixel counts as lesion, and its pooled Dice where it was chosen."""

    intensity: float
    dsc: float


def best_threshold(
    images: Sequence[NDArray[np.floating]],
    truth_masks: Sequence[NDArray[np.bool_]],
) -> Threshold:
    """Find the threshold of highest pooled Dice on scaled images.

    The strongest form of the hot-spot clustering of Lin 2020 (K-means on grey values keeps the
    pixels above one intensity) that a fixed rule can reach: here the label chooses the intensity.

    Args:
        images: scaled images of any shapes.
        truth_masks: the lesions, of the same shapes.

    Returns:
        The lowest of the best intensities, and its pooled Dice.

    Raises:
        ValueError: if there is no image, or no lesion pixel in any.
    """
    if not images:
        raise ValueError("images must hold at least one image, got none")
    intensity = np.concatenate([np.ravel(image) for image in images])
    truth = np.concatenate([np.ravel(mask) for mask in truth_masks])
    if not truth.any():
        raise ValueError("truth_masks must hold lesion pixels to choose a threshold, got none")
    # the best threshold is a lesion pixel's intensity: between two of them a lower one only adds
    # false positives
    steps = np.unique(intensity[truth])
    predicted = count_at_least(intensity, steps)
    common = count_at_least(intensity[truth], steps)
    dsc = 2 * common / (predicted + np.count_nonzero(truth))
    best = int(np.argmax(dsc))
    return Threshold(float(steps[best]), float(dsc[best]))


def count_at_least(values: NDArray[np.floating], thresholds: NDArray[np.floating]) -> NDArray:
    """Count for each threshold the values that are equal to it or greater.

    Args:
        values: (value,), in any order.
        thresholds: (threshold,), in any order.

    Returns:
        int64 counts of shape (threshold,).
    """
    return len(values) - np.searchsorted(np.sort(values), thresholds, side="left")
