"""Fractures and other benign disease of bone, and what operations leave behind."""

from itertools import pairwise

import numpy as np

from bonescan.phantom.anatomy.body_scale import side_sign
from bonescan.phantom.anatomy.voxels import Point, midway
from bonescan.phantom.presets import SITES
from bonescan.phantom.tracer.hot_spots import (
    FindingContext,
    Part,
    add_hot_spots,
    draw_side,
    focus,
    shifted,
)
from bonescan.phantom.tracer.uptake import Clip, HotSpot, Uptake

FRACTURE_PEAK = 2.3
FRACTURE_SIGMA = 0.5
"""Median peak of a fracture over its surroundings in the image, and its spread: they fade as they
heal. This and the other peaks here are defaults of ours."""
COLLAPSE_PEAK = 2.1
SACRAL_PEAK = 2.0
DISC_HERNIA_PEAK = 1.6
STRESS_PEAK = 1.9
PAGET_PEAK = 3.0
DYSPLASIA_PEAK = 3.0
CARTILAGE_PEAK = 1.9
HYPEROSTOSIS_PEAK = 1.6
TOOTH_PEAK = 1.7
SINUS_PEAK = 1.5
SCAR_PEAK = 1.5

COLLAPSING = ("t7", "t8", "t11", "t12", "t12", "l1", "l1", "l2", "l3")
HERNIATING = (*SITES["thoracic_spine"][6:], *SITES["lumbar_spine"][:3])
PAGET_BONES = ("hip_bone_right", "hip_bone_left", "vertebra_l2", "vertebra_l4", "skull_vault")
"""Where these findings sit; a level named twice is twice as frequent."""


def add_rib_fracture(context: FindingContext) -> Uptake:
    """Add a fracture of one rib, anywhere along it."""
    number, tenth = context.rng.integers(2, 12), context.rng.integers(2, 10)
    peak = context.draw_peak(FRACTURE_PEAK, FRACTURE_SIGMA)
    spot = _rib_fracture(context, int(number), draw_side(context.rng), int(tenth), peak)
    return add_hot_spots(context.uptake, [spot])


def add_rib_fractures_in_a_row(context: FindingContext) -> Uptake:
    """Add fractures of two to five neighbouring ribs, in line with each other."""
    rng = context.rng
    side, first, tenth = draw_side(rng), int(rng.integers(3, 9)), int(rng.integers(3, 9))
    peak = context.draw_peak(FRACTURE_PEAK, FRACTURE_SIGMA)
    spots = []
    for number in range(first, min(first + int(rng.integers(2, 6)), 13)):
        here = min(max(tenth + int(rng.integers(-1, 2)), 2), 9)
        spots.append(_rib_fracture(context, number, side, here, peak * rng.lognormal(0, 0.25)))
    return add_hot_spots(context.uptake, spots)


def _rib_fracture(
    context: FindingContext, number: int, side: str, tenth: int, peak: float
) -> HotSpot:
    radius = float(context.rng.uniform(4, 7))
    point = context.body.points[f"rib_{number:02d}_{side}_{tenth}"]
    return focus([(point, (radius, radius, radius))], peak)


def add_sacral_fracture(context: FindingContext) -> Uptake:
    """Add an insufficiency fracture of the sacrum: two upright bars and one across, an H."""
    points = context.body.points
    right, left = points["sacroiliac_right"], points["sacroiliac_left"]
    middle = midway(right, left)
    bars: list[Part] = [
        (midway(joint, midway(joint, middle)), (20.0, 14.0, 6.0)) for joint in (right, left)
    ]
    across = (shifted(context, middle, (8, 4, 0)), (5.0, 14.0, 18.0))
    return add_hot_spots(context.uptake, [focus([*bars, across], context.draw_peak(SACRAL_PEAK))])


def add_compression_fracture(context: FindingContext) -> Uptake:
    """Add one to three collapsed vertebrae: flat, hot from side to side."""
    rng = context.rng
    names = {COLLAPSING[i] for i in rng.integers(len(COLLAPSING), size=rng.choice((1, 1, 2, 3)))}
    spots = [
        focus(
            [(context.body.points[f"{name}_centre"], (4.0, 14.0, 18.0))],
            context.draw_peak(COLLAPSE_PEAK, FRACTURE_SIGMA),
        )
        for name in sorted(names)
    ]
    return add_hot_spots(context.uptake, spots)


def add_disc_hernia(context: FindingContext) -> Uptake:
    """Add a node of Schmorl: a disc that has sunk into the end plate of a vertebra."""
    rng = context.rng
    name = HERNIATING[rng.integers(len(HERNIATING))]
    by_mm = (float(rng.choice((-9, 9))), 0.0, float(rng.normal(0, 5)))
    point = shifted(context, context.body.points[f"{name}_centre"], by_mm)
    spot = focus([(point, (4.0, 7.0, 7.0))], context.draw_peak(DISC_HERNIA_PEAK))
    return add_hot_spots(context.uptake, [spot])


def add_stress_fracture(context: FindingContext) -> Uptake:
    """Add a stress fracture or a splint in the shaft of one tibia, along its inner edge."""
    rng = context.rng
    side = draw_side(rng)
    points = context.body.points
    shaft = midway(points[f"knee_{side}"], points[f"ankle_{side}"], rng.uniform(0.35, 0.75))
    shaft = shifted(context, shaft, (0, 0, -8 * side_sign(side)))
    spot = focus([(shaft, (rng.uniform(9, 22), 8.0, 6.0))], context.draw_peak(STRESS_PEAK))
    return add_hot_spots(context.uptake, [spot])


