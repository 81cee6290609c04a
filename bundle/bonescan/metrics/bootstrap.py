"""Confidence intervals by resampling patients."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
"""Enough for the second decimal of a 95 % percentile interval (Efron and Tibshirani 1993, 14.3)."""

BOUNDS = (0.025, 0.975)
"""Shares of the draws below the bounds of a 95 % interval."""


def bootstrap_interval(
    statistic: Callable[[NDArray[np.intp]], NDArray[np.float64] | float],
    patients: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Compute the 95 % percentile interval of a statistic over patients.

    Images of one patient are alike, so patients are drawn with replacement and bring all of their
    images along.

    Args:
        statistic: value or array of values computed from the indices of images, which hold an
            image as often as its patient was drawn.
        patients: the patient of each image.
        resamples: number of draws.
        seed: seed of the draws; the same seed gives the same interval.

    Returns:
        Lower and upper bound along the first axis: shape (2,) or (2, value). Draws in which a
        value is NaN do not count for that value; NaN where it always is.

    Raises:
        ValueError: if there is no image.
    """
    if not len(patients):
        raise ValueError("patients must name at least one image's patient, got none")
    names, owner = np.unique(np.asarray(patients), return_inverse=True)
    images = [np.flatnonzero(owner == number) for number in range(len(names))]
    generator = np.random.default_rng(seed)
    draws = generator.integers(len(names), size=(resamples, len(names)))
    values = np.array(
        [statistic(np.concatenate([images[number] for number in draw])) for draw in draws],
        dtype=np.float64,
    )
    return _quantiles(values, BOUNDS)


def _quantiles(values: NDArray[np.float64], shares: tuple[float, float]) -> NDArray[np.float64]:
    """Take quantiles along the first axis over what is not NaN, without numpy's warning."""
    columns = values.reshape(len(values), -1).T
    bounds = [
        np.quantile(known, shares) if len(known) else np.full(2, np.nan)
        for known in (column[~np.isnan(column)] for column in columns)
    ]
    return np.array(bounds).T.reshape(2, *values.shape[1:])
