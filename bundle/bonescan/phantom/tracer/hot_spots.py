"""Hot spots that findings add to a patient's uptake, and the points where they lie."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.voxels import Body, Point
from bonescan.phantom.tracer.ellipsoids import VoxelEllipsoid
from bonescan.phantom.tracer.uptake import Clip, HotSpot, Uptake, base_region


@dataclass(frozen=True)
class FindingContext:
    """The patient to whom a finding is added, and the source of chance."""

    body: Body
    uptake: Uptake
    rng: np.random.Generator

    def bone_level(self, region: str) -> float:
        """Return the mean concentration of the bones of a region, given without its side."""
        levels = [
            level
            for name, level in self.uptake.bones.items()
            if base_region(self.body.bones[name].region) == region
        ]
        return float(np.mean(levels))

    def front_skin(self, row: float, column: float) -> float | None:
        """Return the depth of the first voxel inside the skin on a ray, None where there is air."""
        rows, _, columns = self.body.shape
        if not (0 <= row < rows and 0 <= column < columns):
            return None
        inside = np.flatnonzero(self.body.outline[int(row), :, int(column)] > 0.5)
        return float(inside[0]) if len(inside) else None


def add_hot_spots(uptake: Uptake, spots: Sequence[HotSpot]) -> Uptake:
    """Return the uptake with more hot spots."""
    return replace(uptake, hot_spots=(*uptake.hot_spots, *spots))


def hot_spot(
    centre: Point, radii_mm: tuple[float, float, float], level: float, clip: Clip = Clip.BONE
) -> HotSpot:
    """Return an upright Gaussian hot spot."""
    return HotSpot(VoxelEllipsoid(centre, radii_mm), float(level), clip)


def midway(first: Point, second: Point, share: float = 0.5) -> Point:
    """Return the point at a share of the way from one point to another."""
    row, depth, column = (a + share * (b - a) for a, b in zip(first, second, strict=True))
    return row, depth, column


def shifted(context: FindingContext, point: Point, by_mm: tuple[float, float, float]) -> Point:
    """Return a point moved by distances in mm along row, depth and column."""
    row, depth, column = (
        a + b / spacing for a, b, spacing in zip(point, by_mm, context.body.spacing_mm, strict=True)
    )
    return row, depth, column


def draw_side(rng: np.random.Generator) -> str:
    """Draw a side."""
    return SIDES[rng.integers(len(SIDES))]
