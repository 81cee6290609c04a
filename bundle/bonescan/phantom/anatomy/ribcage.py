"""Ribs, manubrium and sternum."""

from collections.abc import Iterator, Mapping

import numpy as np

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import to_side
from bonescan.phantom.anatomy.plates import strip
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import BoneShape, Tube, Vector, smooth_path
from bonescan.phantom.anatomy.spine import VERTEBRAE

RIB_LONG_MM, RIB_SHORT_MM = 12.5, 7.0
"""Height and thickness of a rib's section."""

_AXIS_DEPTH_MM = 160.0
# How ribs wind round a vertical axis in the midline at that depth, from the neck of the rib to its
# junction with the cartilage: azimuth in degrees (-90 behind, 0 to the side, 90 in front), row and
# distance from the axis in mm. Mean of both sides of mesh50_XCAT (Auer et al. 2023).
RIBS: Mapping[int, tuple[tuple[float, ...], ...]] = {
    1: ((-48, -20, 0, 20, 42), (278, 283, 300, 324, 338), (56, 56, 54, 53, 54)),
    2: (
        (-60, -40, -20, 0, 20, 40, 48),
        (286, 293, 309, 330, 350, 366, 373),
        (60, 74, 83, 88, 86, 83, 78),
    ),
    3: (
        (-60, -40, -20, 0, 20, 40, 48),
        (304, 315, 334, 361, 382, 400, 407),
        (66, 86, 98, 105, 105, 102, 97),
    ),
    4: (
        (-70, -60, -40, -20, 0, 20, 40, 47),
        (327, 326, 338, 360, 389, 413, 435, 443),
        (68, 76, 98, 108, 113, 114, 114, 109),
    ),
    5: (
        (-70, -60, -40, -20, 0, 20, 40, 46),
        (351, 351, 365, 387, 414, 442, 470, 477),
        (78, 92, 109, 114, 118, 121, 123, 120),
    ),
    6: (
        (-70, -60, -40, -20, 0, 20, 42),
        (374, 378, 391, 413, 440, 471, 503),
        (85, 100, 114, 119, 122, 126, 128),
    ),
    7: (
        (-72, -60, -40, -20, 0, 20, 38),
        (400, 404, 418, 441, 467, 502, 544),
        (85, 104, 118, 122, 125, 131, 134),
    ),
    8: (
        (-72, -60, -40, -20, 0, 20, 32),
        (428, 433, 450, 469, 500, 548, 576),
        (85, 106, 121, 125, 129, 137, 138),
    ),
    9: (
        (-72, -60, -40, -20, 0, 20, 25),
        (453, 463, 482, 505, 540, 586, 591),
        (80, 105, 123, 128, 134, 134, 134),
    ),
    10: (
        (-71, -60, -40, -20, 0, 10, 16),
        (478, 490, 521, 555, 596, 612, 619),
        (76, 102, 124, 132, 133, 130, 128),
    ),
    11: ((-70, -60, -40, -20, -3), (508, 524, 566, 607, 635), (66, 95, 121, 128, 126)),
    12: ((-68, -60, -50, -40, -32), (546, 562, 585, 610, 632), (66, 85, 98, 106, 109)),
}

# Half breadths in mm along manubrium and body of the sternum, same source.
_MANUBRIUM = ((0.0, 17), (0.05, 24), (0.18, 31), (0.35, 28), (0.7, 18), (1.0, 16))
_STERNUM = ((0.0, 14), (0.1, 16), (0.5, 19), (0.75, 21), (0.92, 17), (1.0, 10))


def rib_path(posture: Posture, number: int, side: str) -> Vector:
    """Return the centre line of a rib (n, 3) in mm from the spine to its front end."""
    azimuth, row, radius = np.array(RIBS[number])
    angle = np.radians(azimuth)
    around = np.stack(
        [row, _AXIS_DEPTH_MM - radius * np.sin(angle), radius * np.cos(angle)], axis=1
    )
    body_row, body_depth, height, breadth, thick = VERTEBRAE[f"t{number}"]
    # Heads lie at the upper end plate; the last three ribs at the middle of their own vertebra.
    lift = 0.5 * height if number <= 9 else 0.15 * height
    head = [body_row - lift, body_depth + 0.35 * thick, breadth / 2 + 1]
    points = to_side(np.vstack([head, around]), side)
    return posture.place(smooth_path(points, 3 * len(points)))


def _rib(posture: Posture, number: int, side: str) -> BoneShape:
    path, (_, rows, _) = rib_path(posture, number, side), RIBS[number]
    outward = path - posture.place((rows[0], _AXIS_DEPTH_MM, 0.0))
    outward[:, 0] = -0.35 * np.hypot(outward[:, 1], outward[:, 2])
    thin = np.interp(number, [1, 2, 10, 12], [1.0, 1.0, 0.95, 0.75])
    radius = np.full(len(path), RIB_LONG_MM / 2 * thin * posture.scale.bone)
    radius[:2] *= 0.8
    tube = Tube(path, radius, outward, RIB_LONG_MM / RIB_SHORT_MM)
    return BoneShape(f"rib_{number:02d}_{side}", f"ribs_{side}", [tube], cover_mm=4.0)


def _breastbone(posture: Posture) -> Iterator[BoneShape]:
    scale = posture.scale.bone
    backward = (0.0, 1.0, 0.0)
    top, angle, low, tip = posture.place(
        [(316.0, 124.0, 0.0), (370.0, 98.0, 0.0), (494.0, 61.0, 0.0), (518.0, 57.0, 0.0)]
    )
    handle = strip(
        top, angle, backward, np.array(_MANUBRIUM) * [1.0, scale], thickness_mm=12 * scale
    )
    yield BoneShape("manubrium", "manubrium", [handle], cover_mm=6.0)
    start = angle + 0.03 * (low - angle)
    body = strip(
        start,
        low,
        backward,
        np.array(_STERNUM) * [1.0, scale],
        thickness_mm=10 * scale,
        bulge_mm=6 * scale,
    )
    xiphoid = Tube(np.array([low, tip]), np.array([8, 4]) * scale, backward, 2.0)
    yield BoneShape("sternum", "sternum", [body, xiphoid], cover_mm=6.0)


def ribcage_bones(posture: Posture) -> Iterator[BoneShape]:
    """Yield manubrium, sternum with xiphoid, and twelve pairs of ribs."""
    yield from _breastbone(posture)
    for side in SIDES:
        for number in RIBS:
            yield _rib(posture, number, side)
