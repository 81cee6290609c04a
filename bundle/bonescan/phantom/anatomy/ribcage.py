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
RIBS: Mapping[int, tuple[tuple[float, float, float], ...]] = {
    1: ((-48, 278, 56), (-20, 283, 56), (0, 300, 54), (20, 324, 53), (42, 338, 54)),
    2: (
        (-60, 286, 60),
        (-40, 293, 74),
        (-20, 309, 83),
        (0, 330, 88),
        (20, 350, 86),
        (40, 366, 83),
        (48, 373, 78),
    ),
    3: (
        (-60, 304, 66),
        (-40, 315, 86),
        (-20, 334, 98),
        (0, 361, 105),
        (20, 382, 105),
        (40, 400, 102),
        (48, 407, 97),
    ),
    4: (
        (-70, 327, 68),
        (-60, 326, 76),
        (-40, 338, 98),
        (-20, 360, 108),
        (0, 389, 113),
        (20, 413, 114),
        (40, 435, 114),
        (47, 443, 109),
    ),
    5: (
        (-70, 351, 78),
        (-60, 351, 92),
        (-40, 365, 109),
        (-20, 387, 114),
        (0, 414, 118),
        (20, 442, 121),
        (40, 470, 123),
        (46, 477, 120),
    ),
    6: (
        (-70, 374, 85),
        (-60, 378, 100),
        (-40, 391, 114),
        (-20, 413, 119),
        (0, 440, 122),
        (20, 471, 126),
        (42, 503, 128),
    ),
    7: (
        (-72, 400, 85),
        (-60, 404, 104),
        (-40, 418, 118),
        (-20, 441, 122),
        (0, 467, 125),
        (20, 502, 131),
        (38, 544, 134),
    ),
    8: (
        (-72, 428, 85),
        (-60, 433, 106),
        (-40, 450, 121),
        (-20, 469, 125),
        (0, 500, 129),
        (20, 548, 137),
        (32, 576, 138),
    ),
    9: (
        (-72, 453, 80),
        (-60, 463, 105),
        (-40, 482, 123),
        (-20, 505, 128),
        (0, 540, 134),
        (20, 586, 134),
        (25, 591, 134),
    ),
    10: (
        (-71, 478, 76),
        (-60, 490, 102),
        (-40, 521, 124),
        (-20, 555, 132),
        (0, 596, 133),
        (10, 612, 130),
        (16, 619, 128),
    ),
    11: ((-70, 508, 66), (-60, 524, 95), (-40, 566, 121), (-20, 607, 128), (-3, 635, 126)),
    12: ((-68, 546, 66), (-60, 562, 85), (-50, 585, 98), (-40, 610, 106), (-32, 632, 109)),
}

# Half breadths in mm along manubrium and body of the sternum, same source.
_MANUBRIUM = ((0.0, 17), (0.05, 24), (0.18, 31), (0.35, 28), (0.7, 18), (1.0, 16))
_STERNUM = ((0.0, 14), (0.1, 16), (0.5, 19), (0.75, 21), (0.92, 17), (1.0, 10))


def rib_path(posture: Posture, number: int, side: str) -> Vector:
    """Return the centre line of a rib (n, 3) in mm from the spine to its front end."""
    azimuth, row, radius = np.array(RIBS[number]).T
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
    path = rib_path(posture, number, side)
    outward = path - posture.place((RIBS[number][0][1], _AXIS_DEPTH_MM, 0.0))
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
