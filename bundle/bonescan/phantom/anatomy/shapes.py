"""Implicit shapes in millimetres and their soft-edged rasterisation on a grid.

Points are (row, depth, column) in mm from the corner of the grid. Distances are signed, negative
inside, and exact or of first order near the surface.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bonescan.phantom.anatomy.voxels import Point, VoxelBlock

Array = NDArray[np.floating]
Vector = NDArray[np.float64]
"""One (3,) or several (n, 3) points or directions in mm."""
Coordinates = tuple[Array, Array, Array]
Slices = tuple[slice, slice, slice]


class Shape(Protocol):
    """Something with an extent and a signed distance."""

    def parts(self) -> Sequence["Shape"]:
        """Return the pieces that are worth rasterising apart; their union is the shape."""

    def bounds(self) -> tuple[Vector, Vector]:
        """Return the lowest and the highest corner in mm."""

    def distance(self, coordinates: Coordinates) -> Array:
        """Return the signed distance in mm at open-mesh coordinates in mm."""


@dataclass(frozen=True)
class VoxelGrid:
    """The voxels of the whole grid: rows, depths, columns, and the size of one in mm."""

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]

    @property
    def edge_mm(self) -> float:
        """Largest width over which a surface fades: the voxel's longest side."""
        return max(self.spacing_mm)

    @cached_property
    def centres_mm(self) -> tuple[Array, Array, Array]:
        """The voxels' centres along each axis."""
        row, depth, column = (
            ((np.arange(count) + 0.5) * size).astype(np.float32)
            for count, size in zip(self.shape, self.spacing_mm, strict=True)
        )
        return row, depth, column

    def slices(self, bounds_mm: tuple[Vector, Vector], margin_mm: float = 0.0) -> Slices:
        """Return the voxels that hold an extent, a margin and the fading edge, cut to the grid."""
        reach = self.edge_mm / 2 + margin_mm
        low, high = (corner.tolist() for corner in bounds_mm)
        cut = []
        for axis, size in enumerate(self.shape):
            spacing = self.spacing_mm[axis]
            first = min(max(floor((low[axis] - reach) / spacing), 0), size - 1)
            last = min(ceil((high[axis] + reach) / spacing), size)
            cut.append(slice(first, max(last, first + 1)))
        return cut[0], cut[1], cut[2]

    def coordinates(self, slices: Slices) -> Coordinates:
        """Return the voxel centres of a block in mm as an open mesh."""
        row, depth, column = (
            centres[part] for centres, part in zip(self.centres_mm, slices, strict=True)
        )
        return row[:, None, None], depth[None, :, None], column[None, None, :]

    def to_voxel(self, point_mm: ArrayLike) -> Point:
        """Return a point in mm as voxel indices (voxel i has its centre at i)."""
        row, depth, column = (np.asarray(point_mm) / np.asarray(self.spacing_mm) - 0.5).tolist()
        return row, depth, column


def to_fraction(grid: VoxelGrid, distance_mm: Array) -> Array:
    """Return the share 0..1 of each voxel that is inside, from its centre's signed distance.

    A surface fades over the voxel's size across it: voxels are longer along depth, so that what
    the camera sees edge-on stays sharp.

    Args:
        grid: the voxels.
        distance_mm: of a block of them, (row, depth, column).
    """
    row_mm, depth_mm, _ = grid.spacing_mm
    _, depths, columns = distance_mm.shape
    fraction = (distance_mm < 0).astype(np.float32)
    flat = distance_mm.ravel()
    near = np.flatnonzero(np.abs(flat) < np.float32(grid.edge_mm / 2))
    depth = near // columns % depths
    before, behind = depth > 0, depth < depths - 1
    rise = flat[near + columns * behind] - flat[near - columns * before]
    slope = rise / (np.float32(depth_mm) * np.maximum(before.astype(np.float32) + behind, 1))
    squared = row_mm**2 + np.float32(depth_mm**2 - row_mm**2) * np.minimum(slope**2, 1)
    fraction.ravel()[near] = (0.5 - flat[near] / np.sqrt(squared)).clip(0, 1)
    return fraction


def union_distance(
    grid: VoxelGrid, shapes: Sequence[Shape], margin_mm: float = 0.0
) -> tuple[Slices, Array]:
    """Return the voxels that hold a union of shapes, and their signed distance to it in mm.

    Distances are right up to the margin and the fading edge; beyond them they are only large
    enough.
    """
    parts = [part for shape in shapes for part in shape.parts()]
    pieces = [grid.slices(part.bounds(), margin_mm) for part in parts]
    row, depth, column = (
        slice(min(piece[axis].start for piece in pieces), max(piece[axis].stop for piece in pieces))
        for axis in range(3)
    )
    size = (row.stop - row.start, depth.stop - depth.start, column.stop - column.start)
    distance = np.full(size, margin_mm + grid.edge_mm, np.float32)
    for part, piece in zip(parts, pieces, strict=True):
        inner = tuple(
            slice(s.start - whole.start, s.stop - whole.start)
            for s, whole in zip(piece, (row, depth, column), strict=True)
        )
        view = distance[inner]
        np.minimum(view, part.distance(grid.coordinates(piece)), out=view)
    return (row, depth, column), distance


