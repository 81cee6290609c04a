"""Metrics of a row over its trainings, and rows compared: training randomness is in every interval.

What the scatter of several trainings says depends on what they are tested on:

*The same patients, other seeds.* Both the trainings and the patients are a sample. That is the
design of reader studies, several readers and the same cases, so their test is used, with trainings
in place of readers: Obuchowski and Rockette 1995, random readers and random cases. The variance of
a mean over n trainings is s2 / n + c, where s2 is the variance over trainings and c, by jackknife
over patients, the covariance that two trainings share because they are tested on the same patients.
Degrees of freedom are Satterthwaite's of both parts; Hillis 2007 counts the first alone, which is
too many for few patients. Percentiles of a bootstrap would not do: over three to five trainings
they are far too narrow.

*Other patients in each fold.* Folds share training patients, so that s2 / n is too small: the
corrected resampled t-test, Nadeau and Bengio 2003, with s2 (1 / n + n_test / n_train).

*One training.* Nothing is known of its randomness: it has an interval over its test patients, and
no difference is tested.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bonescan.metrics.bootstrap import bootstrap_interval
from bonescan.metrics.cross_validation import f1_of_means
from bonescan.metrics.pixel import METRICS
from bonescan.report.image_results import describe_interval as describe_bootstrap
from bonescan.studies.experiments.experiment import F1_OF_MEANS
from bonescan.studies.experiments.row_images import RowImages, score_run, score_without_each

RESAMPLES = 1000
LEAST_TRAININGS = 3
"""Fewer are not compared: with two the interval is 12.7 standard errors to each side."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A metric of a row.

    Attributes:
        value: mean over the runs.
        lower: bound of its 95 % interval: over trainings and patients, of one training over
            patients alone; NaN for F1_OF_MEANS.
        upper: the other bound.
        spread: standard deviation over the runs; None for a single one and for F1_OF_MEANS.
    """

    value: float
    lower: float
    upper: float
    spread: float | None


@dataclass(frozen=True)
class Comparison:
    """The difference of two rows on the same images.

    Attributes:
        difference: of the means over the runs.
        lower: bound of its 95 % interval over trainings and patients.
        upper: the other bound.
        p: two-sided, of the same test as the interval; None where all differences are equal.
    """

    difference: float
    lower: float
    upper: float
    p: float | None


class _Mean(NamedTuple):
    """A mean over trainings, its variance, and the degrees of freedom of that."""

    value: float
    variance: float
    freedom: float

    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval."""
        reach = stats.t.ppf((1 + CONFIDENCE) / 2, self.freedom) * np.sqrt(self.variance)
        return float(self.value - reach), float(self.value + reach)

    def p(self) -> float | None:
        """Return the two-sided p of a mean of 0."""
        if self.variance == 0:
            return None
        return float(2 * stats.t.sf(abs(self.value) / np.sqrt(self.variance), self.freedom))


def estimate(
    images: RowImages, metrics: Sequence[str], convention: str, *, test_to_training: float | None
) -> dict[str, Estimate]:
    """Estimate the metrics of a row: each run's by the convention, then the mean over the runs.

    Args:
        images: of all runs.
        metrics: of bonescan.metrics.pixel.METRICS, or F1_OF_MEANS.
        convention: of bonescan.studies.experiments.row_images.CONVENTIONS.
        test_to_training: in a cross-validation, patients that a run tests over those that it trains
            on; None where all runs are tested on the same patients.

    Returns:
        An estimate by metric.

    Raises:
        ValueError: if no image counts by the convention.
    """
    runs = images.counted(convention).by_run()
    return {name: _estimate_one(runs, name, convention, test_to_training) for name in metrics}


