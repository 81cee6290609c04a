"""Ribs, manubrium and sternum."""

from collections.abc import Iterator, Mapping

import numpy as np

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import to_side
from bonescan.phantom.anatomy.bone_shape import BoneShape
from bonescan.phantom.anatomy.plates import strip
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import Ellipsoid, Tube, Vector, smooth_path
from bonescan.phantom.anatomy.spine import VERTEBRAE

RIB_HALF_MM = (
    (0.0, 4.5, 3.6),
    (0.1, 5.8, 4.0),
    (0.25, 7.2, 3.9),
    (0.5, 7.9, 3.5),
    (0.85, 8.5, 3.2),
    (1.0, 9.2, 3.8),
)
"""Half height and half thickness of a rib's section at shares of its length from the spine: round
behind, broad and flat to the side and in front, as on mesh50_XCAT (Auer et al. 2023)."""
_WIDTH_SIGMA = 0.06
_TURN_SIGMA_DEG = 1.3
_WAVE_SIGMA_MM = 1.6
_END_SIGMA = 0.035
"""Spread between the ribs of one person, chosen by eye: their width (the sternum's too), their
slope as seen from the spine, waves across their course, and the share of the length at which bone
turns into cartilage."""

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
_MANUBRIUM = ((0.0, 20), (0.05, 28), (0.18, 34), (0.35, 31), (0.7, 20), (1.0, 18))
_STERNUM = ((0.0, 16), (0.1, 18), (0.3, 20), (0.5, 22), (0.75, 22), (0.92, 16), (1.0, 8))


RibPaths = Mapping[tuple[int, str], Vector]
"""Centre lines (n, 3) in mm from the spine to the front end by number and side."""


def rib_paths(posture: Posture) -> RibPaths:
    """Return the centre lines of all ribs."""
    return {(number, side): _rib_path(posture, number, side) for side in SIDES for number in RIBS}


def _rib_path(posture: Posture, number: int, side: str) -> Vector:
    azimuth, row, radius = np.array(RIBS[number])
    angle = np.radians(azimuth)
    around = np.stack(
        [row, _AXIS_DEPTH_MM - radius * np.sin(angle), radius * np.cos(angle)], axis=1
    )
    body_row, body_depth, height, breadth, thick = VERTEBRAE[f"t{number}"]
    # Heads lie at the upper end plate; the last three ribs at the middle of their own vertebra.
    lift = 0.5 * height if number <= 9 else 0.15 * height
    head = [body_row - lift, body_depth + 0.35 * thick, breadth / 2 + 1]
    points = np.vstack([head, around])
    vary = posture.vary(f"rib {number} {side}", 4)
    share = np.linspace(0, 1, len(points))
    away = np.hypot(*(points[:, 1:] - points[0, 1:]).T)
    points[:, 0] += away * np.tan(np.radians(_TURN_SIGMA_DEG * vary[0]))
    points[:, 0] += _WAVE_SIGMA_MM * vary[1] * np.sin(2 * np.pi * share)
    points[:, 0] += _WAVE_SIGMA_MM * vary[2] * np.sin(3 * np.pi * share)
    # Bone ends where the cartilage begins, sooner or later on the same curve.
    last = len(points) - 1
    points[last] += _END_SIGMA * vary[3] * last * (points[last] - points[last - 1])
    return posture.place(to_side(smooth_path(points, 2 * len(points)), side))


def _rib(posture: Posture, number: int, side: str, path: Vector) -> BoneShape:
    _, rows, _ = RIBS[number]
    outward = path - posture.place((rows[0], _AXIS_DEPTH_MM, 0.0))
    outward[:, 0] = -0.35 * np.hypot(outward[:, 1], outward[:, 2])
    thin = float(np.interp(number, [1, 2, 10, 12], [0.95, 1.0, 0.95, 0.75]))
    size = (
        thin * posture.scale.bone * (1 + _WIDTH_SIGMA * posture.vary(f"width {number} {side}", 1))
    )
    share, half_height, half_thick = np.array(RIB_HALF_MM).T
    place = np.linspace(0, 1, len(path))
    high, flat = np.interp(place, share, half_height), np.interp(place, share, half_thick)
    tube = Tube(path, high * size, outward, high / flat)
    return BoneShape(f"rib_{number:02d}_{side}", f"ribs_{side}", [tube], cover_mm=4.0)


def _breastbone(posture: Posture) -> Iterator[BoneShape]:
    scale = posture.scale.bone
    backward = (0.0, 1.0, 0.0)
    top, angle, low, tip = posture.place(
        [(316.0, 124.0, 0.0), (370.0, 98.0, 0.0), (494.0, 61.0, 0.0), (518.0, 57.0, 0.0)]
    )
    handle = strip(
        top, angle, backward, np.array(_MANUBRIUM) * [1.0, scale], thickness_mm=14 * scale
    )
    notch = Ellipsoid(
        handle.point(0.0, 0.0), np.array([11, 20, 13]) * scale, handle.axes[[0, 2, 1]]
    )
    yield BoneShape(
        "manubrium", "manubrium", [handle], without=[notch], spongy=[handle], cover_mm=6.0
    )
    uneven = 1 + _WIDTH_SIGMA * posture.vary("sternum", len(_STERNUM))
    start = angle + 0.03 * (low - angle)
    body = strip(
        start,
        low,
        backward,
        np.array(_STERNUM) * np.stack([np.ones_like(uneven), scale * uneven], axis=1),
        thickness_mm=14 * scale,
        rim_mm=-6 * scale,
        bulge_mm=6 * scale,
    )
    xiphoid = Tube(np.array([low, tip]), np.array([6, 3]) * scale, backward, 2.0)
    yield BoneShape("sternum", "sternum", [body, xiphoid], cover_mm=6.0)


def ribcage_bones(posture: Posture, ribs: RibPaths) -> Iterator[BoneShape]:
    """Yield manubrium, sternum with xiphoid, and twelve pairs of ribs."""
    yield from _breastbone(posture)
    for (number, side), path in ribs.items():
        yield _rib(posture, number, side, path)
