"""Summaries of a score over the folds of a cross-validation."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def f1_of_means(precisions: ArrayLike, recalls: ArrayLike) -> NDArray[np.float64]:
    """Return the harmonic mean of the folds' mean precision and mean recall.

    This is what the tables of Chen 2023 print as the mean F1 (all nine columns agree). It is not
    the mean of the folds' F1, which is never greater.

    Args:
        precisions: one value a fold along the last axis, in 0..1 or in per cent.
        recalls: the same for the recall.

    Returns:
        In the unit given, shape (...); 0 where precision and recall are 0.

    Raises:
        ValueError: if the two are not equally long lists of one fold at least.
    """
    precision, recall = np.asarray(precisions, np.float64), np.asarray(recalls, np.float64)
    if not precision.ndim or precision.shape != recall.shape or not precision.size:
        raise ValueError(
            "precisions and recalls must hold one value for each fold, got shapes "
            f"{precision.shape} and {recall.shape}"
        )
    precision, recall = precision.mean(axis=-1), recall.mean(axis=-1)
    both = precision + recall
    return 2 * precision * recall / np.where(both == 0, 1.0, both)
