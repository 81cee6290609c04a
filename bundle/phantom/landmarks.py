"""Named places of a body: joints, junctions and other sites of uptake."""

import numpy as np

from bundle.labels import SIDES
from bundle.phantom.posture import Posture, Vector, side_sign
from bundle.phantom.spine import LEVELS, VERTEBRAE, spine_frame, spine_place
from bundle.phantom.thorax import rib_path


def landmarks(posture: Posture) -> dict[str, Vector]:
    """Return places in mm of the grid by name.

    Paired places end in ``_left`` or ``_right``. ``rib_05_left_3`` is the sample at three tenths
    of the rib's length from the spine.
    """
    places: dict[str, Vector] = {}
    for level in LEVELS:
        places[f"{level}_centre"] = spine_place(posture, level)
    for side in SIDES:
        places |= _side_landmarks(posture, side)
    return places


def _side_landmarks(posture: Posture, side: str) -> dict[str, Vector]:
    sign = side_sign(side)
    arm, leg = posture.arms[side], posture.legs[side]
    bone = posture.bone_scale

    def at(row: float, depth: float, column: float) -> Vector:
        return posture.place((row, depth, column * sign))

    def hand(down: float, across: float) -> Vector:
        return arm.wrist + (arm.hand[0] * down + arm.hand[1] * across) * bone

    def foot(sole: float, out: float, toes: float) -> Vector:
        return leg.ankle + np.array([sole, out, toes]) * bone @ leg.foot_frame

    places = {
        "sternoclavicular": at(318, 120, 18),
        "acromioclavicular": at(278, 165, 155),
        "shoulder": arm.shoulder,
        "elbow": arm.elbow,
        "wrist": arm.wrist,
        "thumb_base": hand(24, -24),
        "injection_hand": hand(60, 0),
        "injection_wrist": arm.wrist,
        "injection_elbow": arm.elbow,
        "sacroiliac": at(765, 225, 45),
        "iliac_crest": at(715, 170, 115),
        "hip": leg.hip,
        "knee": leg.knee,
        "knee_medial": leg.knee - leg.knee_frame[1] * 24 * bone,
        "knee_lateral": leg.knee + leg.knee_frame[1] * 24 * bone,
        "patella": leg.knee + (leg.knee_frame[2] * 42 - leg.knee_frame[0] * 22) * bone,
        "ankle": leg.ankle,
        "great_toe": foot(62, -24, 125),
        "heel": foot(50, 2, -45),
    }
    for number in range(1, 13):
        path = rib_path(posture, number, side)
        places[f"costochondral_{number:02d}"] = path[-1]
        for tenth, index in enumerate(np.linspace(0, len(path) - 1, 11).round().astype(int)):
            places[f"rib_{number:02d}_{tenth}"] = path[index]
    for level in LEVELS[1:]:
        breadth, deep = (value * bone for value in VERTEBRAE[level][3:])
        frame = spine_frame(posture, level)
        places[f"facet_{level}"] = spine_place(posture, level) + (
            frame[0] * 8 * bone
            + frame[1] * (deep / 2 + 14 * bone)
            + frame[2] * sign * breadth * 0.38
        )
    return {_sided(name, side): place for name, place in places.items()}


def _sided(name: str, side: str) -> str:
    """Return a name with its side: before the sample number of a rib, else at the end."""
    stem, _, tail = name.rpartition("_")
    if name.startswith("rib_") and tail.isdigit() and stem.count("_") == 1:
        return f"{stem}_{side}_{tail}"
    return f"{name}_{side}"
