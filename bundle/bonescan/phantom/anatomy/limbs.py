"""Arms and legs: where their joints lie, given the lengths of their bones and the bed.

Points are in mm from the vertex of a body that lies straight, on its left side.
"""

from dataclasses import dataclass

import numpy as np

from bonescan.phantom.anatomy.body_scale import SPINE_DEPTH_MM, BodyScale
from bonescan.phantom.anatomy.person import LimbAngles
from bonescan.phantom.anatomy.shapes import Vector, unit
from bonescan.phantom.anatomy.trunk_skin import trunk_skin

UPPER_ARM_MM, FOREARM_MM = 290.0, 252.0
"""Centre of the humeral head to the elbow's axis, and from there to the wrist."""
THIGH_MM, SHANK_MM = 447.0, 383.0
"""Centre of the femoral head to the knee joint, and from there to the ankle joint."""
TIBIAL_TORSION_DEG = 20.0
"""By how much the foot is turned farther outwards than the knee: 20 to 30 degrees in adults."""

UNDER_FLANK = 0.88
"""Breadth of the trunk at the depth of an arm that lies on the bed, over its greatest breadth: the
flank is round, and the arm lies below it. Computed from the trunk's sections."""
PRESSED = 0.03
"""Share by which each degree of abduction below zero presses the arm into the flank. A default of
ours."""


@dataclass(frozen=True)
class Arm:
    """Joints of one arm in mm and the frame of the hand (rows: along, across, palm)."""

    shoulder: Vector
    elbow: Vector
    wrist: Vector
    hand: Vector


@dataclass(frozen=True)
class Leg:
    """Joints of one leg in mm and its frames (rows: along, outward, forward).

    Attributes:
        hip: centre of the femoral head.
        knee: middle of the joint.
        ankle: middle of the joint.
        knee_frame: of the femur's condyles and the tibia.
        foot_frame: of the foot: along is towards the sole, forward towards the toes.
    """

    hip: Vector
    knee: Vector
    ankle: Vector
    knee_frame: Vector
    foot_frame: Vector


def bend_arm(shoulder: Vector, angles: LimbAngles, scale: BodyScale) -> Arm:
    """Return an arm that lies on the bed as close to the trunk as its breadth allows.

    With the hand on the belly the forearm rests on the flank.
    """
    thick = scale.girth**0.5 * scale.height
    upper_arm, forearm = UPPER_ARM_MM * scale.arm, FOREARM_MM * scale.arm
    out = np.radians(angles.arm_abduction)
    flank = UNDER_FLANK * (1 + PRESSED * min(angles.arm_abduction, 0.0))
    elbow_column = max(
        shoulder[2] + upper_arm * np.sin(out + np.radians(5)),
        flank * float(trunk_skin(scale, 540.0)[0]) + 30 * thick,
    )
    lift = 46 + 30 * angles.on_belly
    elbow = _reach(shoulder, upper_arm, scale.bed_mm - lift * thick, elbow_column)
    if angles.on_belly:
        breadth, front, _ = (float(x) for x in trunk_skin(scale, 660.0))
        wrist_depth, wrist_column = SPINE_DEPTH_MM + 0.72 * front, 0.78 * breadth
    else:
        wrist_depth = scale.bed_mm - 42 * thick
        wrist_column = max(
            elbow[2] - forearm * np.sin(np.radians(angles.elbow_flexion)),
            flank * float(trunk_skin(scale, 800.0)[0]) + 26 * thick,
        )
    wrist = _reach(elbow, forearm, wrist_depth, wrist_column)
    along = unit(unit(wrist - elbow) + np.array([1.0, 0.0, 0.0]))
    roll = np.radians(angles.hand_roll)
    across = unit(np.cross(along, [0.0, np.sin(roll), -np.cos(roll)]))
    return Arm(shoulder, elbow, wrist, np.array([along, across, np.cross(along, across)]))


def bend_leg(hip: Vector, angles: LimbAngles, scale: BodyScale) -> Leg:
    """Return a leg whose calf and heel lie on the bed."""
    thick = scale.girth**0.4 * scale.height
    spread = np.sin(np.radians(angles.leg_spread))
    knee_column = max(hip[2] + THIGH_MM * scale.leg * spread, 54 * thick)
    knee = _reach(hip, THIGH_MM * scale.leg, scale.bed_mm - 68 * thick, knee_column)
    ankle_column = max(knee[2] + SHANK_MM * scale.leg * (spread - 0.06), 45 * thick)
    drop, turn = np.radians([angles.foot_drop, angles.leg_rotation])
    # The heel lies on the bed: 54 mm below and 32 mm behind the ankle, 26 mm thick with skin.
    heel = (54 * np.sin(drop) + 32 * np.cos(drop) + 26) * scale.bone
    ankle = _reach(knee, SHANK_MM * scale.leg, scale.bed_mm - heel, ankle_column)
    half_torsion = np.radians(TIBIAL_TORSION_DEG / 2)
    knee_frame = _leg_frame(ankle - hip, turn - half_torsion)
    along, outward, forward = _leg_frame(ankle - hip, turn + half_torsion)
    toes = np.cos(drop) * forward + np.sin(drop) * along
    sole = np.cos(drop) * along - np.sin(drop) * forward
    return Leg(hip, knee, ankle, knee_frame, np.array([sole, outward, toes]))


def _leg_frame(axis: Vector, turn: float) -> Vector:
    """Return the directions along an axis, outward and forward of a leg turned by an angle."""
    along = unit(axis)
    forward = unit([0.0, -np.cos(turn), np.sin(turn)])
    outward = unit(np.cross(along, forward))
    outward = outward * np.sign(outward[2])
    return np.array([along, outward, unit(forward - along * (forward @ along))])


def _reach(start: Vector, length: float, depth: float, column: float) -> Vector:
    """Return the lower end of a bone of a given length whose depth and column are given."""
    limit = 0.85 * length
    down = np.clip(depth - start[1], -limit, limit)
    aside = np.clip(column - start[2], -limit, limit)
    rest = np.sqrt(max(length**2 - down**2 - aside**2, (0.4 * length) ** 2))
    return start + np.array([rest, down, aside])
