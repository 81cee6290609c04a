"""Metrics of a row over its runs, with intervals, and rows compared on the same images."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bonescan.metrics.bootstrap import bootstrap_interval
from bonescan.metrics.cross_validation import f1_of_means
from bonescan.metrics.pixel import METRICS, OUTCOMES, per_image, pooled
from bonescan.run_folder import IMAGE_ROWS
from bonescan.studies.experiments.experiment import F1_OF_MEANS

RESAMPLES = 1000


@dataclass(frozen=True)
class RowImages:
    """All evaluated images of a row, over all of its runs.

    Attributes:
        confusion: bonescan.metrics.pixel.OUTCOMES (image, 4).
        patients: the patient of each image.
        keys: what tells each image from the others of a run: (scan, form).
        runs: number of the run of each image.
    """

    confusion: NDArray[np.int64]
    patients: Sequence[str]
    keys: Sequence[tuple[str, str]]
    runs: NDArray[np.intp]


@dataclass(frozen=True)
class Estimate:
    """A metric of a row.

    Attributes:
        value: mean over the runs.
        lower: bound of the 95 % interval over patients.
        upper: bound of the 95 % interval over patients.
        spread: standard deviation over the runs; None for a single one.
    """

    value: float
    lower: float
    upper: float
    spread: float | None


@dataclass(frozen=True)
class Comparison:
    """The difference of two rows on the same images, in the first metric of the experiment.

    Attributes:
        difference: of the means over the runs.
        lower: bound of its 95 % interval, patients resampled together for both.
        upper: bound of its 95 % interval.
        patients: number of patients.
        wilcoxon_p: two-sided Wilcoxon signed-rank test over patients; None where all are equal.
        t_p: two-sided paired t-test over runs; None with fewer than three. Both tests take the
            DSC in place of the F1 of means, which one patient or run does not have.
    """

    difference: float
    lower: float
    upper: float
    patients: int
    wilcoxon_p: float | None
    t_p: float | None


def read_images(evaluations: Sequence[Path]) -> RowImages:
    """Gather the images of the evaluations of a row's runs."""
    rows: list[dict[str, Any]] = []
    runs: list[int] = []
    for number, folder in enumerate(evaluations):
        with (folder / IMAGE_ROWS).open(newline="", encoding="utf-8") as file:
            rows += csv.DictReader(file)
        runs += [number] * (len(rows) - len(runs))
    return RowImages(
        confusion=np.array([[int(row[name]) for name in OUTCOMES] for row in rows]),
        patients=[row["patient"] for row in rows],
        keys=[(row["scan_id"], row["form"]) for row in rows],
        runs=np.array(runs),
    )


def estimate(images: RowImages, metrics: Sequence[str], convention: str) -> dict[str, Estimate]:
    """Estimate the metrics of a row: each run's by the convention, then the mean over the runs.

    Args:
        images: of all runs.
        metrics: of bonescan.metrics.pixel.METRICS, or F1_OF_MEANS.
        convention: "pooled" or "per_image".

    Returns:
        An estimate by metric.
    """

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return _means(_by_run(images, weights, convention), metrics)

    once = np.ones(len(images.patients))
    bounds = bootstrap_interval(statistic, images.patients, resamples=RESAMPLES)
    by_run = _by_run(images, once, convention)
    values = statistic(once)
    return {
        name: Estimate(float(values[i]), float(bounds[0, i]), float(bounds[1, i]), spread)
        for i, (name, spread) in enumerate(zip(metrics, _spreads(by_run, metrics), strict=True))
    }


def compare(row: RowImages, other: RowImages, metric: str, convention: str) -> Comparison:
    """Compare a row with another that was evaluated on the same images.

    Args:
        row: images of a row.
        other: images of the row that it is compared with.
        metric: of bonescan.metrics.pixel.METRICS, or F1_OF_MEANS.
        convention: "pooled" or "per_image".

    Raises:
        ValueError: if the two were evaluated on other images.
    """
    row, other = _in_order(row), _in_order(other)
    if row.keys != other.keys or not np.array_equal(row.runs, other.runs):
        raise ValueError("rows must be evaluated on the same images to be compared")

    def difference(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        first, second = (
            _means(_by_run(images, weights, convention), [metric])[..., 0]
            for images in (row, other)
        )
        return first - second

    bounds = bootstrap_interval(difference, row.patients, resamples=RESAMPLES)
    once = np.ones(len(row.patients))
    column = METRICS.index("dsc" if metric == F1_OF_MEANS else metric)
    by_run = _by_run(row, once, convention) - _by_run(other, once, convention)
    by_patient = _by_patient(row, column, convention) - _by_patient(other, column, convention)
    return Comparison(
        difference=float(difference(once)),
        lower=float(bounds[0]),
        upper=float(bounds[1]),
        patients=len(by_patient),
        wilcoxon_p=float(stats.wilcoxon(by_patient).pvalue) if np.any(by_patient) else None,
        t_p=_t_test(by_run[:, column]),
    )


def _t_test(differences: NDArray[np.float64]) -> float | None:
    """Return p of the one-sample t-test; None where it says nothing."""
    if len(differences) < 3 or np.ptp(differences) == 0:
        return None
    return float(stats.ttest_1samp(differences, 0).pvalue)


def _by_run(
    images: RowImages, weights: NDArray[np.float64], convention: str
) -> NDArray[np.float64]:
    """Return METRICS of each run: (..., run, metric); NaN of a run of which no image counts."""
    score = pooled if convention == "pooled" else per_image
    runs = [images.runs == run for run in np.unique(images.runs)]
    values = [score(images.confusion[of_run], weights[..., of_run]) for of_run in runs]
    return np.stack(values, axis=-2)


def _means(by_run: NDArray[np.float64], metrics: Sequence[str]) -> NDArray[np.float64]:
    """Average over the runs; the F1 of means is computed from the averages."""
    means = np.nanmean(by_run, axis=-2)  # (..., metric)
    precision, recall = (means[..., [METRICS.index(name)]] for name in ("precision", "recall"))
    values = [
        f1_of_means(precision, recall) if name == F1_OF_MEANS else means[..., METRICS.index(name)]
        for name in metrics
    ]
    return np.stack(values, axis=-1)


def _spreads(by_run: NDArray[np.float64], metrics: Sequence[str]) -> list[float | None]:
    """Return standard deviations over the runs; an F1 of means has none."""
    if len(by_run) < 2:
        return [None] * len(metrics)
    return [
        None if name == F1_OF_MEANS else float(by_run[:, METRICS.index(name)].std(ddof=1))
        for name in metrics
    ]


def _by_patient(images: RowImages, column: int, convention: str) -> NDArray[np.float64]:
    """Return a metric of each patient over all of its images."""
    score = pooled if convention == "pooled" else per_image
    owners = np.asarray(images.patients)
    return np.array(
        [score(images.confusion[owners == owner])[column] for owner in np.unique(owners)]
    )


def _in_order(images: RowImages) -> RowImages:
    order = sorted(range(len(images.keys)), key=lambda i: (images.runs[i], images.keys[i]))
    return RowImages(
        confusion=images.confusion[order],
        patients=[images.patients[i] for i in order],
        keys=[images.keys[i] for i in order],
        runs=images.runs[order],
    )


def to_entry(result: Estimate | Comparison) -> dict[str, Any]:
    """Return a result for JSON, rounded to what its interval is good for; None for NaN."""
    return {
        key: None if value is None or np.isnan(value) else round(value, 6)
        for key, value in asdict(result).items()
    }
