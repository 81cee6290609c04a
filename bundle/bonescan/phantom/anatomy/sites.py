"""Named points of a body: joints, junctions and other sites of uptake."""

import numpy as np

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.arms import hand_frame
from bonescan.phantom.anatomy.body_scale import to_side
from bonescan.phantom.anatomy.legs import foot_frame, knee_frame
from bonescan.phantom.anatomy.pelvis import (
    ILIAC_CREST_MM,
    ILIAC_SPINE_MM,
    SACROILIAC_MM,
    TUBEROSITY_MM,
)
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.ribcage import RIBS, RibPaths
from bonescan.phantom.anatomy.shapes import Vector
from bonescan.phantom.anatomy.shoulder import (
    ACROMIOCLAVICULAR_MM,
    LOWER_ANGLE_MM,
    STERNOCLAVICULAR_MM,
    girdle_point,
)
from bonescan.phantom.anatomy.spine import LEVELS, Frames, facet_point

JAW_JOINT_MM = (143.0, 113.0, 53.0)


def landmarks(posture: Posture, frames: Frames, ribs: RibPaths) -> dict[str, Vector]:
    """Return points in mm of the grid by name.

    Names of paired points end in ``_left`` or ``_right``. ``rib_05_left_3`` lies at three tenths of
    the rib's length from the spine.
    """
    points = {f"{level}_centre": frame.origin for level, frame in frames.items()}
    for side in SIDES:
        points |= _side_landmarks(posture, frames, ribs, side)
    return points


def _side_landmarks(
    posture: Posture, frames: Frames, ribs: RibPaths, side: str
) -> dict[str, Vector]:
    points = _trunk_landmarks(posture, side) | _limb_landmarks(posture, side)
    for number in RIBS:
        path = ribs[number, side]
        points[f"costochondral_{number:02d}"] = path[-1]
        for tenth, index in enumerate(np.linspace(0, len(path) - 1, 11).round().astype(int)):
            points[f"rib_{number:02d}_{tenth}"] = path[index]
    for level in LEVELS[1:]:
        points[f"facet_{level}"] = facet_point(frames, level, side)
    return {_with_side(name, side): point for name, point in points.items()}


def _trunk_landmarks(posture: Posture, side: str) -> dict[str, Vector]:
    pelvis = {
        "sacroiliac": SACROILIAC_MM,
        "iliac_crest": ILIAC_CREST_MM,
        "iliac_spine": ILIAC_SPINE_MM,
        "ischial_tuberosity": TUBEROSITY_MM,
    }
    girdle = {
        "sternoclavicular": STERNOCLAVICULAR_MM,
        "acromioclavicular": ACROMIOCLAVICULAR_MM,
        "scapular_tip": LOWER_ANGLE_MM,
    }
    return {
        **{name: posture.place(to_side(point, side)) for name, point in pelvis.items()},
        **{name: girdle_point(posture, point, side) for name, point in girdle.items()},
        "jaw_joint": posture.place_head(to_side(JAW_JOINT_MM, side)),
    }


def _limb_landmarks(posture: Posture, side: str) -> dict[str, Vector]:
    arm, leg = posture.arms[side], posture.legs[side]
    hand, knee, foot = (frame(posture, side) for frame in (hand_frame, knee_frame, foot_frame))
    return {
        "shoulder": arm.shoulder,
        "elbow": arm.elbow,
        "wrist": arm.wrist,
        "thumb_base": hand.point((14, -17, 4)),
        "injection_hand": hand.point((55, 5, -8)),
        "injection_wrist": hand.point((-20, -10, -10)),
        "injection_elbow": arm.elbow + np.array([0.0, -22.0, 0.0]) * posture.scale.bone,
        "hip": leg.hip,
        "knee": leg.knee,
        "knee_medial": knee.point((0, -22, 0)),
        "knee_lateral": knee.point((0, 22, 0)),
        "patella": knee.point((-38, 4, 42)),
        "ankle": leg.ankle,
        "great_toe": foot.point((68, -18, 126)),
        "heel": foot.point((54, 2, -36)),
    }


def _with_side(name: str, side: str) -> str:
    """Return a name with its side: before the sample number of a rib, else at the end."""
    stem, _, tail = name.rpartition("_")
    if name.startswith("rib_") and tail.isdigit() and stem.count("_") == 1:
        return f"{stem}_{side}_{tail}"
    return f"{name}_{side}"
