"""Summaries of a score over the folds of a cross-validation."""

import numpy as np
from numpy.typing import ArrayLike


def f1_of_means(precisions: ArrayLike, recalls: ArrayLike) -> float:
    """Return the harmonic mean of the folds' mean precision and mean recall.

    This is what the tables of Chen 2023 print as the mean F1 (all nine columns agree). It is not
    the mean of the folds' F1, which is never greater.

    Args:
        precisions: one value a fold, in 0..1 or in per cent.
        recalls: the same for the recall.

    Returns:
        In the unit given; 0 where precision and recall are 0.

    Raises:
        ValueError: if the two are not equally long lists of one fold at least.
    """
    precision, recall = np.asarray(precisions, np.float64), np.asarray(recalls, np.float64)
    if precision.ndim != 1 or precision.shape != recall.shape or not precision.size:
        raise ValueError(
            "precisions and recalls must hold one value for each fold, got shapes "
            f"{precision.shape} and {recall.shape}"
        )
    means = precision.mean(), recall.mean()
    return float(2 * means[0] * means[1] / sum(means)) if sum(means) > 0 else 0.0
