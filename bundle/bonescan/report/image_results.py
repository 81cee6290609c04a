"""Results of an evaluation: one record per image, and what is said of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonescan.image_form import ImageForm
from bonescan.labels import Label
from bonescan.metrics.bootstrap import RESAMPLES, Statistic, bootstrap_interval, ratio
from bonescan.metrics.froc import Froc, froc, sensitivity_at
from bonescan.metrics.image import measure_image
from bonescan.metrics.lesion import (
    DETECTION_METRICS,
    MIN_IOU,
    THRESHOLDS,
    LesionScores,
    detection,
    match_by_threshold,
    match_lesions,
    rate_lesions,
)
from bonescan.metrics.pixel import METRICS, confusion, has_foreground, per_image, pooled, score

FALSE_POSITIVES = (0.5, 1.0, 2.0, 4.0)
"""False positives a unit at which the free-response curve is read."""

SEED = 0


@dataclass(frozen=True, kw_only=True)
class ImageResult:
    """Agreement of the prediction of one image with its truth, for one label.

    Attributes:
        scan_id: pseudonym of the scan.
        patient: pseudonym of the patient.
        form: what the image shows of the scan.
        label: the label that was compared; pixels of all others are background.
        confusion: bonescan.metrics.pixel.OUTCOMES, (4,).
        lesions: bonescan.metrics.lesion.OUTCOMES at the operating point, (3,).
        froc_lesions: the same at each threshold of the free-response curve, (threshold, 3); None
            without probabilities.
        metrics: bonescan.metrics.image.IMAGE_METRICS, NaN where undefined.
        rated_lesions: bonescan.metrics.lesion.rate_lesions at the operating point, (lesion, 2);
            None without probabilities.
        highest_prob: highest probability of a pixel; None without probabilities.
    """

    scan_id: str
    patient: str
    form: ImageForm
    label: Label
    confusion: NDArray[np.int64]
    lesions: NDArray[np.int64]
    froc_lesions: NDArray[np.int64] | None
    metrics: Mapping[str, float]
    rated_lesions: NDArray[np.float64] | None = None
    highest_prob: float | None = None

    @property
    def key(self) -> tuple[str, ImageForm]:
        """What tells the image from all others of an evaluation."""
        return self.scan_id, self.form

    @property
    def n_lesions(self) -> int:
        """Number of true lesions."""
        found, missed, _ = self.lesions.tolist()
        return found + missed

    @property
    def dsc(self) -> float:
        """Dice of this image, by the rules for empty sets."""
        return float(score(self.confusion, "dsc"))


def score_image(
    pred_mask: NDArray[np.bool_],
    truth_mask: NDArray[np.bool_],
    *,
    scan_id: str,
    patient: str,
    form: ImageForm,
    spacing_mm: tuple[float, float],
    label: Label = Label.METASTASIS,
    lesion_scores: LesionScores | None = None,
) -> ImageResult:
    """Compare the prediction of one image with its truth.

    Args:
        pred_mask: predicted lesions (row, column).
        truth_mask: true lesions (row, column).
        scan_id: pseudonym of the scan.
        patient: pseudonym of the patient.
        form: what the image shows of the scan.
        spacing_mm: (row, column) pixel spacing.
        label: what the masks mark.
        lesion_scores: what counts as a predicted lesion, and how sure the prediction is of it;
            every component, and nothing, if not given.

    Returns:
        The image's record.
    """
    lesion_scores = lesion_scores or LesionScores()
    prob = lesion_scores.prob
    return ImageResult(
        scan_id=scan_id,
        patient=patient,
        form=form,
        label=label,
        confusion=confusion(pred_mask, truth_mask),
        lesions=match_lesions(pred_mask, truth_mask, lesion_scores),
        froc_lesions=match_by_threshold(lesion_scores, truth_mask),
        metrics=measure_image(pred_mask, truth_mask, spacing_mm),
        rated_lesions=None if prob is None else rate_lesions(pred_mask, truth_mask, lesion_scores),
        highest_prob=None if prob is None else float(prob.max()),
    )


def summarise(
    results: Sequence[ImageResult],
    *,
    simulated: bool,
    resamples: int = RESAMPLES,
    thresholds: Sequence[float] = THRESHOLDS,
) -> dict[str, Any]:
    """Compute all metrics of a system with their intervals.

    Args:
        results: records of all images, for one label.
        simulated: whether the scans are simulated; every table says so.
        resamples: draws of the bootstrap over patients.
        thresholds: at which the results know their lesions, descending.

    Returns:
        A JSON-ready document: numbers of images, units (see unit_of), patients and lesions; per
        convention ("pooled", "per_image", "per_image_with_lesion") and for lesions ("detection") a
        value with the lower and upper bound of its 95 % interval by metric; the free-response curve
        where there are probabilities ("froc"); where images have metrics of their own, the same
        of their means over images ("image_metrics"). Undefined numbers are None.

    Raises:
        ValueError: if there is no image.
    """
    if not results:
        raise ValueError("results must hold at least one image, got none")
    patients = [result.patient for result in results]
    confusions = np.stack([result.confusion for result in results])
    document: dict[str, Any] = {
        "simulated": simulated,
        "images": len(results),
        "images_with_lesion": int(has_foreground(confusions).sum()),
        "unit": unit_of(results),
        "units": len({result.scan_id for result in results}),
        "patients": len(set(patients)),
        "lesions": sum(result.n_lesions for result in results),
        "interval": describe_interval(resamples),
    }
    conventions: dict[str, Statistic] = {
        "pooled": lambda weights: pooled(confusions, weights),
        "per_image": lambda weights: per_image(confusions, weights),
        "per_image_with_lesion": lambda weights: per_image(
            confusions, weights, skip_empty_label=True
        ),
    }
    for name, convention in conventions.items():
        document[name] = with_interval(convention, patients, names=METRICS, resamples=resamples)
    document["lesion_rule"] = f"paired one to one, intersection over union above {MIN_IOU}"
    document["detection"] = _summarise_lesions(results, resamples=resamples)
    if results[0].froc_lesions is not None:
        document["froc"] = _summarise_froc(results, thresholds, resamples=resamples)
    if results[0].metrics:
        document["image_metrics"] = _summarise_image_metrics(results, resamples=resamples)
    return document


def describe_interval(resamples: int) -> str:
    """Say how the intervals of with_interval are made."""
    return f"95 % BCa bootstrap over patients, {resamples} resamples, seed {SEED}"


def with_interval(
    statistic: Statistic,
    patients: Sequence[str],
    *,
    names: Sequence[str],
    resamples: int,
) -> dict[str, Any]:
    """Compute a statistic and its 95 % interval over patients.

    Args:
        statistic: value for each name along the last axis, from weights (..., item).
        patients: the patient of each item.
        names: what the values are called.
        resamples: draws of the bootstrap over patients.

    Returns:
        Value, lower and upper bound by name; None where undefined.
    """
    values = statistic(np.ones(len(patients)))
    lower, upper = bootstrap_interval(statistic, patients, resamples=resamples, seed=SEED)
    lower, upper = (np.where(np.isnan(values), np.nan, bound) for bound in (lower, upper))
    return {
        name: {"value": _number(value), "lower": _number(low), "upper": _number(high)}
        for name, value, low, high in zip(names, values, lower, upper, strict=True)
    }


def representative(results: Sequence[ImageResult]) -> list[tuple[str, int]]:
    """Choose the images of best, median and worst Dice among those with lesions.

    Returns:
        (name, index) from best to worst, each image once; of all images where none has a lesion.
    """
    with_lesion = [i for i, result in enumerate(results) if result.n_lesions]
    ranked = sorted(with_lesion or range(len(results)), key=lambda i: results[i].dsc, reverse=True)
    if not ranked:
        return []
    names = {len(ranked) // 2: "median", len(ranked) - 1: "worst", 0: "best"}
    return [(names[rank], ranked[rank]) for rank in sorted(names)]


def unit_of(results: Sequence[ImageResult]) -> str:
    """Return what false positives are counted for: "scan", or "image" where each is one image."""
    return "image" if len({result.scan_id for result in results}) == len(results) else "scan"


def detection_of(results: Sequence[ImageResult]) -> dict[str, float]:
    """Compute DETECTION_METRICS over the units of results, by name."""
    return dict(zip(DETECTION_METRICS, detection(lesions_of(results)).tolist(), strict=True))


def froc_of(results: Sequence[ImageResult], thresholds: Sequence[float] = THRESHOLDS) -> Froc:
    """Compute the free-response curve over the units of results.

    Args:
        results: that know their lesions at each threshold.
        thresholds: these, descending.
    """
    return froc(np.asarray(thresholds), _froc_lesions(results))


def sensitivities_of(
    results: Sequence[ImageResult], thresholds: Sequence[float] = THRESHOLDS
) -> Statistic:
    """Return what reads the free-response curve at FALSE_POSITIVES, from weights of units.

    Args:
        results: that know their lesions at each threshold.
        thresholds: these, descending.
    """
    outcomes = _froc_lesions(results)

    def read(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        drawn = froc(np.asarray(thresholds), outcomes, weights)
        return np.stack([sensitivity_at(drawn, rate) for rate in FALSE_POSITIVES], axis=-1)

    return read


def _by_unit(results: Sequence[ImageResult], outcomes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add up outcomes (image, ...) over the images of each unit: (unit, ...)."""
    _, unit = _units(results)
    total = np.zeros((unit.max() + 1, *outcomes.shape[1:]), dtype=np.int64)
    np.add.at(total, unit, outcomes)
    return total


