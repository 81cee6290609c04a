"""From the reference anatomy's millimetres to one person's: sizes, curves, joints and directions.

Everything axial is described in the frame of a standing reference man of 1750 mm (row, depth,
column in mm): row from the vertex down, depth from anterior to posterior with the belly's skin at
about 30 and the back's at 276, column from the midline, positive towards the patient's left. Sizes
measured on mesh50_XCAT, Auer et al. 2023, doi 10.1088/1361-6560/acbde2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.person import Limbs, Person
from bonescan.phantom.anatomy.shapes import unit
from bonescan.phantom.anatomy.trunk_skin import (
    BONES_OF_TRUNK,
    FEMALE_TRUNK,
    LEAST_COVER_MM,
    TRUNK_M,
)

Vector = NDArray[np.float64]

REFERENCE_HEIGHT_MM = 1750.0
REFERENCE_WEIGHT_KG = 71.0
"""The reference man's body fills 73.8 litres, his lungs 2.8 of them."""
_REFERENCE_FULLNESS = REFERENCE_WEIGHT_KG / REFERENCE_HEIGHT_MM**3
NECK_ROW_MM = 250.0
HIP_ROW_MM = 838.0
LEG_MM = REFERENCE_HEIGHT_MM - HIP_ROW_MM
BED_MM = 278.0
"""Depth of the bed's surface under the reference man's back."""
SPINE_DEPTH_MM = 205.0
"""Depth about which the trunk grows or shrinks."""
NOSE_MM = (136.0, 5.0, 0.0)
FRONT_MARGIN_MM = 25.0
"""Empty depth in front of nose and belly: room for breasts and toes."""
NECK_PIVOT_MM = (215.0, 152.0, 0.0)
"""The head turns and nods about the middle of the neck."""

UPPER_ARM_MM, FOREARM_MM = 290.0, 252.0
"""Centre of the humeral head to the elbow's axis, and from there to the wrist."""
THIGH_MM, SHANK_MM = 447.0, 383.0
"""Centre of the femoral head to the knee joint, and from there to the ankle joint."""
SHOULDER_MM = (303.0, 168.0, 167.0)
HIP_MM = (HIP_ROW_MM, 165.0, 88.0)

_PARTS_MM = (230.0, 300.0, 560.0, 720.0)
"""Rows of the lower jaw, of the top and the bottom of the rib cage, and of the iliac crest."""

# Breadths of women relative to men of the same height: biacromial 0.217 against 0.228 and
# bi-iliac 0.176 against 0.168 of the height (NASA-STD-3000 anthropometry, rounded).
_FEMALE_CHEST, _FEMALE_PELVIS, _FEMALE_BONE = 0.95, 1.05, 0.92


def side_sign(side: str) -> float:
    """Return the sign of the column axis on a side: the patient's left is positive."""
    return 1.0 if side == "left" else -1.0


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


