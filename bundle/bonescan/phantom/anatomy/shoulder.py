"""Clavicle and scapula.

Reference points (see `bonescan.phantom.anatomy.body_scale`) measured on mesh50_XCAT (Auer et al.
2023), on the left side.
"""

from collections.abc import Iterator

import numpy as np

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import to_side
from bonescan.phantom.anatomy.bone_shape import BoneShape
from bonescan.phantom.anatomy.plates import Plate
from bonescan.phantom.anatomy.posture import SHOULDER_MM, Posture
from bonescan.phantom.anatomy.shapes import Shape, Tube, Vector, smooth_path, unit

_CLAVICLE = ((324, 117, 22), (309, 116, 46), (290, 127, 80), (278, 148, 114), (273, 163, 146))
_CLAVICLE_RADIUS = (12.5, 8.2, 6.6, 6.6, 8.0)
"""Of a pair of 70 ml: 1.5 cm2 over 150 mm, and a broad inner end, make 30 to 35 ml each; the labels
of mesh50_XCAT, which count neighbouring bone in, give 99 ml."""
ACROMIOCLAVICULAR_MM = (273.0, 168.0, 151.0)
STERNOCLAVICULAR_MM = (324.0, 116.0, 19.0)

_UPPER_ANGLE, _GLENOID = (275, 232, 62), (305, 190, 140)
LOWER_ANGLE_MM = (440.0, 252.0, 104.0)
# Outline in the plane of these three points: along the inner border from the upper angle, and
# from there to the shoulder joint.
_BLADE = (
    (-4, -3),
    (2, 20),
    (10, 44),
    (22, 66),
    (44, 82),
    (62, 76),
    (90, 52),
    (125, 28),
    (160, 10),
    (173, -1),
    (168, -9),
    (120, -11),
    (60, -10),
    (15, -9),
)


def girdle_point(posture: Posture, point: tuple[float, float, float], side: str) -> Vector:
    """Return a point of the shoulder girdle in mm of the grid.

    It follows the trunk near the midline and the shoulder joint outside.
    """
    on_trunk = posture.place(to_side(point, side))
    joint = posture.place(to_side(SHOULDER_MM, side))
    share = float(np.clip((point[2] - 20.0) / (SHOULDER_MM[2] - 20.0), 0, 1))
    return on_trunk + share * (posture.arms[side].shoulder - joint)


def _clavicle(posture: Posture, side: str) -> BoneShape:
    path = smooth_path([girdle_point(posture, point, side) for point in _CLAVICLE], 11)
    radius = np.interp(np.linspace(0, 4, 11), range(5), _CLAVICLE_RADIUS)
    radius = radius * posture.bone_scale("clavicle", side)
    return BoneShape.paired("clavicle", side, [Tube(path, radius)], cover_mm=6.0)


def scapula_blade(posture: Posture, side: str) -> Plate:
    """Return the flat part of a scapula."""
    upper, lower, glenoid = (
        girdle_point(posture, point, side) for point in (_UPPER_ANGLE, LOWER_ANGLE_MM, _GLENOID)
    )
    u = unit(lower - upper)
    v = unit((glenoid - upper) - ((glenoid - upper) @ u) * u)
    w = np.cross(u, v)
    w = w * np.sign(w[1])
    scale = np.array([np.linalg.norm(lower - upper) / 172.0, (glenoid - upper) @ v / 82.0])
    outline = smooth_path(np.array(_BLADE) * scale, 30, closed=True)
    # Hollow towards the ribs: 6 mm behind its borders in the middle.
    return Plate(
        upper, np.array([u, v, w]), outline, (0, 0.10, 0.08, -6e-4, 0, -1e-3), 4.0, 7.0, 6.0
    )


def _scapula(posture: Posture, side: str) -> BoneShape:
    scale = posture.bone_scale("scapula", side)
    blade = scapula_blade(posture, side)

    def at(*points: tuple[float, float, float]) -> Vector:
        return np.array([girdle_point(posture, point, side) for point in points])

    crest = at((304, 250, 74), (288, 240, 105), (277, 216, 140), (274, 196, 164))
    border = np.array([*at((316, 192, 138)), blade.point(*blade.outline[16]), *at((436, 251, 104))])
    length = float(blade.outline[:, 0].max())
    inner = np.array([blade.point(share * length, -5.0) for share in (0.05, 0.35, 0.7, 0.95)])
    spine: list[Shape] = [
        Tube(crest, np.array([5, 7, 8.5, 9.5]) * scale),
        Tube(at((274, 196, 164), (274, 174, 166)), 10 * scale, (1.0, 0.0, 0.0), 2.0),  # acromion
    ]
    shapes: list[Shape] = [
        blade,
        Tube(inner, np.array([4.5, 4.5, 5, 6]) * scale),  # inner border to the lower angle
        *spine,
        Tube(at((292, 186, 128), (280, 166, 124), (288, 150, 130)), np.array([8, 6, 7]) * scale),
        Tube(at((292, 186, 140), (320, 188, 140)), 10.5 * scale),
        Tube(at((304, 190, 138), (308, 200, 118)), np.array([11, 6]) * scale),
        Tube(border, np.array([8, 6, 6.5]) * scale),
    ]
    return BoneShape.paired("scapula", side, shapes, cover_mm=8.0, spongy=spine)


def shoulder_bones(posture: Posture) -> Iterator[BoneShape]:
    """Yield clavicle and scapula of both sides."""
    for side in SIDES:
        yield _clavicle(posture, side)
        yield _scapula(posture, side)
