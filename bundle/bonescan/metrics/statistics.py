"""Diagnostic accuracy: shares, areas under curves and correlations with intervals, and their tests.

Intervals over patients of anything else: bonescan.metrics.bootstrap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bonescan.metrics.bootstrap import CONFIDENCE

_Z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval.

    Attributes:
        value: the estimate; NaN where nothing defines it.
        low: lower bound; NaN where there is none.
        high: upper bound, likewise.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Share(Estimate):
    """A share of cases with its 95 % interval.

    Attributes:
        hits: cases that count.
        cases: all cases.
    """

    hits: int
    cases: int


@dataclass(frozen=True)
class DiagnosticAccuracy:
    """How often yes-or-no decisions are right.

    Attributes:
        accuracy: of all cases.
        sensitivity: of those with the disease.
        specificity: of those without.
    """

    accuracy: Share
    sensitivity: Share
    specificity: Share


@dataclass(frozen=True)
class Difference(Estimate):
    """A difference with its 95 % interval and the p-value of no difference.

    Attributes:
        p: two-sided; NaN where it is undefined.
    """

    p: float


def share(hits: int, cases: int) -> Share:
    """Return a share with Wilson's interval (1927, doi 10.1080/01621459.1927.10502953).

    Args:
        hits: cases that count.
        cases: all cases, independent of each other; 0 gives NaN.

    Raises:
        ValueError: if the hits are not among the cases.
    """
    if not 0 <= hits <= cases:
        raise ValueError(f"hits must be 0 to {cases}, the number of cases, got {hits}")
    if not cases:
        return Share(np.nan, np.nan, np.nan, 0, 0)
    interval = stats.binomtest(hits, cases).proportion_ci(CONFIDENCE, method="wilson")
    return Share(hits / cases, float(interval.low), float(interval.high), hits, cases)


def diagnostic_accuracy(diseased: ArrayLike, called: ArrayLike) -> DiagnosticAccuracy:
    """Compare decisions with the truth, one of each for every case.

    Args:
        diseased: whether the disease is there (case,), bool.
        called: whether the reader or system says so (case,), bool.

    Raises:
        ValueError: if the two differ in length.
    """
    truth, decision = (each > 0 for each in _cases(diseased=diseased, called=called))
    return DiagnosticAccuracy(
        accuracy=share(int((truth == decision).sum()), len(truth)),
        sensitivity=share(int((truth & decision).sum()), int(truth.sum())),
        specificity=share(int((~truth & ~decision).sum()), int((~truth).sum())),
    )


def chi_square(first: Share, second: Share) -> float:
    """Return p of Pearson's chi-square test that two shares of separate cases are equal.

    Without Yates's correction, as Liu et al. 2021 (doi 10.2147/CMAR.S340114, Table 5) have it.
    They compare readers of the same patients so, for which `mcnemar` is the test.

    Returns:
        p, two-sided; 1 where both shares are 0, or both are 1; NaN where one has no cases.
    """
    if not first.cases or not second.cases:
        return float("nan")
    table = [[each.hits, each.cases - each.hits] for each in (first, second)]
    if 0 in np.sum(table, axis=0):
        return 1.0
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> float:
    """Return p of McNemar's exact test that two readers of the same cases are right equally often.

    Args:
        first_right: whether the first is right (case,), bool.
        second_right: whether the second is (case,), bool.

    Returns:
        p, two-sided, of the binomial test on the cases in which one alone is right; 1 without any.

    Raises:
        ValueError: if the two differ in length.
    """
    columns = _cases(first_right=first_right, second_right=second_right)
    first, second = (column > 0 for column in columns)
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    if not only_first + only_second:
        return 1.0
    return float(stats.binomtest(only_first, only_first + only_second).pvalue)


def auc(diseased: ArrayLike, scores: ArrayLike, patients: Sequence[str] | None = None) -> Estimate:
    """Return the area under the ROC curve with DeLong's interval.

    DeLong et al. 1988 (doi 10.2307/2531595); several cases of a patient, such as sub-images, are
    correlated and enter as Obuchowski 1997 (doi 10.2307/2533958) sums them. The interval is normal,
    cut off at 0 and 1. Where the scores part all cases, it is a point, which says that the method
    sees no error, and not that there is none.

    Args:
        diseased: whether the disease is there (case,), bool.
        scores: the higher, the more likely (case,), finite.
        patients: the patient of each case; each case is a patient if not given.

    Returns:
        Area, 0..1; NaN without cases of both kinds. Bounds are NaN below two patients that have a
        case of one of the kinds.

    Raises:
        ValueError: if lengths differ, or a score is not finite.
    """
    truth, (score,) = _scored(diseased, scores)
    if truth.all() or not truth.any():
        return Estimate(np.nan, np.nan, np.nan)
    placements = _place(truth, score)
    value = float(placements[truth].mean())
    error = float(np.sqrt(_covariance(truth, [placements], patients)[0, 0]))
    return Estimate(value, *np.clip([value - _Z * error, value + _Z * error], 0, 1).tolist())


def auc_difference(
    diseased: ArrayLike,
    first_scores: ArrayLike,
    second_scores: ArrayLike,
    patients: Sequence[str] | None = None,
) -> Difference:
    """Return the first area minus the second on the same cases, with DeLong's interval and test.

    Args:
        diseased: whether the disease is there (case,), bool.
        first_scores: the higher, the more likely (case,), finite.
        second_scores: those of the other (case,), finite.
        patients: as of `auc`.

    Returns:
        Difference, -1..1; NaN without cases of both kinds. p is 1 for equal areas without error.

    Raises:
        ValueError: as `auc` does.
    """
    truth, (first, second) = _scored(diseased, first_scores, second_scores)
    if truth.all() or not truth.any():
        return Difference(np.nan, np.nan, np.nan, np.nan)
    placements = [_place(truth, score) for score in (first, second)]
    value = float(placements[0][truth].mean() - placements[1][truth].mean())
    contrast = np.array([1.0, -1.0])
    variance = float(contrast @ _covariance(truth, placements, patients) @ contrast)
    error = float(np.sqrt(max(variance, 0.0)))
    p = float(2 * stats.norm.sf(abs(value) / error)) if error else float(value == 0)
    return Difference(value, value - _Z * error, value + _Z * error, p)


def correlation(
    first: ArrayLike, second: ArrayLike, method: Literal["pearson", "spearman"] = "pearson"
) -> Difference:
    """Return the correlation of two measures with the interval by Fisher's z, and p of none.

    For ranks, the error of z is that of Bonett and Wright 2000 (doi 10.1007/BF02294183).

    Args:
        first: one measure (case,), finite.
        second: the other (case,), finite.
        method: "pearson" for straight lines, "spearman" for ranks.

    Returns:
        Correlation, -1..1; NaN where a measure is constant or below two cases; bounds are NaN below
        four.

    Raises:
        ValueError: if lengths differ, a value is not finite or the method is unknown.
    """
    if method not in ("pearson", "spearman"):
        raise ValueError(f"method must be 'pearson' or 'spearman', got {method!r}")
    x, y = _cases(first=first, second=second)
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Difference(np.nan, np.nan, np.nan, np.nan)
    found = stats.pearsonr(x, y) if method == "pearson" else stats.spearmanr(x, y)
    known = add_interval(float(found.statistic), len(x), method)
    return Difference(known.value, known.low, known.high, float(found.pvalue))


def add_interval(
    value: float, cases: int, method: Literal["pearson", "spearman"] = "pearson"
) -> Estimate:
    """Return a correlation, such as a published one, with the interval that `correlation` gives it.

    Args:
        value: the correlation, -1..1.
        cases: how many it is of.
        method: as of `correlation`.

    Returns:
        Bounds are NaN below four cases.
    """
    if cases <= 3:
        return Estimate(value, np.nan, np.nan)
    error = np.sqrt((1 + value**2 / 2 if method == "spearman" else 1.0) / (cases - 3))
    with np.errstate(divide="ignore"):  # all on a line: z is infinite, and the bounds are ±1
        low, high = np.tanh(np.arctanh(value) + error * np.array([-_Z, _Z])).tolist()
    return Estimate(value, low, high)


def _cases(**columns: ArrayLike) -> list[NDArray[np.float64]]:
    """Return columns as arrays (case,) of one length.

    Raises:
        ValueError: if lengths differ, or a number is not finite.
    """
    arrays = {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise ValueError(f"{' and '.join(columns)} must be columns of one length, got {shapes}")
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite, got {np.sum(~np.isfinite(array))} others")
    return list(arrays.values())


def _scored(
    diseased: ArrayLike, *scores: ArrayLike
) -> tuple[NDArray[np.bool_], list[NDArray[np.float64]]]:
    """Return the truth and each set of scores as arrays (case,)."""
    columns = {f"scores {number}": score for number, score in enumerate(scores, 1)}
    truth, *arrays = _cases(diseased=diseased, **columns)
    return truth > 0, arrays


def _place(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return of each case the share of the cases of the other kind that it is on the right side of.

    Ties count half. The mean over either kind is the area.
    """
    n_diseased, n_healthy = int(truth.sum()), int((~truth).sum())
    among_all = stats.rankdata(scores)
    placements = np.empty(len(scores))
    placements[truth] = (among_all[truth] - stats.rankdata(scores[truth])) / n_healthy
    below = among_all[~truth] - stats.rankdata(scores[~truth])
    placements[~truth] = 1 - below / n_diseased
    return placements


