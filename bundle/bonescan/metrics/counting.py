"""Counting against thresholds."""

import numpy as np
from numpy.typing import NDArray


def count_at_least(values: NDArray[np.floating], thresholds: NDArray[np.floating]) -> NDArray:
    """Count for each threshold the values that are equal to it or greater.

    Args:
        values: (value,), in any order.
        thresholds: (threshold,), in any order.

    Returns:
        int64 counts of shape (threshold,).
    """
    return len(values) - np.searchsorted(np.sort(values), thresholds, side="left")
