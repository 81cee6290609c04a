"""The reference man whom the anatomy is written for, and one person's sizes relative to his.

He stands 1750 mm tall. Points of his head and trunk are (row, depth, column) in mm: row from the
vertex down, depth from anterior to posterior with the skin of the belly at about 30 and that of the
back at 276, column from the midline, positive towards the patient's left. Sizes measured on
mesh50_XCAT, Auer et al. 2023, doi 10.1088/1361-6560/acbde2.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from bonescan.phantom.anatomy.person import Person
from bonescan.phantom.anatomy.shapes import Vector

REFERENCE_HEIGHT_MM = 1750.0
REFERENCE_WEIGHT_KG = 71.0
"""The reference man's body fills 73.8 litres, his lungs 2.8 of them."""
NECK_ROW_MM = 250.0
HIP_ROW_MM = 838.0
LEG_MM = REFERENCE_HEIGHT_MM - HIP_ROW_MM
BED_MM = 278.0
"""Depth of the bed's surface under the reference man's back."""
SPINE_DEPTH_MM = 205.0
"""Depth about which the trunk grows or shrinks."""

_REFERENCE_FULLNESS = REFERENCE_WEIGHT_KG / REFERENCE_HEIGHT_MM**3
_LEVELS_MM = (230.0, 300.0, 560.0, 720.0)
"""Rows of the lower jaw, of the top and the bottom of the rib cage, and of the iliac crest."""

# Breadths of women relative to men of the same height: biacromial 0.217 against 0.228 and
# bi-iliac 0.176 against 0.168 of the height (NASA-STD-3000 anthropometry, rounded).
_FEMALE_CHEST, _FEMALE_PELVIS, _FEMALE_BONE, _FEMALE_HEAD = 0.95, 1.05, 0.92, 0.975

LEAN = 0.92
"""Girth of the reference man below his fat."""
LEAN_SHARE = 0.35
"""Share of what a body gains in girth that is not fat: muscle, organs and the fat between them."""
FEMALE_LEAN = 0.88
"""Girth of women below their fat over that of men as heavy and tall.

All three are defaults of ours, chosen so that fat takes up 10 to 20 % of lean and 30 to 45 % of
obese men, and more of women."""


def side_sign(side: str) -> float:
    """Return the sign of the column axis on a side: the patient's left is positive."""
    return 1.0 if side == "left" else -1.0


def to_side(vectors: ArrayLike, side: str) -> Vector:
    """Return points or directions (..., 3) of the left side mirrored to a side."""
    return np.asarray(vectors, dtype=float) * [1.0, 1.0, side_sign(side)]


@dataclass(frozen=True)
class BodyScale:
    """Sizes of one person over those of the reference man."""

    person: Person

    @cached_property
    def height(self) -> float:
        """Standing height."""
        return self.person.height_mm / REFERENCE_HEIGHT_MM

    @cached_property
    def head(self) -> float:
        """Size of the head; heads vary half as much as heights."""
        return (0.5 + 0.5 * self.height) * self.person.head_scale * self._if_female(_FEMALE_HEAD)

    @cached_property
    def leg(self) -> float:
        """Length of the legs."""
        return self.height * self.person.leg_scale

    @cached_property
    def arm(self) -> float:
        """Length of the arms, which follow the legs half way."""
        return self.height * (0.5 + 0.5 * self.person.leg_scale)

    @cached_property
    def trunk(self) -> float:
        """Length of the trunk: what head and legs leave of the height."""
        rest = self.person.height_mm - NECK_ROW_MM * self.head - LEG_MM * self.leg
        return rest / (HIP_ROW_MM - NECK_ROW_MM)

    @cached_property
    def bone(self) -> float:
        """Thickness of bones."""
        return self.height * self._if_female(_FEMALE_BONE)

    @cached_property
    def girth(self) -> float:
        """Fullness of the flesh: 1 for the reference man's build at any height.

        Weight over the cube of height, with a power above one because head, hands, feet and bones
        hardly grow with weight, so that the rest has to.
        """
        fullness = self.person.weight_kg / self.person.height_mm**3
        return float((fullness / _REFERENCE_FULLNESS) ** 1.25)

    @cached_property
    def lean_girth(self) -> float:
        """Fullness of muscle and organs below the fat: they follow the weight at a distance."""
        lean = 1 + LEAN_SHARE * (self.girth - 1)
        return LEAN * min(self.girth, lean) * self._if_female(FEMALE_LEAN)

    @cached_property
    def chest(self) -> float:
        """Breadth and depth of the rib cage."""
        female = self._if_female(_FEMALE_CHEST)
        return self.height * self.person.chest_scale * female * self.girth**0.1

    @cached_property
    def shoulders(self) -> float:
        """Breadth of the shoulders."""
        female = self._if_female(_FEMALE_CHEST)
        return self.height * self.person.shoulder_scale * female * self.girth**0.06

    @cached_property
    def pelvis(self) -> float:
        """Breadth of the pelvis."""
        return self.height * self.person.pelvis_scale * self._if_female(_FEMALE_PELVIS)

    @cached_property
    def bed_mm(self) -> float:
        """Depth of the bed's surface under this person, in mm."""
        return SPINE_DEPTH_MM + (BED_MM - SPINE_DEPTH_MM) * self.height * self.girth**0.3

    def breadth_at(self, row_mm: ArrayLike) -> Vector:
        """Return the scale of columns at reference rows."""
        scales = [self.head, self.chest, self.chest, self.pelvis]
        return np.interp(np.asarray(row_mm, dtype=float), _LEVELS_MM, scales)

    def depth_at(self, row_mm: ArrayLike) -> Vector:
        """Return the scale of depths at reference rows."""
        scales = [self.head, self.chest, self.chest, self.height]
        return np.interp(np.asarray(row_mm, dtype=float), _LEVELS_MM, scales)

    def row(self, row_mm: ArrayLike) -> Vector:
        """Return the person's rows, in mm from the vertex, for reference rows of head and trunk."""
        head = NECK_ROW_MM * self.head
        trunk = (HIP_ROW_MM - NECK_ROW_MM) * self.trunk
        row = np.asarray(row_mm, dtype=float)
        below = head + trunk + (row - HIP_ROW_MM) * self.height
        return np.where(
            row > HIP_ROW_MM,
            below,
            np.interp(row, [0, NECK_ROW_MM, HIP_ROW_MM], [0, head, head + trunk]),
        )

    def _if_female(self, factor: float) -> float:
        return factor if self.person.sex == "F" else 1.0
