"""One person's body as it lies on the bed: curves of the spine, turn of the head, arms and legs.

Reference points are those of `bonescan.phantom.anatomy.body_scale`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import (
    HIP_ROW_MM,
    SPINE_DEPTH_MM,
    BodyScale,
    side_sign,
    to_side,
)
from bonescan.phantom.anatomy.limbs import Arm, Leg, bend_arm, bend_leg
from bonescan.phantom.anatomy.person import Person
from bonescan.phantom.anatomy.shapes import Vector
from bonescan.phantom.anatomy.trunk_skin import TRUNK_M, trunk_skin

NOSE_MM = (136.0, 5.0, 0.0)
FRONT_MARGIN_MM = 25.0
"""Empty depth in front of nose and belly: room for breasts and toes."""
NECK_PIVOT_MM = (215.0, 152.0, 0.0)
"""The head turns and nods about the middle of the neck."""
SHOULDER_MM = (303.0, 168.0, 167.0)
"""Centre of the left humeral head."""
HIP_MM = (HIP_ROW_MM, 165.0, 88.0)
"""Centre of the left femoral head."""

SIDE_SIGMA = 0.035
"""Spread of the thickness of paired bones between the sides of one person. A default of ours."""


@dataclass(frozen=True)
class Posture:
    """One person on the bed.

    Attributes:
        person: who.
        field_mm: breadth of the detector's field; the middle of the body lies at half of it.
    """

    person: Person
    field_mm: float

    @cached_property
    def scale(self) -> BodyScale:
        """Sizes over those of the reference man."""
        return BodyScale(self.person)

    def place(self, points: ArrayLike) -> Vector:
        """Return reference points (n, 3) or (3,) of head and trunk in mm of the grid."""
        return self.lay(self._straight(points))

    def _straight(self, points: ArrayLike) -> Vector:
        """Return reference points in mm from the person's vertex, before they lie on the bed."""
        point = np.asarray(points, dtype=float)
        row, depth, column = point[..., 0], point[..., 1], point[..., 2]
        column = column * self.scale.breadth_at(row)
        column = column * np.where(column < 0, self.person.asymmetry, 1 / self.person.asymmetry)
        depth = SPINE_DEPTH_MM + (depth - SPINE_DEPTH_MM) * self.scale.depth_at(row)
        depth = depth + _kyphosis_mm(self.scale, row)
        lower, forward = self._skew(row, column)
        column = column + _scoliosis_mm(self.person, point[..., 0])
        return np.stack([self.scale.row(row) + lower, depth - forward, column], -1)

    def _skew(self, row_mm: Vector | float, column_mm: Vector | float) -> tuple[Vector, Vector]:
        """Return by how much a place is lower and farther in front than in a straight trunk.

        Args:
            row_mm: of the place on the reference man.
            column_mm: of the place on this person.
        """
        person, column = self.person, np.asarray(column_mm)
        tilts = (0.0, person.shoulder_tilt_deg, 0.0, 0.0, person.hip_tilt_deg)
        tilt = np.interp(np.asarray(row_mm), (230.0, 300.0, 460.0, 640.0, 730.0), tilts)
        turn = np.interp(np.asarray(row_mm), (230.0, 280.0), (0.0, person.turn_deg))
        return column * np.tan(np.radians(tilt)), column * np.tan(np.radians(turn))

    def bone_scale(self, bone: str, side: str) -> float:
        """Return the thickness of a paired bone over the reference man's."""
        odd = float(self.vary(f"{bone} {side}", 1)[0])
        return self.scale.bone * (1 + SIDE_SIGMA * odd)

    def lay(self, points: ArrayLike) -> Vector:
        """Return points of a straight body (mm from the vertex) as they lie on the bed.

        The tilt is a shear, which keeps rows: at most 2.5 degrees, it differs from a rotation by
        less than 1 mm.
        """
        point = np.array(points, dtype=float)
        lean = np.tan(np.radians(self.person.tilt_deg))
        top, aside = self.person.shift_mm
        point[..., 2] += self.field_mm / 2 + aside + lean * (point[..., 0] - HIP_ROW_MM)
        point[..., 0] += top
        point[..., 1] += self.front_mm
        return point

    @cached_property
    def front_mm(self) -> float:
        """Depth in the grid of the reference depth zero: room for nose and belly."""
        offset = self.head_turn.apply(np.array(NOSE_MM) - NECK_PIVOT_MM) * self.scale.head
        nose = float((self._straight(NECK_PIVOT_MM) + offset)[1])
        rows = np.array(TRUNK_M)[:, 0]
        axis = self._straight(np.stack([rows, 0 * rows + SPINE_DEPTH_MM, 0 * rows], axis=1))
        belly = float((axis[:, 1] + trunk_skin(self.scale, rows)[1]).min())
        return FRONT_MARGIN_MM - min(nose, belly, 0.0)

    @cached_property
    def head_turn(self) -> Rotation:
        """Rotation of the head on (row, depth, column) vectors."""
        person = self.person
        return Rotation.from_euler(
            "xyz",
            [-person.head_turn_deg, person.head_tilt_deg, person.head_nod_deg],
            degrees=True,
        )

    def place_head(self, points: ArrayLike) -> Vector:
        """Return reference points of the skull, turned and nodded, in mm of the grid."""
        pivot = np.asarray(NECK_PIVOT_MM)
        moved = self.head_turn.apply(np.atleast_2d(np.asarray(points, dtype=float)) - pivot)
        moved = moved * self.scale.head
        return (moved + self.place(pivot)).reshape(np.shape(points))

    def vary(self, bone: str, number: int) -> Vector:
        """Return standard normal deviates of a bone's shape, always the same for one person."""
        person = self.person
        rng = np.random.default_rng([person.shape_seed, crc32(bone.encode())])
        return person.shape_spread * rng.standard_normal(number).clip(-2.5, 2.5)

    @cached_property
    def arms(self) -> Mapping[str, Arm]:
        """Both arms by side, in mm of the grid."""
        return {side: self._arm(side) for side in SIDES}

    def _arm(self, side: str) -> Arm:
        shoulder = self._moved(_shoulder(self.scale), SHOULDER_MM[0], side)
        arm = bend_arm(shoulder, self.person.limb_angles(side), self.scale)
        joints = [self.lay(to_side(joint, side)) for joint in (arm.shoulder, arm.elbow, arm.wrist)]
        return Arm(joints[0], joints[1], joints[2], to_side(arm.hand, side))

    def _moved(self, joint: Vector, row_mm: float, side: str) -> Vector:
        """Return a joint of the left side as the skewed trunk carries it on a side."""
        lower, forward = self._skew(row_mm, side_sign(side) * joint[2])
        return joint + np.array([float(lower), -float(forward), 0.0])

    @cached_property
    def legs(self) -> Mapping[str, Leg]:
        """Both legs by side, in mm of the grid."""
        return {side: self._leg(side) for side in SIDES}

    def _leg(self, side: str) -> Leg:
        hip = self._moved(_hip(self.scale), HIP_ROW_MM, side)
        leg = bend_leg(hip, self.person.limb_angles(side), self.scale)
        joints = [self.lay(to_side(joint, side)) for joint in (leg.hip, leg.knee, leg.ankle)]
        knee_frame, foot_frame = to_side(leg.knee_frame, side), to_side(leg.foot_frame, side)
        return Leg(joints[0], joints[1], joints[2], knee_frame, foot_frame)