def add_paget(context: FindingContext) -> Uptake:
    """Let all of one bone take up several times as much, as in Paget's disease."""
    names = [name for name in PAGET_BONES if name in context.body.bones]
    name = names[context.rng.integers(len(names))]
    spot = HotSpot((), 1.0, peak_over_ring=context.draw_peak(PAGET_PEAK), bone=name)
    return add_hot_spots(context.uptake, [spot])


def add_fibrous_dysplasia(context: FindingContext) -> Uptake:
    """Add a long stretch of one rib that takes up much."""
    rng = context.rng
    number, side, first = int(rng.integers(2, 10)), draw_side(rng), int(rng.integers(2, 6))
    length = int(rng.integers(2, 5))
    spot = _along_rib(context, number, side, range(first, first + length), DYSPLASIA_PEAK)
    return add_hot_spots(context.uptake, [spot])


def add_thoracotomy(context: FindingContext) -> Uptake:
    """Add the scar of an operation on the chest: a faint stretch along the fifth or sixth rib."""
    number, side = int(context.rng.integers(5, 7)), draw_side(context.rng)
    spot = _along_rib(context, number, side, range(3, 7), SCAR_PEAK)
    return add_hot_spots(context.uptake, [spot])


def _along_rib(
    context: FindingContext, number: int, side: str, tenths: range, peak: float
) -> HotSpot:
    """Return a focus along a rib, without gaps."""
    path = [context.body.points[f"rib_{number:02d}_{side}_{tenth}"] for tenth in tenths]
    between = [midway(*pair, share) for pair in pairwise(path) for share in (1 / 3, 2 / 3)]
    parts: list[Part] = [(point, (8.0, 9.0, 8.0)) for point in (*path, *between)]
    return focus(parts, context.draw_peak(peak))


def add_sternotomy(context: FindingContext) -> Uptake:
    """Add a breastbone that was split for an operation on the heart: a faint line down it."""
    block = context.body.bones["sternum"].block
    rows, depths, columns = block.fraction.shape
    row, depth, column = block.start
    centre, middle = depth + 0.5 * depths, column + 0.5 * columns
    parts: list[Part] = [
        ((row + share * rows, centre, middle + context.rng.normal(0, 1)), (9.0, 8.0, 4.0))
        for share in (0.1, 0.3, 0.5, 0.7)
    ]
    return add_hot_spots(context.uptake, [focus(parts, context.draw_peak(SCAR_PEAK))])


def add_enchondroma(context: FindingContext) -> Uptake:
    """Add a tumour of cartilage below the head of a humerus or above a knee."""
    rng, points = context.rng, context.body.points
    side = draw_side(rng)
    if rng.random() < 0.5:
        point = midway(points[f"shoulder_{side}"], points[f"elbow_{side}"], rng.uniform(0.1, 0.25))
    else:
        point = midway(points[f"knee_{side}"], points[f"hip_{side}"], rng.uniform(0.08, 0.2))
    spot = focus([(point, (rng.uniform(7, 14), 7.0, 7.0))], context.draw_peak(CARTILAGE_PEAK))
    return add_hot_spots(context.uptake, [spot])


def add_frontal_hyperostosis(context: FindingContext) -> Uptake:
    """Add a thickened frontal bone, to both sides of the midline."""
    block = context.body.bones["skull_vault"].block
    rows, depths, columns = block.fraction.shape
    row, depth = block.start[0] + 0.45 * rows, block.start[1] + 0.08 * depths
    parts: list[Part] = [
        ((row, depth, block.start[2] + share * columns), (17.0, 14.0, 17.0))
        for share in (0.32, 0.68)
    ]
    return add_hot_spots(context.uptake, [focus(parts, context.draw_peak(HYPEROSTOSIS_PEAK))])


def add_dental_foci(context: FindingContext) -> Uptake:
    """Add one to three foci at teeth, in either jaw."""
    rng = context.rng
    spots = []
    for _ in range(rng.integers(1, 4)):
        name, rows = (("face", (0.8, 1.0)), ("mandible", (0.5, 1.0)))[rng.integers(2)]
        radius = rng.uniform(4, 6)
        point = _draw_inside(context, name, rows)
        spots.append(focus([(point, (radius, radius, radius))], context.draw_peak(TOOTH_PEAK)))
    return add_hot_spots(context.uptake, spots)


def add_sinusitis(context: FindingContext) -> Uptake:
    """Add an inflamed sinus of the upper jaw: a broad focus beside the nose."""
    point = _draw_inside(context, "face", (0.35, 0.75))
    spot = focus([(point, (8.0, 9.0, 8.0))], context.draw_peak(SINUS_PEAK), Clip.BODY)
    return add_hot_spots(context.uptake, [spot])


def _draw_inside(context: FindingContext, name: str, rows: tuple[float, float]) -> Point:
    """Draw a voxel of a bone between two shares of its height."""
    block = context.body.bones[name].block
    voxels = np.argwhere(block.fraction > 0.5)
    low, high = np.multiply(rows, block.fraction.shape[0])
    kept = voxels[(voxels[:, 0] >= low) & (voxels[:, 0] <= high)]
    row, depth, column = (kept[context.rng.integers(len(kept))] + np.array(block.start)).tolist()
    return row, depth, column
