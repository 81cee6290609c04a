"""Femur, patella, tibia, fibula and foot.

Sizes measured on mesh50_XCAT (Auer et al. 2023), on the left side.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import side_sign
from bonescan.phantom.anatomy.limbs import Leg
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import BoneShape, Ellipsoid, Shape, Tube, Vector

# Toe by toe: base and head of the metatarsal, tip of the toe, in mm from the ankle joint: towards
# the sole, outwards, towards the toes.
_TOES = (
    ((46, -10, 76), (68, -18, 124), (82, -16, 178)),
    ((42, 2, 80), (66, 2, 130), (82, 7, 170)),
    ((46, 10, 78), (68, 14, 126), (82, 22, 162)),
    ((52, 18, 72), (70, 26, 118), (82, 35, 148)),
    ((62, 27, 58), (74, 44, 106), (83, 51, 134)),
)
_TOE_RADII = ((9.0, 8.0, 10.0, 7.0), *(((6.0, 5.0, 6.0, 4.0),) * 4))


def leg_points(posture: Posture, joint: Vector, frame: Vector, *offsets: ArrayLike) -> Vector:
    """Return points (n, 3) from their offsets to a joint along the rows of a frame, in mm."""
    return joint + np.array(offsets, dtype=float) * posture.scale.bone @ frame


def _femur(posture: Posture, side: str, leg: Leg) -> BoneShape:
    scale = posture.scale.bone
    frame = leg.knee_frame
    sign = side_sign(side)
    mirror = np.array([1.0, 1.0, sign])
    hip = leg.hip
    # Near the hip the bone keeps the pelvis' directions: row, depth, column.
    corner = hip + np.array([26.0, 8.0, 36.0]) * scale * mirror
    greater = hip + np.array([20.0, 18.0, 44.0]) * scale * mirror
    lesser = hip + np.array([60.0, 20.0, 20.0]) * scale * mirror
    top = hip + np.array([66.0, 6.0, 31.0]) * scale * mirror
    low = leg_points(
        posture, leg.knee, frame, [-105, 2, 2], [-75, 1, 0], [-50, 0, -2], [-30, 0, -4]
    )
    bend = top + (low[0] - top) * np.array([[0.3], [0.65]]) + 5 * scale * frame[2]
    shapes: list[Shape] = [
        Ellipsoid(hip, np.full(3, 24.0) * scale),
        Tube(np.array([hip, corner]), np.array([16, 17]) * scale),
        Tube(
            greater + np.array([(-12.0, 0, 0), (16.0, -4, 0)]) * scale,
            np.array([13, 16]) * scale,
        ),
        Tube(np.array([corner, top, lesser]), np.array([17, 13, 9]) * scale),
        Tube(
            np.vstack([corner, top, bend, low]),
            np.array([20, 16, 13.5, 13.5, 15, 18, 25, 34]) * scale,
            frame[2],
            (1, 1, 1, 1, 1, 1.1, 1.3, 1.5),
        ),
    ]
    for out, down, radii in (
        (-20.0, -17, (21, 19, 28)),
        (20.0, -20, (21, 19, 28)),
        (0, -30, (18, 32, 22)),
    ):
        centre = leg_points(posture, leg.knee, frame, [down, out, -5])[0]
        shapes.append(Ellipsoid(centre, np.array(radii) * scale, frame))
    return BoneShape.paired("femur", side, shapes, cover_mm=9.0)


def _patella(posture: Posture, side: str, leg: Leg) -> BoneShape:
    centre = leg_points(posture, leg.knee, leg.knee_frame, [-38, 4, 42])[0]
    shape = Ellipsoid(centre, np.array([22, 21, 10]) * posture.scale.bone, leg.knee_frame)
    return BoneShape.paired("patella", side, [shape], cover_mm=6.0)


def _tibia(posture: Posture, side: str, leg: Leg) -> BoneShape:
    scale = posture.scale.bone
    frame = leg.knee_frame
    upper = leg_points(posture, leg.knee, frame, [22, 2, -2], [50, 3, 4], [85, 2, 8])
    lower = leg_points(posture, leg.ankle, frame, [-110, -4, 4], [-45, -3, 2], [-14, 0, 0])
    middle = (upper[-1] + lower[0]) / 2 + 3 * scale * frame[2]
    plateau = leg_points(posture, leg.knee, frame, [14, 1, -3])[0]
    inner = leg_points(posture, leg.ankle, frame, [-14, -20, 0], [10, -24, 2])
    shapes: tuple[Shape, ...] = (
        Ellipsoid(plateau, np.array([17, 39, 27]) * scale, frame),
        Tube(np.vstack([upper, middle, lower]), np.array([33, 24, 17, 12.5, 12, 14, 22]) * scale),
        Tube(inner, np.array([11, 7]) * scale),
    )
    return BoneShape.paired("tibia", side, shapes, cover_mm=6.0)


def _fibula(posture: Posture, side: str, leg: Leg) -> BoneShape:
    frame = leg.knee_frame
    upper = leg_points(posture, leg.knee, frame, [22, 42, -22], [38, 42, -24], [75, 38, -24])
    lower = leg_points(posture, leg.ankle, frame, [-100, 24, -16], [-25, 24, -12], [16, 27, -8])
    radius = np.array([8, 9, 5.5, 5.5, 7, 8]) * posture.scale.bone
    tube = Tube(np.vstack([upper, lower]), radius)
    return BoneShape.paired("fibula", side, [tube], cover_mm=6.0)


def _foot(posture: Posture, side: str, leg: Leg) -> BoneShape:
    scale = posture.scale.bone
    frame = leg.foot_frame

    def at(*places: ArrayLike) -> Vector:
        return leg_points(posture, leg.ankle, frame, *places)

    shapes: list[Shape] = [
        Ellipsoid(at([15, 0, 4])[0], np.array([15, 19, 25]) * scale, frame),
        Tube(at([22, 0, 22], [34, -4, 40]), np.array([14, 14]) * scale),
        Tube(at([44, 8, 20], [46, 4, -10], [54, 2, -32]), np.array([14, 16, 19]) * scale),
        Tube(at([38, -8, 54], [42, -8, 76]), np.array([14, 12]) * scale),
        Tube(at([52, 14, 38], [52, 16, 62]), np.array([13, 11]) * scale),
    ]
    for (base, head, tip), radii in zip(_TOES, _TOE_RADII, strict=True):
        path = at(base, head, tip)
        middle = (path[:1] + path[1:2]) / 2
        places = np.vstack([path[:1], middle, path[1:]])
        shapes.append(Tube(places, np.array(radii) * scale))
    return BoneShape.paired("foot", side, shapes, cover_mm=9.0)


def leg_bones(posture: Posture) -> Iterator[BoneShape]:
    """Yield femur, patella, tibia, fibula and foot of both sides."""
    for side in SIDES:
        leg = posture.legs[side]
        yield _femur(posture, side, leg)
        yield _patella(posture, side, leg)
        yield _tibia(posture, side, leg)
        yield _fibula(posture, side, leg)
        yield _foot(posture, side, leg)
