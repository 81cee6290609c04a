"""Hot spots that findings add to a patient's uptake, and the points where they lie."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.voxels import Body, Point, VoxelEllipsoid
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


def add_hot_spots(uptake: Uptake, spots: Sequence[HotSpot]) -> Uptake:
    """Return the uptake with more hot spots."""
    return replace(uptake, hot_spots=(*uptake.hot_spots, *spots))


def hot_spot(
    centre: Point, radii_mm: tuple[float, float, float], level: float, clip: Clip = Clip.BONE
) -> HotSpot:
    """Return an upright Gaussian hot spot."""
    return HotSpot(VoxelEllipsoid(centre, radii_mm), float(level), clip)


def shifted(context: FindingContext, point: Point, by_mm: tuple[float, float, float]) -> Point:
    """Return a point moved by distances in mm along row, depth and column."""
    return context.body.moved(point, by_mm)


def draw_side(rng: np.random.Generator) -> str:
    """Draw a side."""
    return SIDES[rng.integers(len(SIDES))]
