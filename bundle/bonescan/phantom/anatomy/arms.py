"""Humerus, forearm and hand."""

from collections.abc import Iterator

import numpy as np

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import side_sign
from bonescan.phantom.anatomy.bone_shape import BoneShape
from bonescan.phantom.anatomy.limbs import Arm
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import Ellipsoid, LocalFrame, Shape, Tube, Vector, unit

# Per finger, base and head of the metacarpal, then middle and tip of the finger, in mm in
# the frame of the hand. Mean adult hand.
_FINGERS = (
    ((14, -17, 4), (44, -38, 14), (72, -50, 20), (98, -56, 24)),
    ((28, -14, 0), (86, -24, 0), (130, -29, 8), (166, -30, 20)),
    ((28, -3, 0), (84, -4, 0), (133, -5, 9), (176, -5, 22)),
    ((28, 8, 0), (78, 14, 0), (122, 18, 9), (164, 20, 21)),
    ((27, 17, 0), (72, 31, 0), (106, 39, 8), (138, 44, 17)),
)
# The carpal bones, along and across the hand in the same frame.
_CARPUS = ((8, -12), (9, 2), (8, 14), (20, -15), (21, -3), (20, 8), (19, 17))


def _upper_arm_axes(arm: Arm, side: str) -> Vector:
    """Return the axes of the humerus, one per row: down, outwards, forwards."""
    down = unit(arm.elbow - arm.shoulder)
    aside = np.array([0.0, 0.0, side_sign(side)])
    outward = unit(aside - (aside @ down) * down)
    return np.array([down, outward, np.cross(outward, down) * side_sign(side)])


def _humerus(posture: Posture, side: str) -> BoneShape:
    scale, arm = posture.bone_scale("humerus", side), posture.arms[side]
    axes = _upper_arm_axes(arm, side)
    shoulder, elbow = (LocalFrame(joint, axes, scale) for joint in (arm.shoulder, arm.elbow))
    upper = shoulder.points((8, 8, 0), (40, 8, 0), (95, 6, 0))
    lower = elbow.points((-95, 0, -2), (-45, 0, 0), (-22, 0, 0))
    radii = np.array([21, 14.5, 11, 10.5, 14, 21]) * scale
    path = np.vstack([upper, lower])
    cavity = Tube(path[1:-1], np.array([9, 6, 5.5, 6]) * scale)
    ends: list[Shape] = [
        Ellipsoid(arm.shoulder, np.full(3, 23.0) * scale),  # head
        shoulder.ellipsoid((4, 14, 4), (20, 14, 18)),  # tubercles
        Tube(path[:2], radii[:2]),
        Tube(path[-2:], radii[-2:], axes[2], (1.4, 1.9)),
        elbow.tube([(0, -18, 0), (0, 20, 0)], (13, 11)),  # trochlea and capitulum
        elbow.ellipsoid((-13, -20, -2), (10, 6, 6)),  # epicondyles
        elbow.ellipsoid((-12, 20, -2), (10, 6, 7)),
    ]
    shapes = [*ends, Tube(path[1:-1], radii[1:-1], axes[2], (1, 1, 1, 1.4))]
    return BoneShape.paired("humerus", side, shapes, cover_mm=9.0, marrow=[cavity], spongy=ends)


def _forearm(posture: Posture, side: str) -> BoneShape:
    """Return ulna and radius as one bone of the scan."""
    scale, arm = posture.bone_scale("forearm", side), posture.arms[side]
    axis = arm.wrist - arm.elbow
    across = unit(np.cross(np.cross(axis, arm.hand[1]), axis))
    share = np.array([-0.06, 0.04, 0.14, 0.45, 0.75, 0.97])[:, None]
    ulna = arm.elbow + share * axis + across * np.array([[6], [8], [8], [13], [12], [14]]) * scale
    share = np.array([0.07, 0.13, 0.45, 0.75, 0.92, 0.985])[:, None]
    radius = (
        arm.elbow
        + share * axis
        + across * np.array([[-13], [-11], [-14], [-13], [-9], [-8]]) * scale
    )
    shapes = [
        Tube(ulna, np.array([11, 13, 9, 6.5, 6, 8]) * scale),
        Tube(
            radius, np.array([11, 7, 7.5, 7.5, 11, 15]) * scale, arm.hand[2], [1, 1, 1, 1, 1.2, 1.5]
        ),
    ]
    return BoneShape.paired("forearm", side, shapes, cover_mm=8.0)


def hand_frame(posture: Posture, side: str) -> LocalFrame:
    """Return the frame of a hand from the wrist.

    It points along the hand, across it towards the little finger, and towards the palm.
    """
    arm = posture.arms[side]
    return LocalFrame(arm.wrist, arm.hand, posture.scale.bone)


def _hand(posture: Posture, side: str) -> BoneShape:
    hand, radii = hand_frame(posture, side), np.full(3, 7.5) * posture.scale.bone
    shapes: list[Shape] = [
        Ellipsoid(hand.point((along, across, 0)), radii) for along, across in _CARPUS
    ]
    for finger in _FINGERS:
        shapes.append(hand.tube(finger[:2], (6, 6.5)))
        shapes.append(hand.tube(finger[1:], (5.5, 5, 3.5)))
    return BoneShape.paired("hand", side, shapes, cover_mm=7.0)


def arm_bones(posture: Posture) -> Iterator[BoneShape]:
    """Yield humerus, forearm and hand of both sides."""
    for side in SIDES:
        for draw in (_humerus, _forearm, _hand):
            yield draw(posture, side)