def rasterise(
    grid: VoxelGrid,
    shapes: Sequence[Shape],
    *,
    without: Sequence[Shape] = (),
    grown_mm: float = 0.0,
) -> VoxelBlock:
    """Return the union of shapes, without the union of others, as a fraction of each voxel.

    A shape outside the grid leaves one empty voxel at the nearest border.

    Args:
        grid: the voxels.
        shapes: what to draw, as one union.
        without: what to cut out of it.
        grown_mm: by how much the shapes grow before.
    """
    slices, distance = union_distance(grid, shapes, grown_mm)
    row, depth, column = (part.start for part in slices)
    distance -= np.float32(grown_mm)
    for shape in without:
        np.maximum(distance, -shape.distance(grid.coordinates(slices)), out=distance)
    return trim(VoxelBlock((row, depth, column), to_fraction(grid, distance)))


def trim(block: VoxelBlock) -> VoxelBlock:
    """Return a block without its empty borders; of an empty block, one voxel."""
    start, filled = [], []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        used = np.flatnonzero(block.fraction.any(axis=others))
        first, last = (int(used[0]), int(used[-1])) if used.size else (0, 0)
        start.append(block.start[axis] + first)
        filled.append(slice(first, last + 1))
    row, depth, column = start
    return VoxelBlock((row, depth, column), np.ascontiguousarray(block.fraction[tuple(filled)]))


def unit(vector: ArrayLike) -> Vector:
    """Return a vector scaled to length one."""
    vector = np.asarray(vector, dtype=float)
    return vector / np.linalg.norm(vector)


@dataclass(frozen=True)
class Segment:
    """A tapering rod with round ends, flattened along one direction.

    Attributes:
        start: one end in mm.
        end: the other end in mm.
        radius_start: radius in mm across the flattened direction.
        radius_end: the same at the other end.
        flat: unit vector along which the section is thinner.
        flatness: long over short axis of the section, 1 for a round rod.
    """

    start: Vector
    end: Vector
    radius_start: float
    radius_end: float
    flat: Vector | None = None
    flatness: float = 1.0

    def parts(self) -> Sequence[Shape]:
        """Return the rod itself."""
        return (self,)

    def bounds(self) -> tuple[Vector, Vector]:
        """Return the lowest and the highest corner in mm."""
        reach = max(self.radius_start, self.radius_end)
        return np.minimum(self.start, self.end) - reach, np.maximum(self.start, self.end) + reach

    def distance(self, coordinates: Coordinates) -> Array:
        """Return the signed distance in mm."""
        axis = self.end - self.start
        length2 = float(axis @ axis) + 1e-9
        offset = [c - np.float32(s) for c, s in zip(coordinates, self.start, strict=True)]
        projected = _dot(offset, axis)
        along = np.clip(projected * np.float32(1 / length2), 0, 1)
        squared = (offset[0] ** 2 + offset[1] ** 2) + offset[2] ** 2
        squared -= along * (2 * projected - along * np.float32(length2))
        # Rounding may leave a little less than nothing on the axis.
        away = np.sqrt(np.maximum(squared, np.float32(1e-3), out=squared))
        radius = along * np.float32(self.radius_end - self.radius_start)
        radius += np.float32(self.radius_start)
        if self.flat is None or self.flatness == 1:
            return away - radius
        across = _dot(offset, self.flat) - along * np.float32(axis @ self.flat)
        stretched = squared + np.float32(self.flatness**2 - 1) * across**2
        return away * (1 - radius / np.sqrt(stretched))


def _dot(offset: Sequence[Array], direction: Vector) -> Array:
    """Return how far points of an open mesh lie along a direction."""
    row, depth, column = (o * np.float32(d) for o, d in zip(offset, direction, strict=True))
    return (row + depth) + column


