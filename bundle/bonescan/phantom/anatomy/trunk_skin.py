"""The trunk's skin, and the muscle below its fat, at reference rows.

Measured on mesh50_XCAT, Auer et al. 2023, doi 10.1088/1361-6560/acbde2; breadths of women after
NASA-STD-3000; the growth with the body mass index is a default of ours.
"""

import numpy as np
from numpy.typing import ArrayLike

from bonescan.phantom.anatomy.body_scale import SPINE_DEPTH_MM, BodyScale
from bonescan.phantom.anatomy.shapes import Vector

# Skin of the trunk by reference row: half breadth, depth of the front and of the back in mm, and
# the exponents by which breadth and depth follow the body mass index.
TRUNK_M = (
    (214.0, 50.0, 104.0, 212.0, 0.30, 0.30),
    (236.0, 60.0, 104.0, 228.0, 0.30, 0.30),
    (254.0, 76.0, 104.0, 243.0, 0.30, 0.30),
    (268.0, 112.0, 104.0, 251.0, 0.25, 0.30),
    (284.0, 158.0, 104.0, 257.0, 0.25, 0.30),
    (300.0, 180.0, 101.0, 263.0, 0.25, 0.32),
    (340.0, 188.0, 85.0, 270.0, 0.28, 0.35),
    (380.0, 178.0, 65.0, 274.0, 0.32, 0.40),
    (420.0, 166.0, 52.0, 276.0, 0.36, 0.42),
    (460.0, 159.0, 44.0, 276.0, 0.40, 0.46),
    (500.0, 156.0, 38.0, 276.0, 0.44, 0.50),
    (540.0, 153.0, 34.0, 276.0, 0.48, 0.56),
    (580.0, 151.0, 30.0, 273.0, 0.52, 0.60),
    (620.0, 150.0, 30.0, 271.0, 0.54, 0.62),
    (660.0, 147.0, 32.0, 270.0, 0.54, 0.62),
    (700.0, 148.0, 38.0, 271.0, 0.50, 0.58),
    (740.0, 153.0, 43.0, 274.0, 0.46, 0.52),
    (780.0, 160.0, 52.0, 276.0, 0.42, 0.46),
    (820.0, 166.0, 64.0, 278.0, 0.38, 0.42),
    (860.0, 168.0, 74.0, 278.0, 0.35, 0.40),
    (890.0, 158.0, 81.0, 277.0, 0.32, 0.40),
    (915.0, 130.0, 90.0, 275.0, 0.40, 0.40),
    (940.0, 84.0, 102.0, 268.0, 0.40, 0.40),
    (955.0, 48.0, 120.0, 255.0, 0.40, 0.40),
    (964.0, 12.0, 150.0, 230.0, 0.40, 0.40),
)
# What the skin covers however lean a person is: row, half breadth and front of ribs and hip bones.
BONES_OF_TRUNK = (
    (214.0, 30.0, 120.0),
    (300.0, 62.0, 122.0),
    (330.0, 92.0, 112.0),
    (366.0, 107.0, 92.0),
    (400.0, 118.0, 77.0),
    (450.0, 127.0, 62.0),
    (500.0, 133.0, 55.0),
    (560.0, 138.0, 62.0),
    (600.0, 138.0, 75.0),
    (650.0, 126.0, 100.0),
    (690.0, 128.0, 115.0),
    (715.0, 132.0, 122.0),
    (740.0, 138.0, 122.0),
    (775.0, 139.0, 115.0),
    (800.0, 120.0, 118.0),
    (860.0, 120.0, 115.0),
    (890.0, 70.0, 130.0),
    (930.0, 10.0, 190.0),
)
LEAST_COVER_MM = 9.0
"""Skin, fat and muscle over the ribs of a lean person."""
LEAST_FAT_MM = 3.0
"""Skin and fat of a lean person."""
FEMALE_TRUNK = (
    (214, 260, 300, 420, 560, 620, 700, 780, 860, 964),
    (0.86, 0.88, 0.92, 0.93, 0.90, 0.90, 0.99, 1.07, 1.09, 1.05),
)
"""Rows, and half breadths of women there over those of men."""

BELLY_OR_HIPS = (
    (340, 480, 600, 680, 760, 820, 964),
    (0.0, -0.06, -0.14, -0.12, 0.0, 0.04, 0.04),
)
"""Rows, and what is added there to the exponents of a person whose fat lies on the hips, and taken
away where it lies on the belly. A default of ours."""


def trunk_skin(scale: BodyScale, row_mm: ArrayLike) -> tuple[Vector, Vector, Vector]:
    """Return the skin of a person's trunk at reference rows, in mm.

    Returns:
        The half breadth, and the depths of front and back, counted from `SPINE_DEPTH_MM`.
    """
    return _surface(scale, np.asarray(row_mm, dtype=float), scale.girth, LEAST_COVER_MM)


def trunk_wall(scale: BodyScale, row_mm: ArrayLike) -> tuple[Vector, Vector, Vector]:
    """Return the surface of muscle below the fat of the trunk, as `trunk_skin` does the skin."""
    rows = np.asarray(row_mm, dtype=float)
    skin = trunk_skin(scale, rows)
    wall = _surface(scale, rows, scale.lean_girth, LEAST_COVER_MM)
    half, back = (np.minimum(wall[i], skin[i]) - LEAST_FAT_MM for i in (0, 2))
    return half, np.maximum(wall[1], skin[1]) + LEAST_FAT_MM, back


def _surface(
    scale: BodyScale, row_mm: Vector, girth: float, cover_mm: float
) -> tuple[Vector, Vector, Vector]:
    level, breadth, front, back, wide, deep = np.array(TRUNK_M).T
    if scale.person.sex == "F":
        breadth = breadth * np.interp(level, *FEMALE_TRUNK)
    shifted = scale.person.fat_on_hips * np.interp(level, *BELLY_OR_HIPS)
    wide, deep = wide + shifted, deep + shifted
    height = scale.height
    half = np.interp(row_mm, level, breadth) * height * girth ** np.interp(row_mm, level, wide)
    front = np.interp(row_mm, level, front) - SPINE_DEPTH_MM
    back = np.interp(row_mm, level, back) - SPINE_DEPTH_MM
    front = front * height * girth ** np.interp(row_mm, level, deep)
    rows, bone_half, bone_front = np.array(BONES_OF_TRUNK).T
    least = np.interp(row_mm, rows, bone_half) * scale.breadth_at(row_mm)
    half = np.maximum(half, least + cover_mm)
    least = (np.interp(row_mm, rows, bone_front) - SPINE_DEPTH_MM) * scale.depth_at(row_mm)
    front = np.minimum(front, least - cover_mm)
    return half, front, back * height * girth**0.3
