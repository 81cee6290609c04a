"""Implicit shapes in millimetres and their soft-edged rasterisation on a grid.

Points are (row, depth, column) in mm from the corner of the grid. Distances are signed, negative
inside, and exact or of first order near the surface.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, Self

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
        """Width over which a surface fades: the voxel's longest side."""
        return max(self.spacing_mm)

    def slices(self, bounds_mm: tuple[Vector, Vector], margin_mm: float = 0.0) -> Slices:
        """Return the voxels that hold an extent, a margin and the fading edge, cut to the grid."""
        spacing = np.asarray(self.spacing_mm)
        reach = self.edge_mm / 2 + margin_mm
        first = np.floor((bounds_mm[0] - reach) / spacing).astype(int)
        last = np.ceil((bounds_mm[1] + reach) / spacing).astype(int)
        row, depth, column = (
            slice(min(max(a, 0), size - 1), max(min(b, size), min(max(a, 0), size - 1) + 1))
            for a, b, size in zip(first.tolist(), last.tolist(), self.shape, strict=True)
        )
        return row, depth, column

    def coordinates(self, slices: Slices) -> Coordinates:
        """Return the voxel centres of a block in mm as an open mesh."""
        row, depth, column = (
            ((np.arange(part.start, part.stop) + 0.5) * size).astype(np.float32)
            for part, size in zip(slices, self.spacing_mm, strict=True)
        )
        return row[:, None, None], depth[None, :, None], column[None, None, :]

    def to_voxel(self, point_mm: ArrayLike) -> Point:
        """Return a point in mm as voxel indices (voxel i has its centre at i)."""
        row, depth, column = (np.asarray(point_mm) / np.asarray(self.spacing_mm) - 0.5).tolist()
        return row, depth, column


def to_fraction(distance_mm: Array, edge_mm: float) -> Array:
    """Return the share 0..1 of a voxel that is inside, from the signed distance of its centre."""
    return np.clip(0.5 - distance_mm / np.float32(edge_mm), 0, 1, dtype=np.float32)


def union_distance(
    grid: VoxelGrid, shapes: Sequence[Shape], margin_mm: float = 0.0
) -> tuple[Slices, Array]:
    """Return the voxels that hold a union of shapes, and their signed distance to it in mm.

    Distances are right up to the margin and the fading edge; beyond them they are only large
    enough.
    """
    bounds = [shape.bounds() for shape in shapes]
    lower = np.min([low for low, _ in bounds], axis=0)
    upper = np.max([high for _, high in bounds], axis=0)
    slices = grid.slices((lower, upper), margin_mm)
    start = [part.start for part in slices]
    size = [part.stop - part.start for part in slices]
    distance = np.full(size, margin_mm + grid.edge_mm, np.float32)
    for part in (piece for shape in shapes for piece in shape.parts()):
        inner = grid.slices(part.bounds(), margin_mm)
        row, depth, column = (
            slice(s.start - first, s.stop - first) for s, first in zip(inner, start, strict=True)
        )
        view = distance[row, depth, column]
        np.minimum(view, part.distance(grid.coordinates(inner)), out=view)
    return slices, distance


def rasterise(
    grid: VoxelGrid, shapes: Sequence[Shape], *, without: Sequence[Shape] = ()
) -> VoxelBlock:
    """Return the union of shapes, without the union of others, as a fraction of each voxel.

    A shape outside the grid leaves one empty voxel at the nearest border.
    """
    return rasterise_with_cover(grid, shapes, without=without)[0]


def rasterise_with_cover(
    grid: VoxelGrid,
    shapes: Sequence[Shape],
    *,
    without: Sequence[Shape] = (),
    cover_mm: float = 0.0,
) -> tuple[VoxelBlock, VoxelBlock]:
    """Return shapes as a fraction of each voxel, and the same shapes grown by a cover.

    Args:
        grid: the voxels.
        shapes: what to draw, as one union.
        without: what to cut out of it, but not out of the grown one.
        cover_mm: by how much the shapes grow.
    """
    slices, distance = union_distance(grid, shapes, cover_mm)
    row, depth, column = (part.start for part in slices)
    grown = VoxelBlock(
        (row, depth, column), to_fraction(distance - np.float32(cover_mm), grid.edge_mm)
    )
    for shape in without:
        np.maximum(distance, -shape.distance(grid.coordinates(slices)), out=distance)
    return trim(VoxelBlock(grown.start, to_fraction(distance, grid.edge_mm))), grown


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
        along = sum(o * np.float32(a / length2) for o, a in zip(offset, axis, strict=True))
        along = np.clip(along, 0, 1)
        away = [o - along * np.float32(a) for o, a in zip(offset, axis, strict=True)]
        squared = away[0] ** 2 + away[1] ** 2 + away[2] ** 2 + np.float32(1e-3)
        radius = np.float32(self.radius_start) + along * np.float32(
            self.radius_end - self.radius_start
        )
        if self.flat is None or self.flatness == 1:
            return np.sqrt(squared) - radius
        across = sum(w * np.float32(f) for w, f in zip(away, self.flat, strict=True))
        stretched = squared + np.float32(self.flatness**2 - 1) * across**2
        return np.sqrt(squared) - radius * np.sqrt(squared / stretched)


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

    def ellipsoid(self, centre: ArrayLike, radii: ArrayLike) -> Ellipsoid:
        """Return an ellipsoid along the axes."""
        return Ellipsoid(self.point(centre), np.asarray(radii) * self.scale, self.axes)

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


@dataclass(frozen=True)
class BoneShape:
    """One bone before it is rasterised.

    Attributes:
        name: of the bone.
        region: of `bonescan.labels.REGIONS`.
        shapes: their union is the bone.
        without: what is cut out of it.
        cover_mm: least thickness of the soft tissue over it; 0 leaves that to the body's outline.
    """

    name: str
    region: str
    shapes: Sequence[Shape]
    without: Sequence[Shape] = field(default=(), kw_only=True)
    cover_mm: float = field(default=0.0, kw_only=True)

    @classmethod
    def paired(cls, name: str, side: str, shapes: Sequence[Shape], *, cover_mm: float) -> Self:
        """Return a bone of one side that is all of its region, such as ``femur_left``."""
        return cls(f"{name}_{side}", f"{name}_{side}", shapes, cover_mm=cover_mm)