def _covariance(
    truth: NDArray[np.bool_],
    placements: Sequence[NDArray[np.float64]],
    patients: Sequence[str] | None,
) -> NDArray[np.float64]:
    """Return the covariance (set, set) of the areas of sets of placements (case,)."""
    names = np.arange(len(truth)) if patients is None else np.asarray(patients)
    if len(names) != len(truth):
        raise ValueError(f"patients must be one for each of {len(truth)} cases, got {len(names)}")
    unique, owner = np.unique(names, return_inverse=True)
    sums: list[NDArray[np.float64]] = []  # of each kind: deviations (set, patient)
    for kind in (truth, ~truth):
        deviations = [np.where(kind, each - each[kind].mean(), 0.0) for each in placements]
        summed = [np.bincount(owner, weights=each, minlength=len(unique)) for each in deviations]
        sums.append(np.stack(summed) / kind.sum())
    diseased, healthy = sums
    total = np.zeros((len(placements), len(placements)))
    for kind, deviation in ((truth, diseased), (~truth, healthy)):
        total += _unbiased(len(np.unique(owner[kind]))) * deviation @ deviation.T
    cross = diseased @ healthy.T
    return total + _unbiased(len(unique)) * (cross + cross.T)


def _unbiased(patients: int) -> float:
    """Return what a sum of squares over patients is multiplied by; NaN for one alone."""
    return patients / (patients - 1) if patients > 1 else float("nan")
