"""Lungs, heart, vessels, bowel and the other organs that hold blood."""

import numpy as np
from scipy.spatial.transform import Rotation

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import side_sign, to_side
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import (
    Ellipsoid,
    Shape,
    Tube,
    VoxelGrid,
    rasterise,
    smooth_path,
)
from bonescan.phantom.anatomy.soft_tissue import genitals, glands
from bonescan.phantom.anatomy.urinary import bladder, urinary_shapes
from bonescan.phantom.anatomy.voxels import VoxelBlock

# Centre and half axes in mm of the unpaired organs. Liver and lungs measured on mesh50_XCAT, the
# others by textbook sizes.
_ORGANS = {
    "liver": (
        ((520.0, 158.0, -70.0), (76.0, 84.0, 57.0)),
        ((500.0, 118.0, -2.0), (32.0, 48.0, 54.0)),
    ),
    "spleen": (((520.0, 208.0, 92.0), (50.0, 32.0, 22.0)),),
    "heart": (((442.0, 116.0, 22.0), (58.0, 42.0, 50.0)),),
    "stomach": (((536.0, 130.0, 60.0), (52.0, 44.0, 34.0)),),
}
_LUNG = (((386.0, 173.0, 58.0), (94.0, 72.0, 51.0)), ((432.0, 166.0, 66.0), (84.0, 86.0, 55.0)))
_SHIFT_MM, _SIZE_SIGMA, _LEAN_DEG = 6.0, 0.07, 6.0
"""Spread of an organ's place, size and direction between persons. Defaults of ours."""

# Reference points and radii in mm of the great vessels: arch and descending aorta, lower vena cava,
# and on the left side carotid artery with jugular vein and iliac vessels. Textbook courses; each
# tube stands for an artery with its vein.
_MIDLINE_VESSELS = (
    (((410, 120, -8), (362, 138, 2), (346, 170, 12), (362, 192, 14)), 13.0),
    (((362, 192, 14), (520, 182, 10), (690, 146, 6)), 11.0),
    (((470, 160, -22), (560, 170, -20), (690, 150, -14)), 11.0),
)
_PAIRED_VESSELS = (
    (((352, 150, 12), (300, 152, 24), (215, 138, 30), (165, 132, 34)), 8.0),
    (((690, 148, 8), (765, 176, 46), (830, 138, 66)), 8.5),
)
_FEMORAL = ((0.0, -36.0, -16.0), (0.35, -30.0, -24.0), (0.7, -6.0, -24.0), (0.95, 24.0, -6.0))
"""Femoral vessels: share of the way from hip to knee, and mm behind and outward of the bone."""
_FEMORAL_MM = (9.0, 8.0, 7.0, 6.0)

_COLON = (
    (770.0, 140.0, -92.0),
    (690.0, 150.0, -100.0),
    (612.0, 150.0, -96.0),
    (634.0, 96.0, -45.0),
    (650.0, 86.0, 15.0),
    (600.0, 110.0, 80.0),
    (620.0, 165.0, 100.0),
    (720.0, 165.0, 100.0),
    (790.0, 160.0, 70.0),
    (800.0, 180.0, 10.0),
)
_COLON_MM, _COLON_SHIFT_MM = 19.0, 13.0
_SMALL_BOWEL_MM, _LOOPS = 15.0, 14
_BELLY_MM = ((695.0, 118.0, 4.0), (52.0, 22.0, 42.0))
"""Middle of the loops of small bowel, and the spread of their bends along row, depth, column."""


def organ_blocks(posture: Posture, grid: VoxelGrid) -> dict[str, VoxelBlock]:
    """Return the organs as voxels by name; lungs leave room for what bulges into them."""
    shapes = organ_shapes(posture)
    inner = [shape for name in ("heart", "liver", "spleen", "stomach") for shape in shapes[name]]
    blocks = {
        name: rasterise(grid, parts, without=inner if name.startswith("lung") else ())
        for name, parts in shapes.items()
    }
    parts, dent = bladder(posture)
    return {**blocks, "bladder": rasterise(grid, parts, without=[dent])}


def organ_shapes(posture: Posture) -> dict[str, tuple[Shape, ...]]:
    """Return the shapes of all organs but the bladder by name."""
    organs: dict[str, tuple[Shape, ...]] = {
        name: _vary(posture, name, parts) for name, parts in _ORGANS.items()
    }
    organs |= {"vessels": _vessels(posture), "colon": (_colon(posture),)}
    organs["small_bowel"] = (_small_bowel(posture),)
    if posture.person.sex == "M":
        organs["genitals"] = (genitals(posture),)
    for side in SIDES:
        paired = _paired(posture, side) | urinary_shapes(posture, side)
        organs |= {f"{name}_{side}": shapes for name, shapes in paired.items()}
    return organs


def _vary(
    posture: Posture, name: str, parts: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]
) -> tuple[Ellipsoid, ...]:
    """Return an organ's ellipsoids: every person's lies and leans a little differently."""
    odd = posture.vary(name, 7)
    axes = Rotation.from_euler("xyz", _LEAN_DEG * odd[:3], degrees=True).as_matrix()
    scale = posture.scale.chest * (1 + _SIZE_SIGMA * odd[3])
    return tuple(
        Ellipsoid(posture.place(centre + _SHIFT_MM * odd[4:]), np.array(radii) * scale, axes)
        for centre, radii in parts
    )


def _vessels(posture: Posture) -> tuple[Tube, ...]:
    size = posture.scale.height
    tubes = [Tube(posture.place(path), radius * size) for path, radius in _MIDLINE_VESSELS]
    for side in SIDES:
        tubes += [
            Tube(posture.place(to_side(path, side)), radius * size)
            for path, radius in _PAIRED_VESSELS
        ]
        leg, outward = posture.legs[side], side_sign(side)
        shares = np.array(_FEMORAL)
        course = leg.hip + shares[:, :1] * (leg.knee - leg.hip)
        course[:, 1:] += shares[:, 1:] * [1.0, outward] * size
        tubes.append(Tube(course, np.array(_FEMORAL_MM) * size))
    return tuple(tubes)


def _colon(posture: Posture) -> Tube:
    odd = posture.vary("colon", 4 * len(_COLON)).reshape(-1, 4)
    path = smooth_path(np.array(_COLON) + _COLON_SHIFT_MM * odd[:, :3], 24)
    width = np.interp(np.linspace(0, 1, 24), np.linspace(0, 1, len(_COLON)), odd[:, 3])
    return Tube(posture.place(path), _COLON_MM * posture.scale.height * np.exp(0.2 * width))


def _small_bowel(posture: Posture) -> Tube:
    middle, spread = np.array(_BELLY_MM)
    odd = posture.vary("small bowel", 3 * _LOOPS).reshape(-1, 3).clip(-1.7, 1.7)
    path = smooth_path(middle + spread * odd, 3 * _LOOPS)
    return Tube(posture.place(path), _SMALL_BOWEL_MM * posture.scale.height)


def _paired(posture: Posture, side: str) -> dict[str, tuple[Shape, ...]]:
    scale, chest = posture.scale.height, posture.scale.chest
    lungs = tuple(
        Ellipsoid(posture.place(to_side(centre, side)), np.array(radii) * chest)
        for centre, radii in _LUNG
    )
    thyroid = posture.place(to_side((262.0, 128.0, 17.0), side))
    organs: dict[str, tuple[Shape, ...]] = {
        "lung": lungs,
        "thyroid": (Ellipsoid(thyroid, np.array([22.0, 9.0, 9.0]) * scale),),
    }
    if posture.person.sex == "F":
        organs["breast"] = (glands(posture, side),)
    return organs
