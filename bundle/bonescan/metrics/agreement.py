"""Agreement of two annotators, neither of whom is the truth."""

import numpy as np
from numpy.typing import NDArray


def cohen_kappa(counts: NDArray) -> NDArray[np.float64]:
    """Compute Cohen's kappa (1960): agreement beyond what chance gives, per pixel.

    Args:
        counts: TP, FP, FN, TN of one annotator against the other along the last axis, (..., 4).

    Returns:
        Kappa in -1..1, shape (...); 1 where both marked all or both nothing.
    """
    both, first, second, neither = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    total = both + first + second + neither
    observed = (both + neither) / total
    marked = (both + first) * (both + second) / total**2
    unmarked = (second + neither) * (first + neither) / total**2
    beyond = 1 - marked - unmarked
    return np.where(beyond > 0, (observed - 1 + beyond) / np.where(beyond > 0, beyond, 1), 1.0)
