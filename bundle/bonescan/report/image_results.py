"""Results of an evaluation: one record per image, and what is said of all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import View
from bonescan.metrics.bootstrap import RESAMPLES, bootstrap_interval
from bonescan.metrics.lesion import (
    DETECTION_METRICS,
    LesionMatch,
    detection,
    froc,
    match_lesions,
    merge_matches,
    sensitivity_at,
)
from bonescan.metrics.pixel import (
    METRICS,
    confusion_counts,
    has_foreground,
    per_image,
    pooled,
    scores,
)

FROC_FLOOR = 0.1
"""Probability from which a pixel belongs to a component of the free-response curve."""

FROC_FALSE_POSITIVES_PER_SCAN = (0.5, 1.0, 2.0, 4.0)

SEED = 0


@dataclass(frozen=True)
class ImageResult:
    """Agreement of one view's prediction with its truth.

    Attributes:
        scan_id: pseudonym of the scan.
        patient: pseudonym of the patient.
        view: the view.
        counts: TP, FP, FN, TN, (4,).
        match: lesions and components at the operating point.
        froc_match: the same from the probabilities above FROC_FLOOR; None without probabilities.
    """

    scan_id: str
    patient: str
    view: View
    counts: NDArray[np.int64]
    match: LesionMatch
    froc_match: LesionMatch | None = None

    @property
    def dsc(self) -> float:
        """Dice of this image, by the rules for empty sets."""
        return float(scores(self.counts)[METRICS.index("dsc")])


def score_image(
    pred_mask: NDArray[np.bool_],
    truth_mask: NDArray[np.bool_],
    *,
    scan_id: str,
    patient: str,
    view: View,
    prob: NDArray[np.floating] | None = None,
) -> ImageResult:
    """Compare the prediction of one view with its truth.

    Args:
        pred_mask: predicted lesions (row, column).
        truth_mask: true lesions (row, column).
        scan_id: pseudonym of the scan.
        patient: pseudonym of the patient.
        view: the view.
        prob: probability of lesion (row, column), for the free-response curve.

    Returns:
        The image's record.
    """
    curve = None if prob is None else match_lesions(prob >= FROC_FLOOR, truth_mask, prob=prob)
    return ImageResult(
        scan_id=scan_id,
        patient=patient,
        view=view,
        counts=confusion_counts(pred_mask, truth_mask),
        match=match_lesions(pred_mask, truth_mask),
        froc_match=curve,
    )


def summarise(
    results: Sequence[ImageResult], *, simulated: bool, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Compute all metrics of a system with their intervals.

    Args:
        results: records of all images.
        simulated: whether the scans are simulated; every table says so.
        resamples: draws of the bootstrap over patients.

    Returns:
        A JSON-ready document: numbers of images, scans, patients and lesions; per convention
        ("pooled", "per_image", "per_image_with_lesion") and for lesions a value with the lower and
        upper bound of its 95 % interval by metric. Undefined numbers are None.

    Raises:
        ValueError: if there is no image.
    """
    if not results:
        raise ValueError("results must hold at least one image, got none")
    patients = [result.patient for result in results]
    counts = np.stack([result.counts for result in results])
    document: dict[str, Any] = {
        "simulated": simulated,
        "images": len(results),
        "images_with_lesion": int(has_foreground(counts).sum()),
        "scans": len({result.scan_id for result in results}),
        "patients": len(set(patients)),
        "lesions": sum(len(result.match.lesion_scores) for result in results),
        "interval": describe_interval(resamples),
    }
    conventions: dict[str, Callable[[NDArray[np.intp]], NDArray[np.float64]]] = {
        "pooled": lambda chosen: pooled(counts[chosen]),
        "per_image": lambda chosen: per_image(counts[chosen]),
        "per_image_with_lesion": lambda chosen: per_image(counts[chosen], skip_empty_label=True),
    }
    for name, convention in conventions.items():
        document[name] = with_interval(convention, patients, names=METRICS, resamples=resamples)
    document["detection"] = _summarise_lesions(results, resamples=resamples)
    return document


def describe_interval(resamples: int) -> str:
    """Say how the intervals of with_interval are made."""
    return f"95 % percentile bootstrap over patients, {resamples} resamples, seed {SEED}"


def with_interval(
    statistic: Callable[[NDArray[np.intp]], NDArray[np.float64]],
    patients: Sequence[str],
    *,
    names: Sequence[str],
    resamples: int,
) -> dict[str, Any]:
    """Compute a statistic and its 95 % interval over patients.

    Args:
        statistic: value for each name, computed from indices of items.
        patients: the patient of each item.
        names: what the values are called.
        resamples: draws of the bootstrap over patients.

    Returns:
        Value, lower and upper bound by name; None where undefined.
    """
    values = statistic(np.arange(len(patients)))
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
    chosen = {len(ranked) // 2: "median", len(ranked) - 1: "worst", 0: "best"}
    return [(chosen[place], ranked[place]) for place in sorted(chosen)]


def _summarise_lesions(results: Sequence[ImageResult], *, resamples: int) -> dict[str, Any]:
    """Compute detection metrics over scans, whose views are merged."""
    by_scan: dict[str, list[ImageResult]] = {}
    for result in results:
        by_scan.setdefault(result.scan_id, []).append(result)
    scans = list(by_scan.values())
    patients = [images[0].patient for images in scans]
    matches = [merge_matches(image.match for image in images) for images in scans]
    document = with_interval(
        lambda chosen: detection([matches[i] for i in chosen]),
        patients,
        names=DETECTION_METRICS,
        resamples=resamples,
    )
    curves = [[image.froc_match for image in images if image.froc_match] for images in scans]
    if all(curves):
        merged = [merge_matches(images) for images in curves]
        document["sensitivity_at_false_positives_per_scan"] = with_interval(
            lambda chosen: _sensitivities([merged[i] for i in chosen]),
            patients,
            names=[str(rate) for rate in FROC_FALSE_POSITIVES_PER_SCAN],
            resamples=resamples,
        )
    return document


def _sensitivities(scans: Sequence[LesionMatch]) -> NDArray[np.float64]:
    curve = froc(scans)
    return np.array([sensitivity_at(curve, rate) for rate in FROC_FALSE_POSITIVES_PER_SCAN])


def _number(value: float) -> float | None:
    """Turn NaN, which JSON does not have, into None."""
    return None if np.isnan(value) else round(float(value), 6)
