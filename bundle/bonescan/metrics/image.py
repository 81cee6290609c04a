"""Metrics of one image that its confusion does not give, such as a distance between outlines."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

ImageMetric = Callable[[NDArray[np.bool_], NDArray[np.bool_], tuple[float, float]], float]
"""Computes a metric from predicted mask and true mask (row, column) and the (row, column) spacing
in mm; NaN where it is undefined."""

IMAGE_METRICS: Mapping[str, ImageMetric] = {}
"""By name, with the unit if there is one; evaluations write each into all of their tables."""


def measure_image(
    pred_mask: NDArray[np.bool_], truth_mask: NDArray[np.bool_], spacing_mm: tuple[float, float]
) -> dict[str, float]:
    """Compute IMAGE_METRICS of one image.

    Args:
        pred_mask: prediction (row, column).
        truth_mask: truth (row, column).
        spacing_mm: (row, column) pixel spacing.

    Returns:
        Values by name; NaN where undefined.
    """
    return {
        name: float(metric(pred_mask, truth_mask, spacing_mm))
        for name, metric in IMAGE_METRICS.items()
    }
