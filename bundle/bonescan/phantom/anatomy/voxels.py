"""A body as voxels on the detector's grid: what the anatomy makes and the camera reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bonescan.phantom.anatomy.person import Person

Slices = tuple[slice, slice, slice]
Point = tuple[float, float, float]
"""(row, depth, column) in voxels; voxel i has its centre at i."""
UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
"""Axes of an ellipsoid along row, depth and column."""


def midway(first: Point, second: Point, share: float = 0.5) -> Point:
    """Return the point at a share of the way from one point to another."""
    row, depth, column = (a + share * (b - a) for a, b in zip(first, second, strict=True))
    return row, depth, column


@dataclass(frozen=True)
class VoxelBlock:
    """The part of the grid that holds one structure.

    Attributes:
        start: row, depth and column of the first voxel, always inside the grid.
        fraction: share 0..1 of each voxel that is this structure, float32 (rows, depths, columns).
    """

    start: tuple[int, int, int]
    fraction: NDArray[np.float32]

    @property
    def slices(self) -> Slices:
        """Where the block lies in an array of the whole grid."""
        row, depth, column = (
            slice(first, first + size)
            for first, size in zip(self.start, self.fraction.shape, strict=True)
        )
        return row, depth, column

    def meets(self, other: "VoxelBlock") -> bool:
        """Return whether another block shares a voxel with this one."""
        places = (self.start, self.fraction.shape, other.start, other.fraction.shape)
        return all(
            first < start + length and start < first + size
            for first, size, start, length in zip(*places, strict=True)
        )

    def within(self, other: "VoxelBlock") -> NDArray[np.float32]:
        """Return the share 0..1 of each voxel of another block that is this structure."""
        shares = np.zeros_like(other.fraction)
        here, there = [], []
        for mine, theirs in zip(self.slices, other.slices, strict=True):
            first = max(mine.start, theirs.start)
            last = max(min(mine.stop, theirs.stop), first)
            here.append(slice(first - mine.start, last - mine.start))
            there.append(slice(first - theirs.start, last - theirs.start))
        shares[tuple(there)] = self.fraction[tuple(here)]
        return shares


def union(blocks: Sequence[VoxelBlock]) -> VoxelBlock | None:
    """Return the union of blocks, the higher value where they overlap; None of none."""
    if len(blocks) < 2:
        return blocks[0] if blocks else None
    low = np.min([block.start for block in blocks], axis=0)
    high = np.max([np.add(block.start, block.fraction.shape) for block in blocks], axis=0)
    whole = VoxelBlock((int(low[0]), int(low[1]), int(low[2])), np.zeros(high - low, np.float32))
    for block in blocks:
        np.maximum(whole.fraction, block.within(whole), out=whole.fraction)
    return whole


def halved(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Return values on voxels half as long along an axis, linear between the old centres."""
    size = values.shape
    halves = np.empty((*size[: axis + 1], 2, *size[axis + 1 :]), np.float32)
    new, old = np.moveaxis(halves, (axis, axis + 1), (0, 1)), np.moveaxis(values, axis, 0)
    step = np.float32(0.25) * np.diff(old, axis=0)
    new[0, 0], new[-1, 1] = old[0], old[-1]
    np.add(old[:-1], step, out=new[:-1, 1])
    np.subtract(old[1:], step, out=new[1:, 0])
    return halves.reshape(*size[:axis], 2 * size[axis], *size[axis + 1 :])


