"""Results of an evaluation: one record per image, and what is said of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonescan.image_form import ImageForm
from bonescan.labels import Label
from bonescan.metrics.bootstrap import RESAMPLES, Statistic, bootstrap_interval, ratio
from bonescan.metrics.image import measure_image
from bonescan.metrics.lesion import (
    DETECTION_METRICS,
    LesionMatch,
    detection,
    froc,
    match_lesions,
    merge_matches,
    sensitivity_at,
)
from bonescan.metrics.pixel import METRICS, confusion, has_foreground, per_image, pooled, score

FROC_FLOOR = 0.1
"""Probability from which a pixel belongs to a component of the free-response curve."""

FROC_FALSE_POSITIVES_PER_SCAN = (0.5, 1.0, 2.0, 4.0)

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
        match: lesions and components at the operating point.
        froc_match: the same from the probabilities above FROC_FLOOR; None without probabilities.
        metrics: bonescan.metrics.image.IMAGE_METRICS, NaN where undefined.
    """

    scan_id: str
    patient: str
    form: ImageForm
    label: Label
    confusion: NDArray[np.int64]
    match: LesionMatch
    froc_match: LesionMatch | None
    metrics: Mapping[str, float]

    @property
    def key(self) -> tuple[str, ImageForm]:
        """What tells the image from all others of an evaluation."""
        return self.scan_id, self.form

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
    prob: NDArray[np.floating] | None = None,
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
        prob: probability of lesion (row, column), for the free-response curve.

    Returns:
        The image's record.
    """
    curve = None if prob is None else match_lesions(prob >= FROC_FLOOR, truth_mask, prob=prob)
    return ImageResult(
        scan_id=scan_id,
        patient=patient,
        form=form,
        label=label,
        confusion=confusion(pred_mask, truth_mask),
        match=match_lesions(pred_mask, truth_mask),
        froc_match=curve,
        metrics=measure_image(pred_mask, truth_mask, spacing_mm),
    )


def summarise(
    results: Sequence[ImageResult], *, simulated: bool, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Compute all metrics of a system with their intervals.

    Args:
        results: records of all images, for one label.
        simulated: whether the scans are simulated; every table says so.
        resamples: draws of the bootstrap over patients.

    Returns:
        A JSON-ready document: numbers of images, scans, patients and lesions; per convention
        ("pooled", "per_image", "per_image_with_lesion") and for lesions a value with the lower and
        upper bound of its 95 % interval by metric; where images have metrics of their own, the same
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
        "scans": len({result.scan_id for result in results}),
        "patients": len(set(patients)),
        "lesions": sum(len(result.match.lesion_scores) for result in results),
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
    document["detection"] = _summarise_lesions(results, resamples=resamples)
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
    return {
        name: {"value": _number(value), "lower": _number(low), "upper": _number(high)}
        for name, value, low, high in zip(names, values, lower, upper, strict=True)
    }


def representative(results: Sequence[ImageResult]) -> list[tuple[str, int]]:
    """Choose the images of best, median and worst Dice among those with lesions.

    Returns:
        (name, index) from best to worst, each image once; of all images where none has a lesion.
    """
    with_lesion = [i for i, result in enumerate(results) if len(result.match.lesion_scores)]
    ranked = sorted(with_lesion or range(len(results)), key=lambda i: results[i].dsc, reverse=True)
    if not ranked:
        return []
    names = {len(ranked) // 2: "median", len(ranked) - 1: "worst", 0: "best"}
    return [(names[rank], ranked[rank]) for rank in sorted(names)]


def froc_by_scan(results: Sequence[ImageResult]) -> list[LesionMatch]:
    """Merge the free-response matches of each scan's images; empty where one has none."""
    matches = [result.froc_match for result in results if result.froc_match is not None]
    if len(matches) < len(results):
        return []
    return [merge_matches(matches[i] for i in images) for images in _images_by_scan(results)]


def _images_by_scan(results: Sequence[ImageResult]) -> list[list[int]]:
    """Return the indices of each scan's images, in the order in which the scans first appear."""
    by_scan: dict[str, list[int]] = {}
    for number, result in enumerate(results):
        by_scan.setdefault(result.scan_id, []).append(number)
    return list(by_scan.values())


def _summarise_lesions(results: Sequence[ImageResult], *, resamples: int) -> dict[str, Any]:
    """Compute detection metrics over scans, whose images are merged."""
    scans = _images_by_scan(results)
    patients = [results[images[0]].patient for images in scans]
    matches = [merge_matches(results[i].match for i in images) for images in scans]
    document = with_interval(
        lambda weights: detection(matches, weights),
        patients,
        names=DETECTION_METRICS,
        resamples=resamples,
    )
    curves = froc_by_scan(results)
    if curves:
        document["sensitivity_at_false_positives_per_scan"] = with_interval(
            lambda weights: _sensitivities(curves, weights),
            patients,
            names=[str(rate) for rate in FROC_FALSE_POSITIVES_PER_SCAN],
            resamples=resamples,
        )
    return document


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


def _sensitivities(
    scans: Sequence[LesionMatch], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Read the curve of each row of weights (..., scan)."""
    if weights.ndim > 1:
        return np.stack([_sensitivities(scans, row) for row in weights])
    curve = froc([scans[i] for i in np.repeat(np.arange(len(scans)), weights.astype(int)).tolist()])
    return np.array([sensitivity_at(curve, rate) for rate in FROC_FALSE_POSITIVES_PER_SCAN])


def _number(value: float) -> float | None:
    """Turn NaN, which JSON does not have, into None."""
    return None if np.isnan(value) else round(float(value), 6)