def compare(
    row: RowImages,
    other: RowImages,
    metric: str,
    convention: str,
    *,
    test_to_training: float | None,
) -> Comparison:
    """Compare a row with another that was evaluated on the same images.

    Args:
        row: images of a row.
        other: images of the row that it is compared with.
        metric: of bonescan.metrics.pixel.METRICS.
        convention: of bonescan.studies.experiments.row_images.CONVENTIONS.
        test_to_training: see `estimate`.

    Raises:
        ValueError: if the two were evaluated on other images, or have too few trainings.
    """
    row, other = row.counted(convention), other.counted(convention)
    if row.keys != other.keys or row.runs != other.runs:
        raise ValueError("rows must be evaluated on the same images to be compared")
    runs, other_runs = row.by_run(), other.by_run()
    if len(runs) < LEAST_TRAININGS:
        raise ValueError(
            f"rows must have {LEAST_TRAININGS} trainings at least to be compared, got {len(runs)}"
        )
    values = _scores(runs, metric, convention) - _scores(other_runs, metric, convention)
    if test_to_training is None:
        first, second = (
            _scores_without_each(each, metric, convention) for each in (runs, other_runs)
        )
        mean = _mean_over_seeds(values, first - second)
    else:
        mean = _mean_over_folds(values, test_to_training)
    return Comparison(mean.value, *mean.interval(), p=mean.p())


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct the p-values of one table for their number (Holm 1979)."""
    order = np.argsort(p_values)
    factors = len(order) - np.arange(len(order))
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(1, np.maximum.accumulate(factors * np.sort(p_values)))
    return [float(p) for p in corrected]


def _estimate_one(
    runs: Sequence[RowImages], metric: str, convention: str, test_to_training: float | None
) -> Estimate:
    if metric == F1_OF_MEANS:
        precision, recall = (_scores(runs, name, convention) for name in ("precision", "recall"))
        return Estimate(float(f1_of_means(precision, recall)), np.nan, np.nan, None)
    values = _scores(runs, metric, convention)
    if len(runs) == 1:
        lower, upper = _interval_over_patients(runs[0], metric, convention)
        return Estimate(float(values[0]), lower, upper, None)
    if test_to_training is None:
        mean = _mean_over_seeds(values, _scores_without_each(runs, metric, convention))
    else:
        mean = _mean_over_folds(values, test_to_training)
    lower, upper = mean.interval()
    return Estimate(mean.value, max(lower, 0.0), min(upper, 1.0), float(values.std(ddof=1)))


def _mean_over_seeds(values: NDArray[np.float64], without_each: NDArray[np.float64]) -> _Mean:
    """Average over trainings that are tested on the same patients.

    Args:
        values: of each training (run,).
        without_each: the same without each patient (patient, run).
    """
    patients, runs = without_each.shape
    scatter = float(values.var(ddof=1)) / runs
    deviations = without_each - without_each.mean(axis=0)
    covariance = deviations.T @ deviations * (patients - 1) / patients
    shared = (covariance.sum() - np.trace(covariance)) / (runs * (runs - 1))
    shared = max(float(shared), 0.0)
    variance = scatter + shared
    parts = scatter**2 / (runs - 1) + shared**2 / max(patients - 1, 1)
    return _Mean(float(values.mean()), variance, variance**2 / parts if parts else np.inf)


def _mean_over_folds(values: NDArray[np.float64], test_to_training: float) -> _Mean:
    """Average over trainings that are tested on other patients each (run,)."""
    variance = float(values.var(ddof=1)) * (1 / len(values) + test_to_training)
    return _Mean(float(values.mean()), variance, len(values) - 1)


def _interval_over_patients(run: RowImages, metric: str, convention: str) -> tuple[float, float]:
    """Return the 95 % interval of one training over its patients alone."""
    column = METRICS.index(metric)
    lower, upper = bootstrap_interval(
        lambda weights: score_run(run, convention, weights)[..., column],
        run.patients,
        resamples=RESAMPLES,
    )
    return float(lower), float(upper)


def _scores(runs: Sequence[RowImages], metric: str, convention: str) -> NDArray[np.float64]:
    """Return a metric of each run (run,)."""
    return np.array([score_run(run, convention)[METRICS.index(metric)] for run in runs])


def _scores_without_each(
    runs: Sequence[RowImages], metric: str, convention: str
) -> NDArray[np.float64]:
    """Return a metric of each run without each patient in turn (patient, run)."""
    if any(run.keys != runs[0].keys for run in runs):
        raise ValueError("trainings of one split must be tested on the same images")
    column = METRICS.index(metric)
    return np.stack([score_without_each(run, convention)[:, column] for run in runs], axis=1)


def describe_interval(trainings: int, *, test_to_training: float | None) -> str:
    """Say what the intervals of a row of so many trainings hold."""
    if trainings == 1:
        return f"{describe_bootstrap(RESAMPLES)}, of this one training: its randomness is not in it"
    if test_to_training is None:
        return (
            "95 % intervals over trainings (seeds) and patients together (Obuchowski and Rockette "
            "1995, trainings in place of readers)"
        )
    return (
        "95 % intervals of the corrected resampled t-test over folds (Nadeau and Bengio 2003, "
        f"n_test / n_train = {test_to_training:.2f})"
    )


def to_entry(result: Estimate | Comparison) -> dict[str, Any]:
    """Return a result for JSON, rounded to what its interval is good for; None for NaN."""
    return {
        key: None if value is None or np.isnan(value) else round(value, 6)
        for key, value in asdict(result).items()
    }