@dataclass(frozen=True)
class CoarseVolume:
    """Something smooth, known on rows and columns twice as large as the grid's.

    Attributes:
        values: (rows / 2, depths, columns / 2), rounded up; of any float type, also on disk.
    """

    values: NDArray[np.floating]

    def cut(self, slices: Slices) -> NDArray[np.float32]:
        """Return a part of the grid, float32, linear between the centres of the coarse voxels.

        Args:
            slices: rows, depths and columns of the grid, with start and stop.
        """
        rows, depths, columns = slices
        part = self.values[:, depths]
        for axis, wanted in ((0, rows), (2, columns)):
            first, last = wanted.start // 2 - 1, (wanted.stop - 1) // 2 + 2
            part = part.take(np.arange(first, last).clip(0, part.shape[axis] - 1), axis)
        part = part.astype(np.float32)
        for axis, wanted in ((0, rows), (2, columns)):
            first = wanted.start - 2 * (wanted.start // 2 - 1)
            fine = np.arange(first, first + wanted.stop - wanted.start)
            part = halved(part, axis).take(fine, axis)
        return part


def add_coarsely(volume: NDArray[np.float32], block: VoxelBlock, weight: float) -> None:
    """Add a block times a weight to a volume of rows and columns twice as large as the grid's."""
    row, depth, column = block.start
    depths = slice(depth, depth + block.fraction.shape[1])
    for odd_row, odd_column in product((0, 1), repeat=2):
        first_row, first_column = (odd_row - row) % 2, (odd_column - column) % 2
        part = block.fraction[first_row::2, :, first_column::2]
        rows, columns = (row + first_row) // 2, (column + first_column) // 2
        place = volume[rows : rows + part.shape[0], depths, columns : columns + part.shape[2]]
        place += np.float32(0.25 * weight) * part


@dataclass(frozen=True)
class VoxelEllipsoid:
    """An ellipsoid on the grid.

    Attributes:
        centre: in voxels.
        radii_mm: along the three axes.
        axes: unit vectors (row, depth, column), in mm, along which the radii lie.
    """

    centre: Point
    radii_mm: Point
    axes: tuple[Point, Point, Point] = UPRIGHT


@dataclass(frozen=True)
class Implant:
    """A foreign body of metal.

    Attributes:
        name: what it is, as a benign finding.
        side: "right" or "left", empty where it lies in the middle.
        pieces: solid ellipsoids; they hold no tracer.
    """

    name: str
    side: str
    pieces: tuple[VoxelEllipsoid, ...]


def _even() -> NDArray[np.float32]:
    return np.ones((1, 1, 1), np.float32)


@dataclass(frozen=True)
class Bone:
    """A bone.

    Attributes:
        name: of the bone.
        region: of `bonescan.labels.REGIONS`.
        block: how much of each voxel lies inside its surface, marrow included.
        density: tracer per volume of bone over the bone's level, of the block's shape or (1, 1, 1):
            1 in cortex and spongy bone, less where fatty marrow fills the shaft.
    """

    name: str
    region: str
    block: VoxelBlock
    density: NDArray[np.float32] = field(default_factory=_even)


@dataclass(frozen=True)
class Body:
    """One person lying supine under the detector.

    Arrays are indexed row (from the head end to the feet), depth (from anterior to posterior) and
    column (the patient's right at low columns, as in the anterior view).

    Attributes:
        person: whose body it is.
        shape: size of the grid: rows, depths, columns.
        spacing_mm: voxel size: row, depth, column.
        outline: share 0..1 of each voxel inside the skin.
        fat: share 0..1 of each voxel that is fat, also between the loops of bowel.
        bones: by bone name, for example ``rib_05_right``.
        organs: by organ name, for example ``kidney_left``.
        points: named points, for example ``sternoclavicular_left``; outside the grid where a limb
            lies outside the field of view.
        implants: foreign bodies of metal.
    """

    person: Person
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    outline: CoarseVolume
    fat: CoarseVolume
    bones: Mapping[str, Bone]
    organs: Mapping[str, VoxelBlock]
    points: Mapping[str, Point]
    implants: tuple[Implant, ...] = ()

    @property
    def whole(self) -> Slices:
        """Every voxel of the grid."""
        rows, depths, columns = self.shape
        return slice(0, rows), slice(0, depths), slice(0, columns)

    def moved(self, point: Point, by_mm: tuple[float, float, float]) -> Point:
        """Return a point moved by distances in mm along row, depth and column."""
        row, depth, column = (
            a + b / spacing for a, b, spacing in zip(point, by_mm, self.spacing_mm, strict=True)
        )
        return row, depth, column

    def front_skin(self, row: float, column: float) -> float | None:
        """Return the depth of the first voxel inside the skin on a ray, None where there is air."""
        rows, _, columns = self.shape
        if not (0 <= row < rows and 0 <= column < columns):
            return None
        ray = self.outline.values[int(row) // 2, :, int(column) // 2]
        inside = np.flatnonzero(ray > 0.5)
        return float(inside[0]) if len(inside) else None
