"""A drawn body for the transforms, and the landmarks of a thorax."""

import numpy as np

from bonescan.transforms.landmarks import ThoraxLandmarks
from tests.factories import SPACING_MM

LANDMARKS = ThoraxLandmarks(
    head_row=0,
    foot_row=9,
    neck_row=1,
    shoulder_row=2,
    leg_row=7,
    midline_column=3,
    row_start=2,
    row_stop=5,
    column_start=1,
    column_stop=6,
)
"""Of an image of 10 rows and 8 columns."""


def draw_body(spacing_mm: tuple[float, float] = SPACING_MM) -> np.ndarray:
    """Draw a whole-body scan (1024, 300) of counts: head, neck, trunk, arms and legs as boxes.

    In mm from the top of the head: neck 190 to 230, shoulders 230, legs part at 880, length 1700.
    The body lies 150 mm below the first row and 10 mm left of the middle of the image.
    """
    row_mm, column_mm = spacing_mm
    counts = np.zeros((1024, 300), dtype=np.float32)
    row = (np.arange(1024) * row_mm - 150.0)[:, None]
    column = (np.arange(300) * column_mm - 290.0 + 15.0)[None, :]
    parts = [  # top, bottom, left, right in mm, counts
        (0, 190, -75, 75, 9.0),
        (190, 230, -45, 45, 7.0),
        (230, 880, -170, 170, 11.0),
        (260, 900, -245, -195, 6.0),
        (260, 900, 195, 245, 6.0),
        (240, 290, -245, 245, 8.0),
        (880, 1700, -125, -20, 5.0),
        (880, 1700, 20, 125, 5.0),
    ]
    for top, bottom, left, right, level in parts:
        inside = (row >= top) & (row < bottom) & (column >= left) & (column < right)
        counts[inside] = level
    return counts
