"""Hip bones.

Reference points (see `bonescan.phantom.anatomy.body_scale`) measured on mesh50_XCAT (Auer et al.
2023), on the left side.
"""

from collections.abc import Iterator

import numpy as np

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import to_side
from bonescan.phantom.anatomy.bone_shape import BoneShape
from bonescan.phantom.anatomy.plates import Plate
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import Ellipsoid, Tube, Vector, smooth_path, unit

_WING_CENTRE = (760, 185, 88)
# Border of the iliac wing in its plane: downwards, and forwards and outwards, in mm.
_WING = (
    (8, -77),
    (-12, -74),
    (-31, -60),
    (-47, -36),
    (-57, -8),
    (-52, 22),
    (-36, 50),
    (-12, 70),
    (6, 74),
    (22, 54),
    (46, 32),
    (80, 20),
    (92, 2),
    (70, -14),
    (46, -30),
    (38, -52),
    (25, -70),
)
_WING_MM, _CREST_MM, _TAPER = 6.5, 10.0, (0.09, -0.04)
"""Thickness of the wing in its middle, and what the crest adds to it; the wing thickens gradually
towards its border, and by so much per mm downwards and backwards. Together with the masses below
they give the thickness along the camera's axis that mesh50_XCAT has: 29 mm in the mean of pelvis
and sacrum."""
_MASS_SIGMA = 0.06
"""Spread of the size of these masses between persons and sides. A default of ours."""
SACROILIAC_MM = (772.0, 222.0, 52.0)
ILIAC_CREST_MM = (722.0, 160.0, 112.0)
ILIAC_SPINE_MM = (767.0, 126.0, 124.0)
TUBEROSITY_MM = (899.0, 208.0, 52.0)


def _pelvis_points(posture: Posture, side: str, *points: tuple[float, float, float]) -> Vector:
    """Return points of a hip bone in mm of the grid; women's pubic arch is wider below."""
    reference = np.array(points, dtype=float)
    if posture.person.sex == "F":
        reference[:, 2] *= 1 + 0.12 * np.clip((reference[:, 0] - 860) / 40, 0, 1)
    return posture.place(to_side(reference, side))


def iliac_wing(posture: Posture, side: str) -> Plate:
    """Return the blade of the ilium."""
    forward = unit([0.0, -0.80, 0.60])
    axes = to_side(np.array([[1.0, 0.0, 0.0], forward, [0.0, 0.60, 0.80]]), side)
    scale = np.array([posture.scale.trunk, (posture.scale.pelvis + posture.scale.height) / 2])
    outline = smooth_path(np.array(_WING) * scale, 32, closed=True)
    centre = _pelvis_points(posture, side, _WING_CENTRE)[0]
    bulge = (6, -0.09, 0, -1.1e-3, 0, -1.2e-3)
    return Plate(centre, axes, outline, bulge, _WING_MM, _CREST_MM, 18.0, _TAPER)


def _hip_bone(posture: Posture, side: str) -> BoneShape:
    scale = posture.bone_scale("hip_bone", side)

    def at(*points: tuple[float, float, float]) -> Vector:
        return _pelvis_points(posture, side, *points)

    joint = posture.legs[side].hip
    inward = joint - to_side([0.0, 0.0, 8.0], side) * scale
    # From the sacroiliac joint along the arcuate line to the acetabulum.
    line = at((738, 236, 44), (768, 230, 53), (792, 212, 60), (816, 192, 66), (838, 180, 68))
    wing = iliac_wing(posture, side)
    socket = Ellipsoid(joint, np.full(3, 26.0) * scale)
    behind, roof, crest = 1 + _MASS_SIGMA * posture.vary(f"ilium {side}", 3)
    rami: list[Plate | Tube | Ellipsoid] = [
        Tube(at((842, 152, 66), (852, 132, 40), (861, 126, 15)), np.array([15, 9.5, 12]) * scale),
        Tube(at((860, 126, 13), (882, 148, 13)), np.array([12, 11]) * scale),
        Tube(at((880, 148, 14), (893, 174, 34), (896, 194, 46)), np.array([9, 8, 11]) * scale),
    ]
    shapes: list[Plate | Tube | Ellipsoid] = [
        wing,
        Tube(line, np.array([12, 16, 15, 15, 15]) * scale),
        # It is thickest behind, where it carries the sacrum, over the femoral head, and at the
        # crest's tubercle.
        Ellipsoid(at((760, 227, 55))[0], np.array([34, 26, 16]) * scale * behind, wing.axes),
        Ellipsoid(at((804, 168, 78))[0], np.array([26, 25, 20]) * scale * roof),
        Tube(at((766, 128, 120), (796, 152, 94)), np.array([5, 12]) * scale),
        Ellipsoid(at((744, 152, 110))[0], np.array([27, 24, 8]) * scale * crest, wing.axes),
        Ellipsoid(inward, np.array([30, 30, 26]) * scale),
        Tube(at((890, 204, 53), (872, 206, 63), (848, 196, 68)), np.array([15, 15, 16]) * scale),
        *rami,
    ]
    return BoneShape(
        f"hip_bone_{side}",
        f"pelvis_{side}",
        shapes,
        without=[socket],
        spongy=rami,
        cover_mm=8.0,
    )


def pelvis_bones(posture: Posture) -> Iterator[BoneShape]:
    """Yield both hip bones."""
    for side in SIDES:
        yield _hip_bone(posture, side)
