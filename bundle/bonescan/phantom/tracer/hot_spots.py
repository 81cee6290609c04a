"""Hot spots that findings add to a patient's uptake, and the points where they lie."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.person import chance_at_age
from bonescan.phantom.anatomy.voxels import Body, Point, VoxelEllipsoid
from bonescan.phantom.tracer.uptake import Clip, HotSpot, Uptake

Radii = tuple[float, float, float]
"""Standard deviations in mm along row, depth and column."""
Part = tuple[Point, Radii]
"""Centre and radii of one of the Gaussians that a focus consists of."""

BENIGN_SIGMA = 0.46
"""Log-normal spread of the peak of benign foci over their surroundings: that of the SUVmax of
degenerative changes, 16.5 +- 7.9 (Sabbah et al. 2015, PubMed 25546225)."""


@dataclass(frozen=True)
class FindingContext:
    """The patient to whom a finding is added, and the source of chance."""

    body: Body
    uptake: Uptake
    rng: np.random.Generator

    @property
    def wear(self) -> float:
        """How worn the patient's joints are, over those of a patient of 65."""
        return chance_at_age(1.0, self.body.person.age)

    def draw_peak(self, median: float, sigma: float = BENIGN_SIGMA) -> float:
        """Draw how far a focus stands out in the image: its peak over its surroundings."""
        return float(self.rng.lognormal(np.log(median), sigma))


def add_hot_spots(uptake: Uptake, spots: Sequence[HotSpot]) -> Uptake:
    """Return the uptake with more hot spots."""
    return replace(uptake, hot_spots=(*uptake.hot_spots, *spots))


def hot_spot(parts: Sequence[Part], level: float, clip: Clip = Clip.BONE) -> HotSpot:
    """Return a hot spot of upright Gaussians with a given level."""
    ellipsoids = tuple(VoxelEllipsoid(centre, radii_mm) for centre, radii_mm in parts)
    return HotSpot(ellipsoids, float(level), clip)


def focus(parts: Sequence[Part], peak_over_ring: float, clip: Clip = Clip.BONE) -> HotSpot:
    """Return a hot spot of upright Gaussians that stands out in the image as given."""
    return replace(hot_spot(parts, 1.0, clip), peak_over_ring=float(peak_over_ring))


def shifted(context: FindingContext, point: Point, by_mm: Radii) -> Point:
    """Return a point moved by distances in mm along row, depth and column."""
    return context.body.moved(point, by_mm)


def draw_side(rng: np.random.Generator) -> str:
    """Draw a side."""
    return SIDES[rng.integers(len(SIDES))]