def _units(results: Sequence[ImageResult]) -> tuple[list[str], NDArray[np.intp]]:
    """Return the patient of each unit, and the number of each image's unit."""
    scans = [result.scan_id for result in results]
    _, first, unit = np.unique(scans, return_index=True, return_inverse=True)
    return [results[i].patient for i in first.tolist()], unit


def lesions_of(results: Sequence[ImageResult]) -> NDArray[np.int64]:
    """Return the lesions of each unit, (unit, 3) of bonescan.metrics.lesion.OUTCOMES."""
    return _by_unit(results, np.stack([result.lesions for result in results]))


def patients_of_units(results: Sequence[ImageResult]) -> list[str]:
    """Return the patient of each unit, in the order of `lesions_of`."""
    return _units(results)[0]


def _froc_lesions(results: Sequence[ImageResult]) -> NDArray[np.int64]:
    """Return the lesions of each unit at each threshold, (unit, threshold, 3)."""
    known = [result.froc_lesions for result in results if result.froc_lesions is not None]
    return _by_unit(results, np.stack(known))


def _summarise_lesions(results: Sequence[ImageResult], *, resamples: int) -> dict[str, Any]:
    """Compute detection metrics over units, whose images are added up."""
    outcomes = lesions_of(results)
    return with_interval(
        lambda weights: detection(outcomes, weights),
        patients_of_units(results),
        names=DETECTION_METRICS,
        resamples=resamples,
    )