def _kyphosis_mm(scale: BodyScale, row_mm: Vector) -> Vector:
    """Return the shift in depth: a rounder back bends forward above the eighth vertebra."""
    above = np.clip(440.0 - row_mm, 0, 200)
    bend = np.radians(scale.person.kyphosis_deg) / 300.0
    slope = np.clip(240.0 - row_mm, 0, None) * bend * 60.0
    return -(0.5 * bend * above**2 + slope) * scale.height


def _scoliosis_mm(person: Person, row_mm: Vector) -> Vector:
    """Return the shift along columns: one arch from T4 to L3, undone above and below."""
    length = 300.0
    amplitude = length / np.pi * np.tan(np.radians(person.scoliosis_deg) / 2)
    phase = np.clip((row_mm - 250.0) / 490.0, 0, 1)
    return amplitude * np.sin(np.pi * phase) ** 2


def _shoulder(scale: BodyScale) -> Vector:
    """Return the left shoulder joint of a straight body, in mm from the vertex."""
    row, depth, column = SHOULDER_MM
    depth = SPINE_DEPTH_MM + (depth - SPINE_DEPTH_MM) * scale.chest
    bent = depth + float(_kyphosis_mm(scale, np.array(row)))
    return np.array([float(scale.row(row)), bent, column * scale.shoulders])


def _hip(scale: BodyScale) -> Vector:
    """Return the left hip joint of a straight body, in mm from the vertex."""
    row, depth, column = HIP_MM
    depth = SPINE_DEPTH_MM + (depth - SPINE_DEPTH_MM) * scale.height
    return np.array([float(scale.row(row)), depth, column * scale.pelvis])
