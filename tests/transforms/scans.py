"""A drawn body for the transforms, and the landmarks of a thorax."""

import numpy as np
from scipy import ndimage

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


def _arms_up(counts):
    raised = counts.copy()
    raised[20:200, 15:40] = raised[20:200, 255:280] = 6
    raised[150:200, 15:280] = 8
    return raised


REFUSED = {
    "empty": (lambda c: c * 0, "must show a body, got no counts that stand out"),
    "flat": (lambda c: c * 0 + 3, "must show a body, got no counts that stand out"),
    "to the hips": (lambda c: c[:440], r"1100 to 2300 mm from head to toes, got 88\d mm"),
    "to the thighs": (lambda c: c[:570], "legs below, got .*a scan without legs"),
    "upside down": (lambda c: c[::-1], "head up .* upside down"),
    "without head": (lambda c: c[165:], "head alone .*got .*no head"),
    "arms up": (_arms_up, "head alone above the shoulders, got .*arms above the head"),
    "two bodies": (lambda c: np.hstack([c, c]), "must show one body, got two side by side"),
    "turned": (
        lambda c: ndimage.rotate(np.pad(c, ((0, 0), (80, 80))), 15, reshape=False, order=1),
        r"within 10 degrees\), got one turned by -?1\d degrees",
    ),
    "lying across": (lambda c: c[:, :].T, "1100 to 2300 mm .* a patient lying across"),
}
"""By name: what spoils a drawn body, and what the refusal says."""