@dataclass(frozen=True)
class Posture:
    """Places of one person's body on the bed.

    Attributes:
        person: whose body.
        field_mm: breadth of the detector's field; the middle of the body lies at half of it.
    """

    person: Person
    field_mm: float

    @cached_property
    def height_scale(self) -> float:
        """Height over the reference man's."""
        return self.person.height_mm / REFERENCE_HEIGHT_MM

    @cached_property
    def head_scale(self) -> float:
        """Size of the head over the reference man's; heads vary half as much as heights."""
        female = 0.975 if self.person.sex == "F" else 1.0
        return (0.5 + 0.5 * self.height_scale) * self.person.head_scale * female

    @cached_property
    def limb_scale(self) -> float:
        """Length of the legs over the reference man's."""
        return self.height_scale * self.person.leg_scale

    @cached_property
    def arm_scale(self) -> float:
        """Length of the arms over the reference man's; arms follow the legs half way."""
        return self.height_scale * (0.5 + 0.5 * self.person.leg_scale)

    @cached_property
    def trunk_scale(self) -> float:
        """Length of the trunk over the reference man's: what head and legs leave of the height."""
        rest = self.person.height_mm - NECK_ROW_MM * self.head_scale - LEG_MM * self.limb_scale
        return rest / (HIP_ROW_MM - NECK_ROW_MM)

    @cached_property
    def bone_scale(self) -> float:
        """Thickness of bones over the reference man's."""
        return self.height_scale * (_FEMALE_BONE if self.person.sex == "F" else 1.0)

    @cached_property
    def girth(self) -> float:
        """Fullness of the flesh: 1 for the reference man's build at any height.

        Weight over the cube of height, with a power above one because head, hands, feet and bones
        hardly grow with weight, so that the rest has to.
        """
        fullness = self.person.weight_kg / self.person.height_mm**3
        return float((fullness / _REFERENCE_FULLNESS) ** 1.25)

    @cached_property
    def chest_scale(self) -> float:
        """Breadth and depth of the rib cage over the reference man's."""
        female = _FEMALE_CHEST if self.person.sex == "F" else 1.0
        return self.height_scale * self.person.chest_scale * female * self.girth**0.1

    @cached_property
    def shoulder_scale(self) -> float:
        """Breadth of the shoulders over the reference man's."""
        female = _FEMALE_CHEST if self.person.sex == "F" else 1.0
        return self.height_scale * self.person.shoulder_scale * female * self.girth**0.06

    @cached_property
    def pelvis_scale(self) -> float:
        """Breadth of the pelvis over the reference man's."""
        female = _FEMALE_PELVIS if self.person.sex == "F" else 1.0
        return self.height_scale * self.person.pelvis_scale * female

    def breadth_scale(self, row_mm: ArrayLike) -> Vector:
        """Return the scale of columns at reference rows."""
        scales = [self.head_scale, self.chest_scale, self.chest_scale, self.pelvis_scale]
        return np.interp(np.asarray(row_mm, dtype=float), _PARTS_MM, scales)

    def depth_scale(self, row_mm: ArrayLike) -> Vector:
        """Return the scale of depths at reference rows."""
        scales = [self.head_scale, self.chest_scale, self.chest_scale, self.height_scale]
        return np.interp(np.asarray(row_mm, dtype=float), _PARTS_MM, scales)

    def row(self, row_mm: ArrayLike) -> Vector:
        """Return rows of the person, from the vertex, for reference rows of head and trunk."""
        head = NECK_ROW_MM * self.head_scale
        trunk = (HIP_ROW_MM - NECK_ROW_MM) * self.trunk_scale
        row = np.asarray(row_mm, dtype=float)
        below = head + trunk + (row - HIP_ROW_MM) * self.height_scale
        return np.where(
            row > HIP_ROW_MM,
            below,
            np.interp(row, [0, NECK_ROW_MM, HIP_ROW_MM], [0, head, head + trunk]),
        )

    def place(self, points: ArrayLike) -> Vector:
        """Return places (n, 3) or (3,) of head and trunk in mm of the grid."""
        return self.lay(self._straight(points))

    def _straight(self, points: ArrayLike) -> Vector:
        """Return places of head and trunk in mm from the vertex, before they lie on the bed."""
        point = np.asarray(points, dtype=float)
        row, depth, column = point[..., 0], point[..., 1], point[..., 2]
        column = column * self.breadth_scale(row)
        column = column * np.where(column < 0, self.person.asymmetry, 1 / self.person.asymmetry)
        depth = SPINE_DEPTH_MM + (depth - SPINE_DEPTH_MM) * self.depth_scale(row)
        return np.stack(
            [self.row(row), depth + self._kyphosis(row), column + self._scoliosis(row)], axis=-1
        )

    def lay(self, points: ArrayLike) -> Vector:
        """Return places of a straight body (mm from the vertex) as they lie on the bed.

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

    def _kyphosis(self, row_mm: Vector) -> Vector:
        """Return the shift in depth: a rounder back bends forward above the eighth vertebra."""
        above = np.clip(440.0 - row_mm, 0, 200)
        bend = np.radians(self.person.kyphosis_deg) / 300.0
        slope = np.clip(240.0 - row_mm, 0, None) * bend * 60.0
        return -(0.5 * bend * above**2 + slope) * self.height_scale

    def _scoliosis(self, row_mm: Vector) -> Vector:
        """Return the shift along columns: one arch from T4 to L3, undone above and below."""
        length = 300.0
        amplitude = length / np.pi * np.tan(np.radians(self.person.scoliosis_deg) / 2)
        phase = np.clip((row_mm - 250.0) / 490.0, 0, 1)
        return amplitude * np.sin(np.pi * phase) ** 2

    @cached_property
    def front_mm(self) -> float:
        """Depth of the grid at the reference frame's zero: room for nose and belly."""
        offset = self.head_turn.apply(np.array(NOSE_MM) - NECK_PIVOT_MM) * self.head_scale
        nose = float((self._straight(NECK_PIVOT_MM) + offset)[1])
        rows = np.array(TRUNK_M)[:, 0]
        axis = self._straight(np.stack([rows, 0 * rows + SPINE_DEPTH_MM, 0 * rows], axis=1))
        belly = float((axis[:, 1] + self.trunk_skin(rows)[1]).min())
        return FRONT_MARGIN_MM - min(nose, belly, 0.0)

    @cached_property
    def bed_mm(self) -> float:
        """Depth of the bed in the straight body's frame."""
        return SPINE_DEPTH_MM + (BED_MM - SPINE_DEPTH_MM) * self.height_scale * self.girth**0.3

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
        """Return places of the skull, turned and nodded, in mm of the grid."""
        pivot = np.asarray(NECK_PIVOT_MM)
        moved = self.head_turn.apply(np.atleast_2d(np.asarray(points, dtype=float)) - pivot)
        moved = moved * self.head_scale
        return (moved + self.place(pivot)).reshape(np.shape(points))

    def turn_neck(self, share: float) -> Rotation:
        """Return the part of the head's rotation that a level of the neck follows."""
        return Rotation.from_rotvec(self.head_turn.as_rotvec() * share)

    @cached_property
    def arms(self) -> Mapping[str, Arm]:
        """Both arms, beside the trunk as its breadth allows."""
        return {side: self._arm(side_sign(side), self.person.limbs(side)) for side in SIDES}

    @cached_property
    def legs(self) -> Mapping[str, Leg]:
        """Both legs, lying on the bed."""
        return {side: self._leg(side_sign(side), self.person.limbs(side)) for side in SIDES}

    def trunk_skin(self, row_mm: ArrayLike) -> tuple[Vector, Vector, Vector]:
        """Return the skin of the trunk at reference rows, in mm.

        Returns:
            The half breadth, and the places of front and back along the depth, counted from
            `SPINE_DEPTH_MM` of the reference frame.
        """
        row_mm = np.asarray(row_mm, dtype=float)
        level, breadth, front, back, wide, deep = np.array(TRUNK_M).T
        if self.person.sex == "F":
            breadth = breadth * np.interp(level, *FEMALE_TRUNK)
        height, girth = self.height_scale, self.girth
        half = np.interp(row_mm, level, breadth) * height * girth ** np.interp(row_mm, level, wide)
        front = np.interp(row_mm, level, front) - SPINE_DEPTH_MM
        back = np.interp(row_mm, level, back) - SPINE_DEPTH_MM
        front = front * height * girth ** np.interp(row_mm, level, deep)
        rows, bone_half, bone_front = np.array(BONES_OF_TRUNK).T
        core = np.interp(row_mm, rows, bone_half) * self.breadth_scale(row_mm)
        half = np.maximum(half, core + LEAST_COVER_MM)
        core = (np.interp(row_mm, rows, bone_front) - SPINE_DEPTH_MM) * self.depth_scale(row_mm)
        front = np.minimum(front, core - LEAST_COVER_MM)
        return half, front, back * height * girth**0.3

    def _arm(self, sign: float, limbs: Limbs) -> Arm:
        row, depth, column = SHOULDER_MM
        arm = self.arm_scale
        thick = self.girth**0.5 * self.height_scale
        shoulder = np.array(
            [
                float(self.row(row)),
                SPINE_DEPTH_MM
                + (depth - SPINE_DEPTH_MM) * self.chest_scale
                + float(self._kyphosis(np.array(row))),
                column * self.shoulder_scale,
            ]
        )
        out = np.radians(limbs.arm_abduction)
        elbow_column = max(
            shoulder[2] + UPPER_ARM_MM * arm * np.sin(out + np.radians(5)),
            float(self.trunk_skin(540.0)[0]) + 34 * thick,
        )
        elbow = self._reach(shoulder, UPPER_ARM_MM * arm, self.bed_mm - 46 * thick, elbow_column)
        wrist_column = max(
            elbow[2] - FOREARM_MM * arm * np.sin(np.radians(limbs.elbow_flexion)),
            float(self.trunk_skin(800.0)[0]) + 30 * thick,
        )
        wrist = self._reach(elbow, FOREARM_MM * arm, self.bed_mm - 42 * thick, wrist_column)
        along = unit(unit(wrist - elbow) + np.array([1.0, 0.0, 0.0]))
        roll = np.radians(limbs.hand_roll)
        across = unit(np.cross(along, [0.0, np.sin(roll), -np.cos(roll)]))
        frame = np.array([along, across, np.cross(along, across)])
        mirror = np.array([1.0, 1.0, sign])
        joints = [self.lay(joint * mirror) for joint in (shoulder, elbow, wrist)]
        return Arm(joints[0], joints[1], joints[2], frame * mirror)

    @staticmethod
    def _reach(start: Vector, length: float, depth: float, column: float) -> Vector:
        """Return the end of a limb of a given length with a given depth and column."""
        limit = 0.85 * length
        down = np.clip(depth - start[1], -limit, limit)
        aside = np.clip(column - start[2], -limit, limit)
        rest = np.sqrt(max(length**2 - down**2 - aside**2, (0.4 * length) ** 2))
        return start + np.array([rest, down, aside])

    def _leg(self, sign: float, limbs: Limbs) -> Leg:
        scale = self.limb_scale
        thick = self.girth**0.4 * self.height_scale
        hip = np.array(
            [
                float(self.row(HIP_MM[0])),
                SPINE_DEPTH_MM + (HIP_MM[1] - SPINE_DEPTH_MM) * self.height_scale,
                HIP_MM[2] * self.pelvis_scale,
            ]
        )
        spread = np.sin(np.radians(limbs.leg_spread))
        knee_column = max(hip[2] + THIGH_MM * scale * spread, 62 * thick)
        knee = self._reach(hip, THIGH_MM * scale, self.bed_mm - 68 * thick, knee_column)
        ankle_column = max(knee[2] + SHANK_MM * scale * (spread - 0.06), 45 * thick)
        drop, turn = np.radians([limbs.foot_drop, limbs.leg_rotation])
        # The heel lies on the bed: 54 mm below and 32 mm behind the ankle, 26 mm thick with skin.
        heel = (54 * np.sin(drop) + 32 * np.cos(drop) + 26) * self.bone_scale
        ankle = self._reach(knee, SHANK_MM * scale, self.bed_mm - heel, ankle_column)
        along = unit(ankle - hip)
        forward = unit([0.0, -np.cos(turn), np.sin(turn)])
        outward = unit(np.cross(along, forward))
        outward = outward * np.sign(outward[2])
        forward = unit(forward - along * (forward @ along))
        toes = np.cos(drop) * forward + np.sin(drop) * along
        sole = np.cos(drop) * along - np.sin(drop) * forward
        mirror = np.array([1.0, 1.0, sign])
        joints = [self.lay(joint * mirror) for joint in (hip, knee, ankle)]
        knee_frame = np.array([along, outward, forward]) * mirror
        foot_frame = np.array([sole, outward, toes]) * mirror
        return Leg(joints[0], joints[1], joints[2], knee_frame, foot_frame)
