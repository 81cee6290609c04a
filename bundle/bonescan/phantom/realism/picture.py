"""Measures of one view that need its counts alone, so that real scans have them too.

Places are given in shares of the body height below the top of the head, as eyes judge them.
"""

from collections.abc import Mapping
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


PARTS: Mapping[str, float] = {
    "head": 0.0,
    "thorax": 0.13,
    "abdomen": 0.33,
    "pelvis": 0.42,
    "thighs": 0.525,
    "knees": 0.675,
    "shanks": 0.745,
}
"""Where a part of the body begins, in shares of its length; the shanks end with the feet."""
QUANTILES = (10, 25, 75, 90, 95)
EDGE_MM = 5.0
"""So near the edge of the field a body counts as cut."""
AIR_MM = 40.0
"""Distance from the body at which its surroundings begin: nearer lies what it scatters."""


def measure_picture(counts: Image, pixel_mm: float) -> dict[str, float]:
    """Return all measures of this module of one view, by name.

    Args:
        counts: of the view (row, column).
        pixel_mm: its pixel size.
    """
    body = body_mask(counts, pixel_mm)
    frame = find_frame(body)
    return {
        **brightness_quantiles(counts, body),
        **part_shares(counts, frame),
        "background, counts per pixel": background(counts, body, pixel_mm),
        "area of the body, cm2": float(body.sum() * pixel_mm**2 / 100),
        "length of the body, mm": frame.height * pixel_mm,
        "width at 0.35 of the length, mm": width(body, frame, 0.35) * pixel_mm,
        "width at 0.6 of the length, mm": width(body, frame, 0.6) * pixel_mm,
        "rows cut by the field, left and right": rows_cut(counts, body, pixel_mm),
    }


def brightness_quantiles(counts: Image, body: Mask) -> dict[str, float]:
    """Return quantiles of the smoothed pixels of the body over their median."""
    smooth = ndimage.gaussian_filter(counts.astype(float), 1.0)[body]
    levels = np.percentile(smooth, QUANTILES) / np.median(smooth)
    return {f"p{q} over median": float(x) for q, x in zip(QUANTILES, levels, strict=True)}


def part_shares(counts: Image, frame: Frame) -> dict[str, float]:
    """Return the percentage of the counts in the rows of each of PARTS."""
    rows = counts.sum(axis=1, dtype=float)
    edges = [frame.head_row + round(first * frame.height) for first in PARTS.values()]
    parts = np.add.reduceat(rows[: frame.head_row + frame.height], edges)
    return {
        f"counts of the {name}, %": float(100 * part / rows.sum())
        for name, part in zip(PARTS, parts, strict=True)
    }


def background(counts: Image, body: Mask, pixel_mm: float) -> float:
    """Return the mean counts beside the body, inside the field; NaN where there is no room."""
    away = ndimage.distance_transform_edt(~body) * pixel_mm > AIR_MM
    room = away & _field(counts)
    return float(counts[room].mean()) if room.any() else float("nan")


def width(body: Mask, frame: Frame, share: float) -> float:
    """Return the pixels of the body in a row, the median of five rows."""
    row = frame.head_row + round(share * frame.height)
    return float(np.median(body[row - 2 : row + 3].sum(axis=1)))


def rows_cut(counts: Image, body: Mask, pixel_mm: float) -> float:
    """Return in how many of the body's rows it reaches an edge of the field.

    Returns:
        The share of rows cut on the left plus that of rows cut on the right: 0 to 2.
    """
    columns = np.flatnonzero(_field(counts).any(axis=0))
    reach = max(round(EDGE_MM / pixel_mm), 1)
    sides = (slice(columns[0], columns[0] + reach), slice(columns[-1] + 1 - reach, columns[-1] + 1))
    cut = sum(np.count_nonzero(body[:, side].any(axis=1)) for side in sides)
    return float(cut / np.count_nonzero(body.any(axis=1)))


def _field(counts: Image) -> Mask:
    """Return the rectangle that holds all counts: beyond it the camera recorded nothing."""
    rows, columns = (np.flatnonzero(counts.any(axis=axis)) for axis in (1, 0))
    field = np.zeros(counts.shape, bool)
    field[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return field
