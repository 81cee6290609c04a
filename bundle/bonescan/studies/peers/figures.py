"""The figures of the table: each system's, and their differences on the same images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonescan.handlers.evaluation import EvaluatedScan
from bonescan.labels import Label
from bonescan.metrics.bootstrap import RESAMPLES
from bonescan.metrics.operating_point import OperatingPoint
from bonescan.metrics.pixel import METRICS, per_image, pooled
from bonescan.report.image_results import (
    FALSE_POSITIVES,
    ImageResult,
    patients_of_units,
    sensitivities_of,
    summarise,
    with_interval,
)

POOLED, PER_IMAGE, SENSITIVITY = "pooled", "per_image", "sensitivity"
DSC = "dsc"


def score_scans(scans: Sequence[EvaluatedScan]) -> list[ImageResult]:
    """Score each image by the system's own rule: the likeliest class, lesions of any area."""
    return [result for scan in scans for result in scan.score(Label.METASTASIS, OperatingPoint())]


def measure_row(results: Sequence[ImageResult], *, resamples: int = RESAMPLES) -> dict[str, Any]:
    """Compute the figures of one row, each with its interval over patients.

    Returns:
        DSC by convention, lesion sensitivity by FALSE_POSITIVES, and `most_false_positives`, where
        the free-response curve ends.
    """
    summary = summarise(results, simulated=True, resamples=resamples)
    froc = summary["froc"]
    return {
        POOLED: summary[POOLED][DSC],
        PER_IMAGE: summary[PER_IMAGE][DSC],
        SENSITIVITY: froc["sensitivity_at"],
        "most_false_positives": max(froc["false_positives"]),
    }


def compare_rows(
    results: Sequence[ImageResult],
    reference: Sequence[ImageResult],
    *,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Compute the difference of two systems' DSC on the same images: first minus reference.

    Returns:
        Difference and its interval over patients, by convention; each draw of patients is the same
        for both.

    Raises:
        ValueError: if the images are not the same in the same order.
    """
    if [each.key for each in results] != [each.key for each in reference]:
        raise ValueError("systems must be scored on the same images to be compared")
    first, second = (np.stack([each.confusion for each in rows]) for rows in (results, reference))

    def difference(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        column = METRICS.index(DSC)
        return np.stack(
            [
                (convention(first, weights) - convention(second, weights))[..., column]
                for convention in (pooled, per_image)
            ],
            axis=-1,
        )

    patients = [each.patient for each in results]
    return with_interval(difference, patients, names=(POOLED, PER_IMAGE), resamples=resamples)


def compare_sensitivities(
    results: Sequence[ImageResult],
    reference: Sequence[ImageResult],
    *,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Compute the difference of two systems' lesion sensitivity, as compare_rows does of the DSC.

    Returns:
        Difference and its interval over patients, by FALSE_POSITIVES.
    """
    first, second = sensitivities_of(results), sensitivities_of(reference)
    return with_interval(
        lambda weights: first(weights) - second(weights),
        patients_of_units(results),
        names=[str(rate) for rate in FALSE_POSITIVES],
        resamples=resamples,
    )
