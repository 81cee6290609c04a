"""Findings outside bone: urine, injection, metal, and faults of technique."""

from dataclasses import replace

import numpy as np

from bonescan.phantom.anatomy.body_scale import side_sign
from bonescan.phantom.anatomy.implants import HIP_PROSTHESIS, KNEE_PROSTHESIS, hip_stem
from bonescan.phantom.anatomy.voxels import Implant, Point, midway
from bonescan.phantom.tracer.hot_spots import (
    FindingContext,
    Part,
    add_hot_spots,
    draw_side,
    focus,
    hot_spot,
    shifted,
)
from bonescan.phantom.tracer.uptake import Clip, HotSpot, Uptake, without_side

INJECTION_LEVEL = 300.0
"""Median concentration left at the place of injection: in the image 12 to 26 times soft tissue."""
RIM_PEAK = 2.0
"""Median peak of the bone around a prosthesis over its surroundings in the image; a default of
ours."""


def add_urine(context: FindingContext) -> Uptake:
    """Add drops of urine on the skin or the clothes between and beside the thighs."""
    rng = context.rng
    crotch = midway(context.body.points["hip_right"], context.body.points["hip_left"])
    spots = []
    for _ in range(rng.integers(1, 4)):
        row, depth, column = shifted(context, crotch, (rng.uniform(50, 200), 0, rng.normal(0, 45)))
        skin = context.body.front_skin(row, column)
        depth = depth if skin is None else skin
        radii = (rng.uniform(5, 18), 4.0, rng.uniform(4, 12))
        level = rng.lognormal(np.log(40.0), 0.6)
        spots.append(hot_spot([((row, depth, column), radii)], level, Clip.NOTHING))
    return add_hot_spots(context.uptake, spots)


def add_urine_bag(context: FindingContext) -> Uptake:
    """Add a catheter down one leg and a bag of urine beside the lower leg."""
    rng = context.rng
    side = draw_side(rng)
    points = context.body.points
    start = shifted(context, midway(points["hip_right"], points["hip_left"]), (60, -60, 0))
    knee, ankle = points[f"knee_{side}"], points[f"ankle_{side}"]
    beside = shifted(context, knee, (0, -40, side_sign(side) * rng.uniform(-20, 40)))
    end = shifted(context, midway(knee, ankle, 0.7), (0, 0, side_sign(side) * rng.uniform(60, 100)))
    level = rng.lognormal(np.log(25.0), 0.4)
    tube = [*_line(start, beside, 40), *_line(beside, end, 40)]
    catheter = hot_spot([(point, (8.0, 3.0, 2.5)) for point in tube], 0.6 * level, Clip.NOTHING)
    radii = (rng.uniform(25, 45), 10.0, rng.uniform(18, 30))
    bag = hot_spot([(end, radii)], level, Clip.NOTHING)
    return add_hot_spots(context.uptake, [catheter, bag])


def _line(start: Point, end: Point, count: int) -> list[Point]:
    return [midway(start, end, i / count) for i in range(count)]


def add_injection_site(context: FindingContext) -> Uptake:
    """Add the tracer left where it was injected: hand, wrist or elbow."""
    site = ("elbow", "hand", "wrist")[context.rng.choice(3, p=(0.5, 0.3, 0.2))]
    point = context.body.points[f"injection_{site}_{draw_side(context.rng)}"]
    radius = context.rng.uniform(3.0, 6.0)
    level = context.rng.lognormal(np.log(INJECTION_LEVEL), 0.7)
    spot = hot_spot([(point, (radius, radius, radius))], level, Clip.BODY)
    return add_hot_spots(context.uptake, [spot])


def add_extravasation(context: FindingContext) -> Uptake:
    """Add tracer that leaked out of the vein: a streak up the arm from the elbow."""
    rng = context.rng
    side = draw_side(rng)
    elbow, shoulder = context.body.points[f"elbow_{side}"], context.body.points[f"shoulder_{side}"]
    length, level = rng.uniform(0.2, 0.6), rng.lognormal(np.log(80.0), 0.5)
    line = _line(elbow, midway(elbow, shoulder, length), 12)
    parts = [(point, (9.0, 5.0 - 0.25 * i, 4.5 - 0.25 * i)) for i, point in enumerate(line)]
    return add_hot_spots(context.uptake, [hot_spot(parts, level, Clip.BODY)])


def add_axillary_node(context: FindingContext) -> Uptake:
    """Add lymph nodes of the armpit that took up tracer from a failed injection."""
    side = draw_side(context.rng)
    armpit = shifted(
        context, context.body.points[f"shoulder_{side}"], (55, -5, -side_sign(side) * 25)
    )
    spots = []
    for _ in range(context.rng.integers(1, 3)):
        node = shifted(context, armpit, tuple(context.rng.normal(0, 12, 3).tolist()))
        level = context.rng.lognormal(np.log(120.0), 0.5)
        spots.append(hot_spot([(node, (4.0, 4.0, 4.0))], level, Clip.BODY))
    return add_hot_spots(context.uptake, spots)


def implant_rim(context: FindingContext, implant: Implant) -> list[HotSpot]:
    """Return the bone that reacts around an implant; none where it lies in soft tissue."""
    points = context.body.points
    parts: list[Part] = []
    if implant.name == HIP_PROSTHESIS:
        socket = shifted(context, points[f"hip_{implant.side}"], (-22, 0, 0))
        tip = hip_stem(context.body, implant.side)[1]
        parts = [(tip, (12.0, 10.0, 10.0)), (socket, (8.0, 18.0, 18.0))]
    if implant.name == KNEE_PROSTHESIS:
        knee = points[f"knee_{implant.side}"]
        parts = [(shifted(context, knee, (by_mm, 0, 0)), (7.0, 20.0, 26.0)) for by_mm in (-32, 26)]
    return [focus([part], context.draw_peak(RIM_PEAK)) for part in parts]


def image_early(context: FindingContext) -> Uptake:
    """Show a scan taken too early: blood pool and kidneys up, bone down."""
    factors = {
        "heart": 2.0,
        "vessels": 2.0,
        "liver": 1.6,
        "spleen": 1.8,
        "kidney": 1.8,
        "renal_pelvis": 1.8,
        "lung": 1.5,
    }
    organs = {
        name: level * factors.get(without_side(name), 1.0)
        for name, level in context.uptake.organs.items()
    }
    fading = context.rng.uniform(0.45, 0.7)
    bones = {name: level * fading for name, level in context.uptake.bones.items()}
    return replace(context.uptake, bones=bones, organs=organs)


def free_pertechnetate(context: FindingContext) -> Uptake:
    """Show unbound pertechnetate: thyroid and stomach take it up."""
    levels = {
        "thyroid": context.rng.lognormal(np.log(40.0), 0.4),
        "stomach": context.rng.lognormal(np.log(6.0), 0.3),
    }
    organs = dict(context.uptake.organs)
    organs |= {
        name: float(levels[without_side(name)])
        for name in context.body.organs
        if without_side(name) in levels
    }
    return replace(context.uptake, organs=organs)
