"""Measures of one view that need its counts alone, so that real scans have them too.

Places are given in shares of the body height below the top of the head, as eyes judge them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.number]
Mask = NDArray[np.bool]

SMOOTHING_MM = 4.5
"""Standard deviation of the smoothing before the body is found."""
BODY_SHARE = 0.1
"""A pixel belongs to the body above this share of the median of what is clearly no air."""


class Frame(NamedTuple):
    """Where a body lies: first row, rows from head to toes, column of the middle of the trunk."""

    head_row: int
    height: int
    midline_column: int


def body_mask(counts: Image, pixel_mm: float) -> Mask:
    """Return the largest piece of a view that holds clearly more counts than air."""
    smooth = ndimage.gaussian_filter(counts.astype(float), SMOOTHING_MM / pixel_mm)
    tissue = smooth[smooth > 0.02 * np.percentile(smooth, 99.5)]
    pieces, _ = ndimage.label(smooth > BODY_SHARE * np.median(tissue))
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return pieces == sizes.argmax()


def find_frame(body: Mask) -> Frame:
    """Return where a body lies."""
    rows = np.flatnonzero(body.any(axis=1))
    height = int(rows[-1] - rows[0]) + 1
    trunk = body[rows[0] + height // 4 : rows[0] + height // 2]
    return Frame(int(rows[0]), height, round(float(np.argwhere(trunk)[:, 1].mean())))
