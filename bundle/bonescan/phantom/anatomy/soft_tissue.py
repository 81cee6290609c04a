"""The flesh of trunk, head and limbs, and the fat under its skin."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import SPINE_DEPTH_MM, to_side
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import (
    Ellipsoid,
    Shape,
    Tube,
    Vector,
    VoxelGrid,
)
from bonescan.phantom.anatomy.skull import brain_case
from bonescan.phantom.anatomy.trunk_skin import (
    LEAST_FAT_MM,
    TRUNK_M,
    trunk_skin,
    trunk_wall,
)
from bonescan.phantom.anatomy.voxels import VoxelBlock

_TRUNK_POWER = 2.6
"""Exponent of the trunk's sections: between an ellipse and a rectangle."""

# Radii in mm along the limbs of the reference man, as measured on mesh50_XCAT (Auer et al. 2023).
_UPPER_ARM = np.array([56.0, 52.0, 45.0, 40.0])
_FOREARM = np.array([39.0, 42.0, 34.0, 27.0])
_THIGH = np.array([89.0, 90.0, 76.0, 62.0, 57.0])
_SHANK = np.array([57.0, 55.0, 56.0, 43.0, 38.0])

THIGH_BY_FAT = 0.14
"""How the growth of the legs with the fullness of the body follows `Person.fat_on_hips`: a default
of ours."""
PANNUS_GIRTH = 1.35
"""Fullness, see `BodyScale.girth`, above which a fold of the belly hangs over the groins: a body
mass index of 30 at average height. A default of ours."""

_ROLL_ROWS_MM = (535.0, 680.0)
"""Middles of the rolls on the flanks of the obese. A default of ours."""
VISCERAL_SHARE = ((0.8, 1.0, 2.0), (0.15, 0.45, 0.85))
"""Fullness of the body, and the share of fat between the loops of bowel. A default of ours."""


@dataclass(frozen=True)
class Flesh:
    """A part of the body.

    Attributes:
        shape: inside its skin.
        fat_mm: how thick skin and fat over its muscle are; None where all of it is fat.
    """

    shape: Shape
    fat_mm: float | None


def trunk_blocks(posture: Posture, grid: VoxelGrid) -> tuple[VoxelBlock, VoxelBlock]:
    """Return the trunk from the neck to the crotch, and what of it lies below the fat.

    Both are a superellipse in each row.
    """
    reference = np.arange(TRUNK_M[0][0], TRUNK_M[-1][0], 2.0)
    axis = posture.place(np.stack([reference, 0 * reference + SPINE_DEPTH_MM, 0 * reference], 1))
    height_mm = grid.spacing_mm[0]
    first = max(0, int(axis[0, 0] / height_mm))
    rows = (np.arange(first, min(grid.shape[0], int(axis[-1, 0] / height_mm))) + 0.5) * height_mm
    level = np.interp(rows, axis[:, 0], reference)
    depth, middle = (np.interp(rows, axis[:, 0], axis[:, i])[:, None] for i in (1, 2))
    columns = (np.arange(grid.shape[2]) + 0.5) * grid.spacing_mm[2]

    def section(surface: tuple[Vector, Vector, Vector]) -> VoxelBlock:
        breadth, front, back = (side[:, None] for side in surface)
        back = np.minimum(back + depth, posture.scale.bed_mm + posture.front_mm)
        front = front + depth
        aside = np.abs(columns - middle) / breadth
        chord = np.clip(1 - aside**_TRUNK_POWER, 0, None) ** (1 / _TRUNK_POWER)
        centre = 0.45 * front + 0.55 * back
        near, far = centre - (centre - front) * chord, centre + (back - centre) * chord
        return VoxelBlock((first, 0, 0), _fill(near, far, grid))

    return section(trunk_skin(posture.scale, level)), section(trunk_wall(posture.scale, level))


def _fill(near_mm: Vector, far_mm: Vector, grid: VoxelGrid) -> NDArray[np.float32]:
    """Return how much of each voxel lies between two depths given for (rows, columns)."""
    size = grid.spacing_mm[1]
    start = (np.arange(grid.shape[1]) * size).astype(np.float32)[None, :, None]
    near, far = near_mm.astype(np.float32)[:, None], far_mm.astype(np.float32)[:, None]
    overlap = np.minimum(far, start + np.float32(size)) - np.maximum(near, start)
    return np.clip(overlap / np.float32(size), 0, 1)


