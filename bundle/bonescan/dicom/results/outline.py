"""The outline of a lesion as image coordinates of DICOM: along the edges of its pixels, exactly."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.labels import EIGHT_NEIGHBOURS

MOST_POINTS = 8000
"""Points of one outline: two floats each, in an element of at most 65534 bytes (PS3.5 7.1.2)."""

_EAST, _SOUTH, _WEST, _NORTH = range(4)
_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""(row, column) of a step along a pixel's edge, clockwise."""


def outline_pixels(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Walk along the outer edge of a mask (row, column), with its pixels on the right hand.

    The corner of the image's first pixel is (0, 0), its centre (0.5, 0.5) (PS3.3 C.18.6.1.2): the
    outline of a mask without holes encloses its area, to the pixel. Holes are not outlined; of
    a mask in several parts the largest is. Outlines of more than MOST_POINTS corners are thinned.

    Returns:
        Corners (point, 2) of column and row; the last is the first again.

    Raises:
        ValueError: if the mask is empty.
    """
    parts, count = ndimage.label(mask, EIGHT_NEIGHBOURS)
    if not count:
        raise ValueError("mask must hold a pixel to be outlined, got an empty one")
    largest = int(np.bincount(parts.ravel())[1:].argmax()) + 1
    box = ndimage.find_objects(parts)[largest - 1]
    corners = _walk(np.pad(parts[box] == largest, 1))
    corners = corners[:: -(-len(corners) // MOST_POINTS)]
    offset = np.array([side.start - 1 for side in box])
    closed = np.concatenate([corners, corners[:1]]) + offset
    return closed[:, ::-1].astype(np.float64)


def _walk(padded: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the corners (row, column) where the outer edge of a component turns.

    Where two pixels touch at a corner only, the walk goes on along the other one: they are one
    component.
    """
    start_row, start_column = map(int, np.argwhere(padded)[0])
    row, column, heading = start_row, start_column, _EAST
    turns: list[tuple[int, int]] = []
    while not turns or (row, column, heading) != (start_row, start_column, _EAST):
        turns.append((row, column))
        row, column = row + _STEPS[heading][0], column + _STEPS[heading][1]
        while not _turns(padded, row, column, heading):
            row, column = row + _STEPS[heading][0], column + _STEPS[heading][1]
        heading = _next_heading(padded, row, column, heading)
    return np.array(turns)


def _ahead(padded: NDArray[np.bool_], row: int, column: int, heading: int) -> tuple[bool, bool]:
    """Return whether the pixels ahead of a corner, left and right of the way, are of the mask."""
    # The four pixels that meet at a corner, clockwise from the upper left one.
    around = (
        padded[row - 1, column - 1],
        padded[row - 1, column],
        padded[row, column],
        padded[row, column - 1],
    )
    return bool(around[(heading + 1) % 4]), bool(around[(heading + 2) % 4])


def _turns(padded: NDArray[np.bool_], row: int, column: int, heading: int) -> bool:
    return _ahead(padded, row, column, heading) != (False, True)


def _next_heading(padded: NDArray[np.bool_], row: int, column: int, heading: int) -> int:
    left, _right = _ahead(padded, row, column, heading)
    return (heading - 1) % 4 if left else (heading + 1) % 4