@dataclass(frozen=True)
class Tube:
    """A rod swept along a polyline.

    Attributes:
        path: (n, 3) points in mm.
        radius: in mm, one or one per point.
        flat: direction along which the section is thinner, one or one per point.
        flatness: long over short axis of the section, one or one per point.
    """

    path: Vector
    radius: ArrayLike
    flat: ArrayLike | None = None
    flatness: ArrayLike = 1.0

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The rods between neighbouring points."""
        path = np.asarray(self.path, dtype=float)
        radius = np.broadcast_to(np.asarray(self.radius, dtype=float), len(path)).tolist()
        ratio = np.broadcast_to(np.asarray(self.flatness, dtype=float), len(path))
        ratio = ((ratio[:-1] + ratio[1:]) / 2).tolist()
        flats: list[NDArray[np.float64] | None] = [None] * len(path)
        if self.flat is not None:
            flats = [unit(f) for f in np.broadcast_to(np.asarray(self.flat, float), path.shape)]
        return tuple(
            Segment(path[i], path[i + 1], radius[i], radius[i + 1], flats[i], ratio[i])
            for i in range(len(path) - 1)
        )

    def parts(self) -> Sequence[Shape]:
        """Return the rods between neighbouring points."""
        return self.segments

    def bounds(self) -> tuple[Vector, Vector]:
        """Return the lowest and the highest corner in mm."""
        bounds = [segment.bounds() for segment in self.segments]
        return np.min([b[0] for b in bounds], axis=0), np.max([b[1] for b in bounds], axis=0)

    def distance(self, coordinates: Coordinates) -> Array:
        """Return the signed distance in mm."""
        return np.minimum.reduce([segment.distance(coordinates) for segment in self.segments])


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid, or with `power` 4 a rounded block.

    Attributes:
        centre: its centre in mm.
        radii: half axes in mm.
        axes: rows are the unit vectors of the half axes; None for row, depth, column.
        power: exponent of the superellipsoid: 2 or 4.
    """

    centre: ArrayLike
    radii: ArrayLike
    axes: Vector | None = None
    power: int = 2

    @cached_property
    def frame(self) -> Vector:
        """Unit vectors of the half axes, one per row."""
        return np.eye(3) if self.axes is None else self.axes

    def parts(self) -> Sequence[Shape]:
        """Return the ellipsoid itself."""
        return (self,)

    def bounds(self) -> tuple[Vector, Vector]:
        """Return the lowest and the highest corner in mm."""
        radii = np.asarray(self.radii, dtype=float)
        spread = np.abs(self.frame) * radii[:, None]
        reach = np.sqrt((spread**2).sum(0)) if self.power == 2 else spread.sum(0)
        centre = np.asarray(self.centre, dtype=float)
        return centre - reach, centre + reach

    def distance(self, coordinates: Coordinates) -> Array:
        """Return the signed distance in mm, measured along the ray from the centre."""
        centre = np.asarray(self.centre, dtype=float)
        radii = np.asarray(self.radii, dtype=float)
        offset = [c - np.float32(s) for c, s in zip(coordinates, centre, strict=True)]
        scaled = []
        for axis, radius in zip(self.frame, radii, strict=True):
            terms = [
                o * np.float32(a / radius) for o, a in zip(offset, axis, strict=True) if a != 0
            ]
            scaled.append(sum(terms[1:], terms[0]) ** 2)
        length = np.sqrt(sum(o**2 for o in offset) + np.float32((1e-3 * radii.min()) ** 2))
        if self.power == 2:
            level = np.sqrt(sum(scaled) + np.float32(1e-6))
        else:
            level = np.sqrt(np.sqrt(sum(s**2 for s in scaled) + np.float32(1e-12)))
        return length - length / level


@dataclass(frozen=True)
class LocalFrame:
    """A joint or a bone's middle, and the directions in which the bone around it is described.

    Attributes:
        origin: in mm of the grid.
        axes: unit vectors, one per row.
        scale: size over that of the reference man, whose mm the offsets and radii are in.
    """

    origin: Vector
    axes: Vector
    scale: float

    def points(self, *offsets: ArrayLike) -> Vector:
        """Return points (n, 3) in mm of the grid from their offsets along the axes."""
        return self.origin + np.array(offsets, dtype=float) * self.scale @ self.axes

    def point(self, offset: ArrayLike) -> Vector:
        """Return one point (3,), see `points`."""
        return self.points(offset)[0]

    def ellipsoid(self, centre: ArrayLike, radii: ArrayLike, power: int = 2) -> Ellipsoid:
        """Return an ellipsoid along the axes, see `Ellipsoid`."""
        return Ellipsoid(self.point(centre), np.asarray(radii) * self.scale, self.axes, power)

    def tube(self, offsets: Sequence[ArrayLike] | Vector, radii: ArrayLike) -> Tube:
        """Return a round rod through points, with one radius or one per point."""
        return Tube(self.points(*offsets), np.asarray(radii) * self.scale)


def smooth_path(knots: ArrayLike, number: int, *, closed: bool = False) -> Vector:
    """Return `number` points, evenly by parameter, of a Catmull-Rom curve through knots (n, d)."""
    knots = np.asarray(knots, dtype=float)
    if closed:
        padded = np.concatenate([knots[-1:], knots, knots[:2]])
        spans = len(knots)
        parameter = np.arange(number) * spans / number
    else:
        padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
        spans = len(knots) - 1
        parameter = np.linspace(0, spans, number)
    index = np.minimum(parameter.astype(int), spans - 1)
    t = (parameter - index)[:, None]
    a, b, c, d = (padded[index + shift] for shift in range(4))
    return 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