def flesh_parts(posture: Posture) -> Iterator[Flesh]:
    """Yield the flesh of head, neck, arms and legs, and what the trunk's sections leave out."""
    yield from _head_flesh(posture)
    yield from _front_flesh(posture)
    for side in SIDES:
        yield from _arm_flesh(posture, side)
        yield from _leg_flesh(posture, side)


def visceral_fat(posture: Posture) -> tuple[Ellipsoid, float]:
    """Return where fat lies between the loops of bowel, and its share of the volume there."""
    scale = posture.scale
    breadth, front, _ = (float(value) for value in trunk_wall(scale, 690.0))
    centre = posture.place((690.0, SPINE_DEPTH_MM, 0.0)) + np.array([0.0, 0.52 * front, 0.0])
    share = np.interp(scale.girth, *VISCERAL_SHARE)
    return Ellipsoid(centre, (100 * scale.height, -0.42 * front, 0.8 * breadth)), float(share)


def _fat_mm(posture: Posture, radius_mm: float, exponent: float) -> float:
    """Return the fat over a limb whose radius follows the fullness of the body by an exponent."""
    scale = posture.scale
    grown = scale.girth**exponent - scale.lean_girth**exponent
    return LEAST_FAT_MM + max(radius_mm * scale.height * grown, 0.0)


def _head_flesh(posture: Posture) -> Iterator[Flesh]:
    scale = posture.scale.head
    axes = posture.head_turn.as_matrix().T

    def ellipsoid(centre: tuple[float, float, float], *radii: float) -> Flesh:
        shape = Ellipsoid(posture.place_head(centre), np.array(radii) * scale, axes)
        return Flesh(shape, LEAST_FAT_MM)

    yield from (Flesh(part, LEAST_FAT_MM) for part in brain_case(posture, 7.0))
    yield ellipsoid((146.0, 84.0, 0.0), 88, 66, 63)
    yield ellipsoid((136.0, 18.0, 0.0), 18, 13, 12)
    for column in (-81.0, 81.0):
        yield ellipsoid((120.0, 140.0, column), 31, 15, 6)
    neck = np.vstack(
        [
            posture.place_head((150.0, 140.0, 0.0)),
            posture.place([(225.0, 160.0, 0.0), (275.0, 178.0, 0.0)]),
        ]
    )
    tube = Tube(neck, np.array([60, 60, 72]) * scale * posture.scale.girth**0.3)
    yield Flesh(tube, _fat_mm(posture, 64.0, 0.3))


def _front_flesh(posture: Posture) -> Iterator[Flesh]:
    """Yield breasts, which lie flat and to the side, or the male genitals; pannus and buttocks."""
    size, girth = posture.scale.height, posture.scale.girth
    if posture.person.sex == "M":
        yield Flesh(genitals(posture, grown_mm=6.0), LEAST_FAT_MM)
    else:
        for side in SIDES:
            yield Flesh(breast(posture, side, girth**0.6 * size), None)
            yield Flesh(glands(posture, side), 0.0)
    for side in SIDES:
        centre = posture.place(to_side((900.0, 226.0, 72.0), side))
        buttock = Ellipsoid(centre, np.array([72, 48, 68]) * size * girth**0.3)
        yield Flesh(buttock, _fat_mm(posture, 60.0, 0.5))
    apron = girth - PANNUS_GIRTH
    if apron > 0:
        breadth, front, _ = (float(x) for x in trunk_skin(posture.scale, 800.0))
        centre = posture.place((810.0, SPINE_DEPTH_MM, 0.0)) + np.array([0.0, front + 12, 0.0])
        long, deep = (70 + 60 * apron) * size, (24 + 26 * apron) * size
        yield Flesh(Ellipsoid(centre, (long, deep, 0.8 * breadth)), None)
        for side in SIDES:
            yield from (Flesh(roll, None) for roll in _rolls(posture, side, apron))