def _summarise_froc(
    results: Sequence[ImageResult], thresholds: Sequence[float], *, resamples: int
) -> dict[str, Any]:
    """Lay out the curve, and read it at FALSE_POSITIVES."""
    curve, patients = froc_of(results, thresholds), patients_of_units(results)
    read = sensitivities_of(results, thresholds)
    names = [str(rate) for rate in FALSE_POSITIVES]
    return {
        "threshold": list(map(_number, curve.thresholds)),
        "sensitivity": list(map(_number, curve.sensitivity)),
        "false_positives": list(map(_number, curve.false_positives)),
        "sensitivity_at": with_interval(read, patients, names=names, resamples=resamples),
    }


def _summarise_image_metrics(results: Sequence[ImageResult], *, resamples: int) -> dict[str, Any]:
    """Average each metric over the images in which it is defined, and say how many they are."""
    names = tuple(results[0].metrics)
    values = np.array([[result.metrics[name] for name in names] for result in results])
    document = with_interval(
        lambda weights: _mean_where_defined(values, weights),
        [result.patient for result in results],
        names=names,
        resamples=resamples,
    )
    defined = np.count_nonzero(~np.isnan(values), axis=0).tolist()
    return {name: {**document[name], "images": n} for name, n in zip(names, defined, strict=True)}


def _mean_where_defined(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Average the columns of (image, metric) over what is not NaN; NaN where all is."""
    known = ~np.isnan(values)
    return ratio(weights @ np.where(known, values, 0.0), weights @ known.astype(np.float64))


def _number(value: float) -> float | None:
    """Turn NaN, which JSON does not have, into None."""
    return None if np.isnan(value) else round(float(value), 6)
