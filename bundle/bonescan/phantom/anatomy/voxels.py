"""A body as voxels on the detector's grid: what the anatomy makes and the camera reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bonescan.phantom.anatomy.person import Person

Point = tuple[float, float, float]
"""(row, depth, column) in voxels; voxel i has its centre at i."""


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
    def slices(self) -> tuple[slice, slice, slice]:
        """Where the block lies in an array of the whole grid."""
        row, depth, column = (
            slice(first, first + size)
            for first, size in zip(self.start, self.fraction.shape, strict=True)
        )
        return row, depth, column

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
        outline: share 0..1 of each voxel inside the skin, float32, the whole grid.
        bones: by bone name, for example ``rib_05_right``.
        organs: by organ name, for example ``kidney_left``.
        points: named points, for example ``sternoclavicular_left``; outside the grid where a limb
            lies outside the field of view.
    """

    person: Person
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    outline: NDArray[np.float32]
    bones: Mapping[str, Bone]
    organs: Mapping[str, VoxelBlock]
    points: Mapping[str, Point]
