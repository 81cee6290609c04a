"""Summaries of a score over the folds of a cross-validation."""

import numpy as np
from numpy.typing import ArrayLike


def f1_of_means(precisions: ArrayLike, recalls: ArrayLike) -> float:
    """Return the harmonic mean of the folds' mean precision and mean recall.

    This is what the tables of Chen 2023 print as the mean F1 (all nine columns agree). It is not
    the mean of the folds' F1, which is never greater: see mean_f1.

    Args:
        precisions: one value a fold, in 0..1 or in per cent.
        recalls: the same for the recall.

    Returns:
        In the unit given; 0 where precision and recall are 0.

    Raises:
        ValueError: if the two are not equally long lists of one fold at least.
    """
    precision, recall = _as_folds(precisions, recalls)
    return float(_harmonic(precision.mean(), recall.mean()))


def mean_f1(precisions: ArrayLike, recalls: ArrayLike) -> float:
    """Return the mean over the folds of each one's F1; arguments and errors as f1_of_means."""
    precision, recall = _as_folds(precisions, recalls)
    return float(np.mean([_harmonic(p, r) for p, r in zip(precision, recall, strict=True)]))


def _harmonic(precision: float, recall: float) -> float:
    total = precision + recall
    return 2 * precision * recall / total if total > 0 else 0.0


def _as_folds(precisions: ArrayLike, recalls: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    precision, recall = np.asarray(precisions, np.float64), np.asarray(recalls, np.float64)
    if precision.ndim != 1 or precision.shape != recall.shape or not precision.size:
        raise ValueError(
            "precisions and recalls must hold one value for each fold, got shapes "
            f"{precision.shape} and {recall.shape}"
        )
    return precision, recall
