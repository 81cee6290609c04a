"""Femur, patella, tibia, fibula and foot.

Sizes measured on mesh50_XCAT (Auer et al. 2023), on the left side.
"""

from collections.abc import Iterator

import numpy as np

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import to_side
from bonescan.phantom.anatomy.bone_shape import BoneShape
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import LocalFrame, Shape, Tube, Vector

# Toe by toe: base and head of the metatarsal, tip of the toe, in mm in the frame of the foot.
_TOES = (
    ((46, -10, 76), (68, -18, 124), (82, -16, 178)),
    ((42, 2, 80), (66, 2, 130), (82, 7, 170)),
    ((46, 10, 78), (68, 14, 126), (82, 22, 162)),
    ((52, 18, 72), (70, 26, 118), (82, 35, 148)),
    ((62, 27, 58), (74, 44, 106), (83, 51, 134)),
)
# Radii at the base, the middle and the head of the metatarsal, and at the tip of the toe.
_TOE_RADII = ((8.0, 6.5, 9.0, 6.0), *(((6.0, 5.0, 6.0, 4.0),) * 4))


def knee_frame(posture: Posture, side: str) -> LocalFrame:
    """Return the frame of a knee: down the leg, outwards, forwards."""
    leg = posture.legs[side]
    return LocalFrame(leg.knee, leg.knee_frame, posture.scale.bone)


def _ankle_frame(posture: Posture, side: str) -> LocalFrame:
    """Return the frame of an ankle: down the leg, outwards, forwards."""
    leg = posture.legs[side]
    return LocalFrame(leg.ankle, leg.knee_frame, posture.scale.bone)


def foot_frame(posture: Posture, side: str) -> LocalFrame:
    """Return the frame of a foot from the ankle: towards the sole, outwards, towards the toes."""
    leg = posture.legs[side]
    return LocalFrame(leg.ankle, leg.foot_frame, posture.scale.bone)


def _shaft(upper: Vector, lower: Vector, shares: tuple[float, ...], bow: Vector) -> Vector:
    """Return a path through both ends of a bone, bowed at shares of the way between them."""
    straight = upper[-1] + np.array(shares)[:, None] * (lower[0] - upper[-1])
    return np.vstack([upper, straight + bow, lower])


def _femur(posture: Posture, side: str) -> BoneShape:
    scale, knee = posture.bone_scale("femur", side), knee_frame(posture, side)
    # Near the hip the bone keeps the pelvis' directions: row, depth, column.
    hip = LocalFrame(posture.legs[side].hip, to_side(np.eye(3), side), scale)
    corner, below = (26, 8, 36), (66, 6, 31)
    lower = knee.points((-105, 2, 2), (-78, 1, 0), (-58, 0, -2), (-44, 0, -3))
    path = _shaft(hip.points(corner, below), lower, (0.3, 0.65), bow=5 * scale * knee.axes[2])
    radii = np.array([18, 15, 13, 13, 14.5, 18, 24, 31]) * scale
    cavity = Tube(path[1:-2], np.array([6.5, 6.5, 6.5, 8, 10]) * scale)
    condyles: list[Shape] = [
        Tube(path[-3:], radii[-3:], knee.axes[2], (1.1, 1.3, 1.5)),
        knee.ellipsoid((-20, -23, -7), (21, 16, 30)),  # medial
        knee.ellipsoid((-20, 23, -6), (20, 16, 30)),  # lateral
        knee.ellipsoid((-38, 0, 2), (13, 30, 22)),  # the groove of the patella, above the notch
    ]
    shapes: list[Shape] = [
        hip.ellipsoid((0, 0, 0), (24, 24, 24)),  # head
        hip.tube([(0, 0, 0), (30, 8, 32)], (17, 18)),  # neck
        hip.tube([(8, 18, 44), (36, 14, 44)], (13, 16)),  # greater trochanter
        hip.tube([corner, below, (58, 20, 22)], (17, 13, 7)),  # lesser trochanter
        Tube(path[:-2], radii[:-2], knee.axes[2], (1, 1, 1, 1, 1, 1.1)),
        *condyles,
    ]
    return BoneShape.paired("femur", side, shapes, cover_mm=9.0, marrow=[cavity], spongy=condyles)


