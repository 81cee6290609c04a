"""Confidence intervals by resampling patients."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

RESAMPLES = 2000
"""What BCa needs for the second decimal (Efron and Tibshirani 1993, 14.3)."""

CONFIDENCE = 0.95

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Computes a value, or several along a last axis, from weights (..., image): how often each image
counts. Weights of 1 give the plain value."""


def bootstrap_interval(
    statistic: Statistic,
    patients: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Compute the 95 % interval of a statistic over patients, by scipy.stats.bootstrap.

    Images of one patient are alike, so patients are drawn with replacement and bring all of their
    images along. The interval is bias-corrected and accelerated (BCa: Efron 1987). Where that is
    undefined - all draws alike, a statistic that leaving one patient out makes undefined - it is
    the percentile interval over the draws in which the statistic is defined.

    Few patients make it too narrow, as they do any bootstrap interval. Simulated with 400 cohorts
    of lognormal lesion burdens, it held the true mean per image in 85, 93 and 93 % at 6, 10 and 20
    patients (percentile: 85, 93, 92 %), and the true pooled DSC, which the few largest burdens
    decide, in 77, 80 and 84 % (78, 86, 87 %).

    Args:
        statistic: of all draws at once; NaN where it is undefined.
        patients: the patient of each image.
        resamples: number of draws.
        seed: seed of the draws; the same seed gives the same interval.

    Returns:
        Lower and upper bound along the first axis: shape (2,) or (2, value). NaN for what is never
        defined, and of a single patient, who says nothing of others.

    Raises:
        ValueError: if there is no image.
    """
    if not len(patients):
        raise ValueError("patients must name at least one image's patient, got none")
    names, owner = np.unique(np.asarray(patients), return_inverse=True)
    if len(names) == 1:
        return np.full((2, *np.shape(statistic(np.ones(len(owner))))), np.nan)

    def of_patients(drawn: NDArray[np.intp], axis: int) -> NDArray[np.float64]:  # noqa: ARG001
        weights = _count(drawn, len(names))[..., owner]
        values = np.asarray(statistic(weights), dtype=np.float64)
        return np.moveaxis(values, -1, 0) if values.ndim == drawn.ndim else values

    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        result = stats.bootstrap(
            (np.arange(len(names)),),
            of_patients,
            n_resamples=resamples,
            vectorized=True,
            confidence_level=CONFIDENCE,
            method="BCa",
            rng=np.random.default_rng(seed),
        )
    bounds = np.stack(result.confidence_interval)
    percentiles = _percentiles(result.bootstrap_distribution)
    return np.where(np.isnan(bounds).any(axis=0), percentiles, bounds)


def ratio(part: ArrayLike, whole: ArrayLike) -> NDArray[np.float64]:
    """Divide where the whole is not 0; NaN where it is."""
    whole = np.asarray(whole, dtype=np.float64)
    return np.where(whole == 0, np.nan, part / np.where(whole == 0, 1.0, whole))


def _count(drawn: NDArray[np.intp], number: int) -> NDArray[np.float64]:
    """Count how often each of so many patients stands in draws (..., place): (..., patient)."""
    rows = drawn.reshape(-1, drawn.shape[-1])
    flat = rows + number * np.arange(len(rows))[:, None]
    counts = np.bincount(flat.ravel(), minlength=len(rows) * number)
    return counts.reshape(*drawn.shape[:-1], number).astype(np.float64)


def _percentiles(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return bounds (2, ...) of draws (..., draw) over what is not NaN; NaN where all is."""
    shares = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        return np.nanquantile(draws, shares, axis=-1)
