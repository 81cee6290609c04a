"""Worn joints: foci of bone that nearly everybody has who is old enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import side_sign
from bonescan.phantom.anatomy.voxels import Point, midway
from bonescan.phantom.presets import SITES
from bonescan.phantom.tracer.hot_spots import (
    FindingContext,
    Radii,
    add_hot_spots,
    draw_side,
    focus,
    shifted,
)
from bonescan.phantom.tracer.uptake import Clip, HotSpot, Uptake

T = TypeVar("T")

WEAR_PEAK = 1.7
"""Median peak of a worn joint of the trunk over its surroundings in the image: 0.4 of what
metastases are drawn with. Of SUVmax degenerative changes have 0.68 of metastases (fluoride, 16.5
against 25.9; Sabbah et al. 2015, PubMed 25546225), 0.41 (MDP, 16.7 against 40.9; doi
10.1186/s41824-017-0006-y) and 0.34 (MDP, spine, 12.6 against 36.6; Mohd Rohani et al. 2020, doi
10.1007/s12149-019-01410-4)."""
LIMB_PEAK = 2.3
"""The same of joints whose surroundings are more soft tissue than bone; a default of ours."""
SIDE_SIGMA = 0.25
"""Log-normal spread between the two sides of a patient; a default of ours."""

T7_TO_L5 = (*SITES["thoracic_spine"][6:], *SITES["lumbar_spine"])
DISCS: tuple[tuple[str, str], ...] = tuple(pairwise(T7_TO_L5))
FACETS = ("c3", "c4", "c5", "c6", "t12", "l2", "l3", "l4", "l5")
RIBS_AT_SPINE = tuple(range(4, 13))
RIBS_AT_CARTILAGE = tuple(range(2, 9))
"""Where wear of the spine and of the ribs sits."""


def add_osteophytes(context: FindingContext) -> Uptake:
    """Add lateral osteophytes at discs of the lower thoracic and the lumbar spine."""
    rng, body = context.rng, context.body
    spots = []
    for upper, lower in _choose(context, DISCS, more=1.8):
        breadth = body.bones[f"vertebra_{upper}"].block.fraction.shape[2]
        aside_mm = 0.3 * breadth * body.spacing_mm[2] * side_sign(draw_side(rng))
        disc = midway(body.points[f"{upper}_centre"], body.points[f"{lower}_centre"])
        radii = (rng.uniform(3, 6), 7.0, rng.uniform(4, 8))
        spots.append(_worn(context, shifted(context, disc, (0, -5, aside_mm)), radii))
    return add_hot_spots(context.uptake, spots)


def add_facet_arthritis(context: FindingContext) -> Uptake:
    """Add arthritis of facet joints of the neck and the lower back."""
    spots = []
    for level in _choose(context, FACETS, more=1.5):
        point = context.body.points[f"facet_{level}_{draw_side(context.rng)}"]
        radius = context.rng.uniform(4, 7)
        spots.append(_worn(context, point, (radius, radius, radius)))
    return add_hot_spots(context.uptake, spots)


def add_costovertebral_arthritis(context: FindingContext) -> Uptake:
    """Add arthritis of joints between ribs and vertebrae."""
    spots = [
        _worn(
            context,
            context.body.points[f"rib_{number:02d}_{draw_side(context.rng)}_0"],
            (5.0, 6.0, 5.0),
        )
        for number in _choose(context, RIBS_AT_SPINE, more=1.0)
    ]
    return add_hot_spots(context.uptake, spots)


def add_costochondral_foci(context: FindingContext) -> Uptake:
    """Add faint broad foci where ribs meet their cartilage, on one side or both."""
    spots = []
    for number in _choose(context, RIBS_AT_CARTILAGE, more=2.0):
        radius = context.rng.uniform(6, 10)
        point = context.body.points[f"costochondral_{number:02d}_{draw_side(context.rng)}"]
        spots.append(_worn(context, point, (radius, radius, radius), over_usual=0.85))
    return add_hot_spots(context.uptake, spots)


def add_knee_arthritis(context: FindingContext) -> Uptake:
    """Add arthritis of the inner or outer half of one or both knees: rims of femur and tibia."""
    rng = context.rng
    spots = []
    for side in _sides(context, both=0.5):
        for part in ("medial", "lateral"):
            if rng.random() < KNEE_HALVES[part]:
                joint = context.body.points[f"knee_{part}_{side}"]
                radii = (4.0, rng.uniform(8, 12), rng.uniform(7, 11))
                rims = [shifted(context, joint, (by_mm, 0, 0)) for by_mm in (-9, 9)]
                kept = rims if rng.random() < 0.6 else rims[1:]
                peak = context.draw_peak(LIMB_PEAK)
                spots.append(focus([(rim, radii) for rim in kept], peak, Clip.BODY))
    return add_hot_spots(context.uptake, spots)


KNEE_HALVES = {"medial": 0.8, "lateral": 0.35}
"""How often a worn knee is worn in its inner and in its outer half; defaults of ours."""


def add_glenohumeral_arthritis(context: FindingContext) -> Uptake:
    """Add arthritis between shoulder blade and humerus, upright along the joint."""
    spots = []
    for side in _sides(context, both=0.3):
        joint = context.body.points[f"shoulder_{side}"]
        socket = shifted(context, joint, (0, 0, -15 * side_sign(side)))
        spots.append(_worn(context, socket, (13.0, 10.0, 6.0)))
    return add_hot_spots(context.uptake, spots)


def add_manubriosternal_arthritis(context: FindingContext) -> Uptake:
    """Add arthritis of the joint between manubrium and sternum."""
    block = context.body.bones["sternum"].block
    row, depth, column = (
        start + 0.5 * size for start, size in zip(block.start, block.fraction.shape, strict=True)
    )
    row -= 0.47 * block.fraction.shape[0]
    return add_hot_spots(context.uptake, [_worn(context, (row, depth, column), (4.0, 8.0, 11.0))])


@dataclass(frozen=True)
class JointWear:
    """Arthritis of a named joint on one or both sides.

    Attributes:
        point: name of the joint without its side.
        radii_mm: standard deviations along row, depth and column.
        peak: median peak over the surroundings in the image.
        both: share of the patients in whom both sides are worn.
        by_mm: shift from the point along row, depth and column, on either side.
    """

    point: str
    radii_mm: Radii
    peak: float = WEAR_PEAK
    both: float = 0.5
    by_mm: Radii = (0.0, 0.0, 0.0)

    def __call__(self, context: FindingContext) -> Uptake:
        """Add the finding; the two sides are alike, but not the same."""
        peak = context.draw_peak(self.peak)
        spots = []
        for side in _sides(context, both=self.both):
            point = shifted(context, context.body.points[f"{self.point}_{side}"], self.by_mm)
            here = peak * float(context.rng.lognormal(0.0, SIDE_SIGMA))
            spots.append(focus([(point, self.radii_mm)], here, Clip.BODY))
        return add_hot_spots(context.uptake, spots)


def _worn(
    context: FindingContext, point: Point, radii_mm: Radii, over_usual: float = 1.0
) -> HotSpot:
    """Return a focus of wear; osteophytes grow out of the bone."""
    return focus([(point, radii_mm)], context.draw_peak(over_usual * WEAR_PEAK), Clip.BODY)


def _choose(context: FindingContext, places: Sequence[T], *, more: float) -> list[T]:
    """Choose different places: one, and at 65 years `more` besides on average."""
    number = min(1 + context.rng.poisson(more * context.wear), len(places))
    return [places[i] for i in context.rng.permutation(len(places))[:number]]


def _sides(context: FindingContext, *, both: float) -> tuple[str, ...]:
    """Draw one or both sides."""
    return SIDES if context.rng.random() < both else (draw_side(context.rng),)
