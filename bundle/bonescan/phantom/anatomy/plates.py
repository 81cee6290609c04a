"""Thin curved bones as implicit shapes: shoulder blade, iliac wing, breastbone, sacrum."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bonescan.phantom.anatomy.shapes import Array, Coordinates, Shape, smooth_path, unit

TABLE_MARGIN_MM = 14.0
"""How far outside a plate its outline is known: more than any cover and the fading edge."""
LEAST_THICKNESS_MM = 2.0
"""Of a plate that tapers."""


@dataclass(frozen=True)
class Plate:
    """A thin curved bone: a smooth outline in its own plane, bulged out of it.

    Attributes:
        centre: origin of the plane in mm.
        axes: rows are the unit vectors u, v (in the plane) and w (out of it).
        outline: (n, 2) polygon of (u, v) in mm.
        bulge: (c0, u, v, uu, uv, vv): height of the middle surface along w in mm.
        thickness_mm: at the middle of the plate.
        rim_mm: thickness added at the outline.
        rim_width_mm: how far the thicker rim reaches inwards.
        taper: thickness added per mm along u and along v.
    """

    centre: NDArray[np.float64]
    axes: NDArray[np.float64]
    outline: NDArray[np.float64]
    bulge: tuple[float, float, float, float, float, float]
    thickness_mm: float
    rim_mm: float = 0.0
    rim_width_mm: float = 6.0
    taper: tuple[float, float] = (0.0, 0.0)

    def parts(self) -> Sequence[Shape]:
        """Return the plate itself."""
        return (self,)

    def _height(self, u: ArrayLike, v: ArrayLike) -> NDArray[np.float32]:
        c, cu, cv, cuu, cuv, cvv = (np.float32(value) for value in self.bulge)
        u, v = np.asarray(u, dtype=np.float32), np.asarray(v, dtype=np.float32)
        return c + cu * u + cv * v + cuu * u * u + cuv * u * v + cvv * v * v

    def point(self, u: float, v: float) -> NDArray[np.float64]:
        """Return a point of the middle surface in mm."""
        height = float(self._height(u, v))
        return self.centre + u * self.axes[0] + v * self.axes[1] + height * self.axes[2]

    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lowest and the highest corner in mm."""
        rim = np.concatenate([self.outline, self.outline * 0.5, self.outline[:1] * 0])
        height = self._height(rim[:, 0], rim[:, 1])[:, None]
        points = self.centre + np.hstack([rim, height]) @ self.axes
        reach = (self.thickness_mm + self.rim_mm) / 2
        return points.min(0) - reach, points.max(0) + reach

    def distance(self, coordinates: Coordinates) -> Array:
        """Return the signed distance in mm."""
        offset = [c - np.float32(s) for c, s in zip(coordinates, self.centre, strict=True)]
        u, v, w = (
            offset[0] * np.float32(a) + offset[1] * np.float32(b) + offset[2] * np.float32(c)
            for a, b, c in self.axes
        )
        border = self._border_mm(u, v)
        inward = np.exp(np.minimum(border, 0) / np.float32(self.rim_width_mm))
        thickness = np.float32(self.thickness_mm) + inward * np.float32(self.rim_mm)
        if any(self.taper):
            thickness += u * np.float32(self.taper[0]) + v * np.float32(self.taper[1])
            np.maximum(thickness, np.float32(LEAST_THICKNESS_MM), out=thickness)
        return np.maximum(border, np.abs(w - self._height(u, v)) - thickness / 2)

    def _border_mm(self, u: Array, v: Array) -> Array:
        """Look up the signed distance to the outline in the plane, to half a millimetre."""
        first, table = self._border_table
        place = [
            np.clip(x - np.float32(low - 0.5), 0, size - 1).astype(np.intp)
            for x, low, size in zip((u, v), first, table.shape, strict=True)
        ]
        return table[place[0], place[1]]

    @cached_property
    def _border_table(self) -> tuple[NDArray[np.float64], Array]:
        """The first corner of a 1 mm grid in the plane, and the signed distance on it."""
        first = np.floor(self.outline.min(axis=0)) - TABLE_MARGIN_MM
        last = np.ceil(self.outline.max(axis=0)) + TABLE_MARGIN_MM
        u, v = (np.arange(a, b + 1, dtype=np.float32) for a, b in zip(first, last, strict=True))
        return first, polygon_distance(*np.meshgrid(u, v, indexing="ij"), self.outline)


def strip(
    start: ArrayLike,
    end: ArrayLike,
    backward: ArrayLike,
    profile: ArrayLike,
    *,
    thickness_mm: float,
    rim_mm: float = 0.0,
    bulge_mm: float = 0.0,
    taper: float = 0.0,
) -> Plate:
    """Return a symmetric plate along a line: a breastbone or a sacrum.

    Args:
        start: upper end of its middle line in mm.
        end: lower end.
        backward: direction out of the plate, as far as it is not along the line.
        profile: (n, 2) half breadths in mm: share 0..1 of the line, half breadth.
        thickness_mm: of the plate.
        rim_mm: thickness added at its border, negative for a bevelled one.
        bulge_mm: how far the middle of the line bends backwards.
        taper: thickness added per mm along the line.
    """
    start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    length = float(np.linalg.norm(end - start))
    u = unit(end - start)
    w = unit(np.asarray(backward, dtype=float) - (np.asarray(backward, dtype=float) @ u) * u)
    half = np.asarray(profile, dtype=float) * (length, 1.0)
    outline = smooth_path(np.concatenate([half, half[::-1] * (1.0, -1.0)]), 28, closed=True)
    bend = 4 * bulge_mm / length
    bulge = (0.0, bend, 0.0, -bend / length, 0.0, 0.0)
    axes = np.array([u, np.cross(w, u), w])
    return Plate(start, axes, outline, bulge, thickness_mm, rim_mm, 8.0, (taper, 0.0))


def polygon_distance(u: Array, v: Array, polygon: NDArray[np.float64]) -> Array:
    """Return the signed distance to a polygon's border, negative inside.

    Args:
        u: first coordinate of the points, any shape.
        v: second coordinate, of the same shape.
        polygon: (n, 2) corners in order, either way round.
    """
    nearest = np.full(u.shape, np.inf, np.float32)
    inside = np.zeros(u.shape, bool)
    for (u0, v0), (u1, v1) in zip(
        polygon.tolist(), np.roll(polygon, -1, axis=0).tolist(), strict=True
    ):
        du, dv = u1 - u0, v1 - v0
        pu, pv = u - np.float32(u0), v - np.float32(v0)
        length2 = du * du + dv * dv + 1e-9
        along = np.clip(pu * np.float32(du / length2) + pv * np.float32(dv / length2), 0, 1)
        away = (pu - along * np.float32(du)) ** 2 + (pv - along * np.float32(dv)) ** 2
        np.minimum(nearest, away, out=nearest)
        crosses = (pv < 0) != (v < np.float32(v1))
        inside ^= crosses & ((pu * np.float32(dv) < pv * np.float32(du)) == (dv > 0))
    return np.where(inside, -np.sqrt(nearest), np.sqrt(nearest))
