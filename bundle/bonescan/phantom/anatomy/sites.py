"""Named places of a body: joints, junctions and other sites of uptake."""

import numpy as np

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.arms import hand_place
from bonescan.phantom.anatomy.legs import leg_place
from bonescan.phantom.anatomy.pelvis import (
    ILIAC_CREST_MM,
    ILIAC_SPINE_MM,
    SACROILIAC_MM,
    TUBEROSITY_MM,
)
from bonescan.phantom.anatomy.posture import Posture, Vector, side_sign
from bonescan.phantom.anatomy.ribcage import RIBS, rib_path
from bonescan.phantom.anatomy.shoulder import (
    ACROMIOCLAVICULAR_MM,
    LOWER_ANGLE_MM,
    STERNOCLAVICULAR_MM,
    girdle_place,
)
from bonescan.phantom.anatomy.spine import LEVELS, facet_place, spine_place


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
    places = _trunk_landmarks(posture, side) | _limb_landmarks(posture, side)
    for number in RIBS:
        path = rib_path(posture, number, side)
        places[f"costochondral_{number:02d}"] = path[-1]
        for tenth, index in enumerate(np.linspace(0, len(path) - 1, 11).round().astype(int)):
            places[f"rib_{number:02d}_{tenth}"] = path[index]
    for level in LEVELS[1:]:
        places[f"facet_{level}"] = facet_place(posture, level, side_sign(side))
    return {_sided(name, side): place for name, place in places.items()}


def _trunk_landmarks(posture: Posture, side: str) -> dict[str, Vector]:
    mirror = np.array([1.0, 1.0, side_sign(side)])
    axial = {
        "sacroiliac": SACROILIAC_MM,
        "iliac_crest": ILIAC_CREST_MM,
        "iliac_spine": ILIAC_SPINE_MM,
        "ischial_tuberosity": TUBEROSITY_MM,
    }
    places = {name: posture.place(np.array(place) * mirror) for name, place in axial.items()}
    places["sternoclavicular"] = girdle_place(posture, STERNOCLAVICULAR_MM, side)
    places["acromioclavicular"] = girdle_place(posture, ACROMIOCLAVICULAR_MM, side)
    places["scapular_tip"] = girdle_place(posture, LOWER_ANGLE_MM, side)
    places["jaw_joint"] = posture.place_head(np.array((143.0, 113.0, 53.0)) * mirror)
    return places


def _limb_landmarks(posture: Posture, side: str) -> dict[str, Vector]:
    arm, leg = posture.arms[side], posture.legs[side]

    def knee(down: float, out: float, front: float) -> Vector:
        return leg_place(posture, leg.knee, leg.knee_frame, [down, out, front])[0]

    def foot(sole: float, out: float, toes: float) -> Vector:
        return leg_place(posture, leg.ankle, leg.foot_frame, [sole, out, toes])[0]

    return {
        "shoulder": arm.shoulder,
        "elbow": arm.elbow,
        "wrist": arm.wrist,
        "thumb_base": hand_place(posture, arm, (14, -17, 4)),
        "injection_hand": hand_place(posture, arm, (55, 5, -8)),
        "injection_wrist": hand_place(posture, arm, (-20, -10, -10)),
        "injection_elbow": arm.elbow + np.array([0.0, -22.0, 0.0]) * posture.bone_scale,
        "hip": leg.hip,
        "knee": leg.knee,
        "knee_medial": knee(0, -22, 0),
        "knee_lateral": knee(0, 22, 0),
        "patella": knee(-38, 4, 42),
        "ankle": leg.ankle,
        "great_toe": foot(68, -18, 126),
        "heel": foot(54, 2, -36),
    }


def _sided(name: str, side: str) -> str:
    """Return a name with its side: before the sample number of a rib, else at the end."""
    stem, _, tail = name.rpartition("_")
    if name.startswith("rib_") and tail.isdigit() and stem.count("_") == 1:
        return f"{stem}_{side}_{tail}"
    return f"{name}_{side}"