def _rolls(posture: Posture, side: str, apron: float) -> Iterator[Ellipsoid]:
    """Yield the rolls of fat on a flank, with a fold between them."""
    size = posture.scale.height
    for row, odd in zip(_ROLL_ROWS_MM, posture.vary(f"rolls {side}", 2), strict=True):
        row_mm = row + 15 * odd
        breadth, front, back = (float(x) for x in trunk_skin(posture.scale, row_mm))
        axis = posture.place((row_mm, SPINE_DEPTH_MM, 0.0))
        thick = (16 + 14 * min(apron, 1.0)) * (1 + 0.3 * odd) * size
        offset = to_side([0.0, 0.3 * front + 0.3 * back, breadth - 1.5 * thick], side)
        yield Ellipsoid(axis + offset, (66 * size, 0.3 * (back - front), 2 * thick))


def breast(posture: Posture, side: str, size: float) -> Ellipsoid:
    """Return a breast of a woman who lies on her back."""
    breadth, front, _ = (float(value) for value in trunk_skin(posture.scale, 425.0))
    axis = posture.place((425.0, SPINE_DEPTH_MM, 0.0))
    offset = to_side([0.0, front + 17 * size, 0.56 * breadth], side)
    return Ellipsoid(axis + offset, np.array([70.0, 32.0, 70.0]) * size)


def genitals(posture: Posture, grown_mm: float = 0.0) -> Tube:
    """Return the male genitals, moved outwards."""
    first, second = 9.0 * posture.vary("genitals", 2)
    path = [(905.0, 104.0, 0.0), (940.0, 96.0, first), (972.0, 104.0, second)]
    radius = np.array([11.0, 17.0, 19.0]) * posture.scale.height
    return Tube(posture.place(path), radius + grown_mm)


def glands(posture: Posture, side: str) -> Ellipsoid:
    """Return the glandular part of a breast."""
    return breast(posture, side, 0.75 * posture.scale.girth**0.2 * posture.scale.height)


def _arm_flesh(posture: Posture, side: str) -> Iterator[Flesh]:
    arm = posture.arms[side]
    scale = posture.scale.height * posture.scale.girth**0.5
    neck = posture.place(to_side((262.0, 190.0, 58.0), side))
    shoulder = Tube(np.array([neck, arm.shoulder]), np.array([36, 48]) * scale)
    yield Flesh(shoulder, _fat_mm(posture, 42.0, 0.5))
    upper = Tube(_between(arm.shoulder, arm.elbow, 0, 0.2, 0.6, 1), _UPPER_ARM * scale)
    yield Flesh(upper, _fat_mm(posture, 48.0, 0.5))
    fore = Tube(_between(arm.elbow, arm.wrist, 0, 0.25, 0.6, 1), _FOREARM * scale)
    yield Flesh(fore, _fat_mm(posture, 35.0, 0.5))


def _leg_flesh(posture: Posture, side: str) -> Iterator[Flesh]:
    leg, hips = posture.legs[side], posture.person.fat_on_hips
    exponent = 0.42 + THIGH_BY_FAT * hips
    scale = posture.scale.height * posture.scale.girth**exponent
    thigh = Tube(_between(leg.hip, leg.knee, 0.1, 0.25, 0.6, 0.88, 1), _THIGH * scale)
    yield Flesh(thigh, _fat_mm(posture, 78.0, exponent))
    shank = _between(leg.knee, leg.ankle, 0, 0.1, 0.3, 0.65, 0.95)
    calf = leg.knee_frame[2] * np.array([[0], [-3], [-9], [-3], [0]])
    yield Flesh(Tube(shank + calf * scale, _SHANK * scale), _fat_mm(posture, 50.0, exponent))
    sole = np.array([(26, 0, -8), (46, 4, 60), (66, 6, 118)]) * posture.scale.bone @ leg.foot_frame
    radius = np.array([40, 38, 42]) * posture.scale.bone
    yield Flesh(Tube(leg.ankle + sole, radius, leg.foot_frame[0], (1.0, 1.4, 2.2)), LEAST_FAT_MM)


def _between(start: Vector, end: Vector, *shares: float) -> Vector:
    """Return points on the way from one joint to the next."""
    return start + np.array(shares)[:, None] * (end - start)
