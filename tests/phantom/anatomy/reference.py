"""The reference man on a fine grid, and measures of his bones.

Sizes that tests compare with are those of mesh50_XCAT, Auer et al. 2023, doi
10.1088/1361-6560/acbde2, where nothing else is said. Its labels are rough at the borders of bones,
so ranges are wide; each excludes bones as thin as two thirds of its own.
"""

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bonescan.phantom.anatomy.build import build_body
from bonescan.phantom.anatomy.person import LimbAngles, Person, draw_person
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.voxels import Body

PIXEL_MM, DEPTH_MM, ROWS, COLUMNS = 2.2, 4.0, 840, 280
LIMBS = LimbAngles(
    arm_abduction=2.0,
    elbow_flexion=14.0,
    hand_roll=30.0,
    leg_spread=1.0,
    leg_rotation=0.0,
    foot_drop=38.0,
)


def reference_man() -> Person:
    return replace(
        draw_person(np.random.default_rng(1), "M"),
        height_mm=1750.0,
        weight_kg=71.0,
        kyphosis_deg=0.0,
        scoliosis_deg=0.0,
        head_turn_deg=0.0,
        head_tilt_deg=0.0,
        head_nod_deg=0.0,
        right=LIMBS,
        left=LIMBS,
        head_scale=1.0,
        leg_scale=1.0,
        shoulder_scale=1.0,
        pelvis_scale=1.0,
        chest_scale=1.0,
        asymmetry=1.0,
        shape_spread=0.0,
        shoulder_tilt_deg=0.0,
        hip_tilt_deg=0.0,
        turn_deg=0.0,
        tilt_deg=0.0,
        shift_mm=(20.0, 0.0),
    )


def build(person: Person) -> Body:
    return build_body(person, pixel_mm=PIXEL_MM, depth_mm=DEPTH_MM, rows=ROWS, columns=COLUMNS)


@cache
def reference_body() -> Body:
    return build(reference_man())


def reference_posture() -> Posture:
    return Posture(reference_man(), COLUMNS * PIXEL_MM)


def volume_ml(body: Body, *prefixes: str) -> float:
    fractions = [b.block.fraction for n, b in body.bones.items() if n.startswith(prefixes)]
    return sum(float(f.sum(dtype=float)) for f in fractions) * PIXEL_MM**2 * DEPTH_MM / 1000


def thickness_mm(body: Body, *prefixes: str) -> NDArray[np.float32]:
    """Return the thickness of bones along the camera's axis, (row, column)."""
    image = np.zeros((body.shape[0], body.shape[2]), np.float32)
    for name, bone in body.bones.items():
        if name.startswith(prefixes):
            rows, _, columns = bone.block.slices
            image[rows, columns] += bone.block.fraction.sum(axis=1) * DEPTH_MM
    return image


def mean_thickness_mm(body: Body, *prefixes: str) -> float:
    image = thickness_mm(body, *prefixes)
    return float(image[image > 2].mean())


def around(image: NDArray[np.float32], place_mm: NDArray[np.float64], reach: int = 3) -> float:
    row, _, column = (place_mm / [PIXEL_MM, DEPTH_MM, PIXEL_MM]).astype(int)
    part = image[row - reach : row + reach + 1, column - reach : column + reach + 1]
    return float(part.mean())
