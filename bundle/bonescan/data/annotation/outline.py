"""Polygons whose rasterisation by Pillow gives back the mask that they were made of, exactly."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.data.annotation.labelme import POLYGON, LabelMeShape
from bonescan.labels import EIGHT_NEIGHBOURS

_STEPS = np.array([(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)])
"""The eight neighbours (row, column), clockwise as seen on the image, from the right one on."""

_PIXEL_CENTRE = 0.5
"""LabelMe shows a polygon through the middle of the pixels on its edge."""


def outline_shapes(mask: NDArray[np.bool_], label: str) -> list[LabelMeShape]:
    """Outline a mask (row, column): one polygon per 8-connected component.

    A polygon has no holes. A component with holes is cut through them into parts without, which
    share a group number, as LabelMe's users do it by hand.

    Returns:
        Shapes numbered from 1, in raster order of the components.
    """
    shapes: list[LabelMeShape] = []
    components, _ = ndimage.label(mask, EIGHT_NEIGHBOURS)
    for number, box in enumerate(ndimage.find_objects(components), start=1):
        parts = list(_parts_without_holes(components[box] == number))
        group = number if len(parts) > 1 else None
        corner = np.array([side.start for side in box])
        for part in parts:
            points = _polygon(trace_edge(part) + corner)
            shapes.append(LabelMeShape(len(shapes) + 1, label, POLYGON, points, group=group))
    return shapes


def trace_edge(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Walk around a mask of one 8-connected component along its outermost pixels.

    Moore-neighbour tracing with Jacob's stopping rule: the walk ends where it would leave its first
    pixel the same way again.

    Returns:
        Pixels (point, 2) of row and column, clockwise, each next to the one before; thin parts are
        walked there and back. One pixel alone is one point.

    Raises:
        ValueError: if the mask is empty.
    """
    if not mask.any():
        raise ValueError("mask must hold a component to walk around, got an empty one")
    padded = np.pad(mask, 1)
    start = np.argwhere(padded)[0]
    # Nothing lies above or to the left of the first pixel in raster order.
    first = here = _next_step(padded, start, 0)
    if first is None or here is None:
        return start[None] - 1
    walk, position = [start], start + _STEPS[first]
    while True:
        here = _next_step(padded, position, (here + (5 if here % 2 else 6)) % 8)
        if here is None or (here == first and (position == start).all()):
            return np.array(walk) - 1
        walk.append(position)
        position = position + _STEPS[here]


def _next_step(padded: NDArray[np.bool_], position: NDArray[np.int64], first: int) -> int | None:
    """Return the first step, clockwise from one, that stays on the mask; None off a lone pixel."""
    for turn in range(8):
        step = (first + turn) % 8
        if padded[tuple(position + _STEPS[step])]:
            return step
    return None


def _parts_without_holes(component: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """Cut a component along the topmost rows of its holes until no part has any."""
    holes = ndimage.binary_fill_holes(component) & ~component
    if not holes.any():
        yield component
        return
    row = int(np.argwhere(holes)[0, 0])
    for rows in (slice(None, row), slice(row, None)):
        half = np.zeros_like(component)
        half[rows] = component[rows]
        parts, count = ndimage.label(half, EIGHT_NEIGHBOURS)
        for number in range(1, count + 1):
            yield from _parts_without_holes(parts == number)


def _polygon(walk: NDArray[np.int64]) -> NDArray[np.float64]:
    """Keep the corners of a walk, as (x, y); LabelMe wants three points of the smallest, too."""
    if len(walk) > 2:
        steps = np.roll(walk, -1, axis=0) - walk
        walk = walk[(steps != np.roll(steps, 1, axis=0)).any(axis=1)]
    missing = max(0, 3 - len(walk))
    walk = np.concatenate([walk, np.repeat(walk[:1], missing, axis=0)])
    return walk[:, ::-1].astype(np.float64) + _PIXEL_CENTRE
