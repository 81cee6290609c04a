"""Hip bones.

Places in the reference frame of `bundle.phantom.posture`, measured on mesh50_XCAT (Auer et al.
2023), on the left side.
"""

from collections.abc import Iterator

import numpy as np

from bundle.labels import SIDES
from bundle.phantom.posture import Posture, Vector, side_sign
from bundle.phantom.shapes import Ellipsoid, Plate, Shape, Solid, Tube, smooth_path, unit

_WING_CENTRE = (760, 185, 88)
# Border of the iliac wing in its plane: downwards, and forwards and outwards, in mm.
_WING = (
    (5, -76),
    (-24, -63),
    (-45, -38),
    (-57, -8),
    (-52, 22),
    (-36, 50),
    (-12, 70),
    (14, 77),
    (30, 66),
    (55, 44),
    (84, 26),
    (92, 2),
    (70, -14),
    (38, -28),
    (32, -50),
    (22, -68),
)
SACROILIAC_MM = (772.0, 222.0, 52.0)
ILIAC_CREST_MM = (722.0, 160.0, 112.0)
ILIAC_SPINE_MM = (775.0, 122.0, 130.0)
TUBEROSITY_MM = (899.0, 208.0, 52.0)


def _pelvis_place(posture: Posture, side: str, *points: tuple[float, float, float]) -> Vector:
    """Return places of a hip bone; the pubic arch of women is wider below."""
    place = np.array(points, dtype=float)
    if posture.person.sex == "F":
        place[:, 2] *= 1 + 0.12 * np.clip((place[:, 0] - 860) / 40, 0, 1)
    return posture.place(place * [1.0, 1.0, side_sign(side)])


def iliac_wing(posture: Posture, side: str) -> Plate:
    """Return the blade of the ilium."""
    sign = side_sign(side)
    forward = unit(np.array([0.0, -0.80, 0.60 * sign]))
    axes = np.array([[1.0, 0.0, 0.0], forward, [0.0, 0.60, 0.80 * sign]])
    scale = np.array([posture.trunk_scale, (posture.pelvis_scale + posture.height_scale) / 2])
    outline = smooth_path(np.array(_WING) * scale, 32, closed=True)
    centre = _pelvis_place(posture, side, _WING_CENTRE)[0]
    return Plate(centre, axes, outline, (6, -0.09, 0, -1.1e-3, 0, -1.2e-3), 5.0, 9.0, 9.0)


def _hip_bone(posture: Posture, side: str) -> Solid:
    scale = posture.bone_scale

    def at(*points: tuple[float, float, float]) -> Vector:
        return _pelvis_place(posture, side, *points)

    joint = posture.legs[side].hip
    inward = joint - np.array([0.0, 0.0, 7.0 * side_sign(side)]) * scale
    shapes: tuple[Shape, ...] = (
        iliac_wing(posture, side),
        Tube(
            at((756, 240, 50), (780, 216, 58), (806, 194, 70), (826, 178, 78)),
            np.array([7, 9, 11, 18]) * scale,
        ),
        Ellipsoid(inward, np.array([33, 32, 30]) * scale),
        Tube(at((842, 152, 66), (852, 132, 40), (861, 126, 15)), np.array([14, 8.5, 11]) * scale),
        Tube(at((860, 126, 13), (882, 148, 13)), np.array([11, 10]) * scale),
        Tube(at((882, 148, 14), (898, 176, 36), (902, 196, 46)), np.array([9, 7, 12]) * scale),
        Tube(at((902, 204, 50), (878, 206, 60), (852, 194, 72)), np.array([16, 14, 18]) * scale),
    )
    socket = (Ellipsoid(joint, np.full(3, 26.0) * scale),)
    return Solid(f"hip_bone_{side}", f"pelvis_{side}", shapes, socket, 8.0)


def pelvis_bones(posture: Posture) -> Iterator[Solid]:
    """Yield both hip bones."""
    for side in SIDES:
        yield _hip_bone(posture, side)