def _patella(posture: Posture, side: str) -> BoneShape:
    shapes = [knee_frame(posture, side).ellipsoid((-38, 4, 42), (22, 21, 10))]
    return BoneShape.paired("patella", side, shapes, cover_mm=6.0, spongy=shapes)


def _tibia(posture: Posture, side: str) -> BoneShape:
    scale, knee, ankle = (
        posture.bone_scale("tibia", side),
        knee_frame(posture, side),
        _ankle_frame(posture, side),
    )
    upper = knee.points((30, 2, -2), (50, 3, 4), (85, 2, 8))
    lower = ankle.points((-110, -4, 4), (-45, -3, 2), (-14, 0, 0))
    path = _shaft(upper, lower, (0.5,), bow=3 * scale * knee.axes[2])
    radii = np.array([34, 25, 16.5, 14.2, 12.5, 14, 22]) * scale
    cavity = Tube(path[1:-1], np.array([17.5, 13, 10, 8, 9]) * scale)
    ends: list[Shape] = [
        knee.ellipsoid((15, 1, -3), (13, 38, 26), 4),  # plateau
        Tube(path[:3], radii[:3]),
        Tube(path[-2:], radii[-2:]),
        ankle.tube([(-14, -20, 0), (10, -24, 2)], (11, 7)),  # medial malleolus
    ]
    tubercle = knee.tube([(36, 4, 22), (58, 4, 18)], (9, 7))
    shapes: list[Shape] = [*ends, tubercle, Tube(path[2:-1], radii[2:-1])]
    return BoneShape.paired("tibia", side, shapes, cover_mm=6.0, marrow=[cavity], spongy=ends)


def _fibula(posture: Posture, side: str) -> BoneShape:
    upper = knee_frame(posture, side).points((22, 42, -22), (38, 42, -24), (75, 38, -24))
    lower = _ankle_frame(posture, side).points((-100, 24, -16), (-25, 24, -12), (16, 27, -8))
    path = np.vstack([upper, lower])
    radii = np.array([9, 10, 6.5, 6.5, 7.5, 9]) * posture.bone_scale("fibula", side)
    ends = [Tube(path[:3], radii[:3]), Tube(path[-2:], radii[-2:])]
    shapes = [*ends, Tube(path[2:-1], radii[2:-1])]
    return BoneShape.paired("fibula", side, shapes, cover_mm=6.0, spongy=ends)


def _foot(posture: Posture, side: str) -> BoneShape:
    foot = foot_frame(posture, side)
    tarsus: list[Shape] = [
        foot.ellipsoid((15, 0, 4), (15, 20, 26)),  # talus
        foot.tube([(22, 0, 22), (34, -4, 40)], (14, 15)),  # its neck and head
        foot.tube([(44, 8, 20), (46, 4, -10), (54, 2, -34)], (15, 18, 20)),  # calcaneus
        foot.tube([(38, -10, 54), (44, -10, 76)], (15, 13)),  # navicular and cuneiforms
        foot.tube([(44, -8, 74), (50, 18, 66)], (12, 12)),
        foot.tube([(52, 16, 38), (54, 19, 62)], (14, 12)),  # cuboid
    ]
    rays = [
        foot.tube([base, np.add(base, head) / 2, head, tip], radii)
        for (base, head, tip), radii in zip(_TOES, _TOE_RADII, strict=True)
    ]
    spongy = [*tarsus, rays[0]]
    return BoneShape.paired("foot", side, [*tarsus, *rays], cover_mm=9.0, spongy=spongy)


def leg_bones(posture: Posture) -> Iterator[BoneShape]:
    """Yield femur, patella, tibia, fibula and foot of both sides."""
    for side in SIDES:
        for draw in (_femur, _patella, _tibia, _fibula, _foot):
            yield draw(posture, side)
