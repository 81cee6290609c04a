"""Kidneys with their collecting systems, ureters and the bladder."""

import numpy as np
from scipy.spatial.transform import Rotation

from bonescan.phantom.anatomy.body_scale import to_side
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import (
    LocalFrame,
    Shape,
    Tube,
    smooth_path,
    unit,
)

_KIDNEY_MM = (55.0, 23.0, 29.0)
"""Half axes along, across the hilum and outwards: textbook sizes, a volume of 150 ml."""
_KIDNEY_ROW_MM = {"right": 620.0, "left": 608.0}
_KIDNEY_SHIFT_MM, _KIDNEY_SIZE_SIGMA, _KIDNEY_LEAN = 8.0, 0.05, 0.09
_CALYCES = ((-27.0, 6.5), (-9.0, 6.0), (10.0, 6.0), (27.0, 6.5))
"""Places along the kidney, and radii, of the groups of calyces in mm."""
_PELVIS_SIGMA, _DILATED_FROM, _DILATION = 0.2, 1.8, 1.7
"""Log-normal spread of the size of a collecting system; the deviate from which it is dilated, in
3 % of the kidneys, and by how much. Defaults of ours."""

_URETER = (
    (628.0, 206.0, 36.0),
    (670.0, 168.0, 33.0),
    (715.0, 158.0, 30.0),
    (765.0, 178.0, 44.0),
    (815.0, 196.0, 50.0),
    (848.0, 178.0, 20.0),
)
_URETER_MM = 3.2
_URETER_POINTS = 30
_URETER_SHARE = (0.15, 0.6)
"""Share of the ureter's length that urine fills at one time. A default of ours."""

_BLADDER = (0.84, 0.98, 1.22)
"""Half axes of the bladder over those of a sphere: along row, depth and column."""
_BLADDER_LEAN_DEG = 9.0
_BLADDER_FLOOR_MM = (854.0, 156.0, 0.0)


def urinary_shapes(posture: Posture, side: str) -> dict[str, tuple[Shape, ...]]:
    """Return the kidney, its collecting system and the ureter of a side."""
    odd = float(posture.vary(f"collecting system {side}", 1)[0])
    wide = np.exp(_PELVIS_SIGMA * odd) * (_DILATION if odd > _DILATED_FROM else 1.0)
    kidney = _kidney_frame(posture, side)
    return {
        "kidney": (kidney.ellipsoid((0, 0, 0), _KIDNEY_MM),),
        "renal_pelvis": _collecting_system(kidney, wide),
        "ureter": (_ureter(posture, side, wide),),
    }


def _kidney_frame(posture: Posture, side: str) -> LocalFrame:
    """Return a kidney's frame (along, forward of the hilum, outwards).

    Its upper pole leans inwards and backwards; the right one lies lower.
    """
    odd = posture.vary(f"kidney {side}", 6)
    lean = _KIDNEY_LEAN * odd[:2]
    long = unit(to_side([1.0, -0.18 + lean[0], 0.25 + lean[1]], side))
    wide = to_side([0.0, 0.5, 0.87], side)
    wide = unit(wide - (wide @ long) * long)
    centre = to_side((_KIDNEY_ROW_MM[side], 222.0, 60.0), side)
    centre = centre + _KIDNEY_SHIFT_MM * odd[2:5] * [1.0, 0.4, 0.5]
    size = posture.scale.height * (1 + _KIDNEY_SIZE_SIGMA * odd[5])
    return LocalFrame(posture.place(centre), np.array([long, np.cross(long, wide), wide]), size)


def _collecting_system(kidney: LocalFrame, wide: float) -> tuple[Shape, ...]:
    """Return the renal pelvis at the hilum and the calyces that reach into the kidney."""
    calyces = [
        kidney.ellipsoid((along, 0, 3), np.full(3, radius * wide)) for along, radius in _CALYCES
    ]
    pelvis = kidney.ellipsoid((4, 0, -24), np.array([15.0, 7.0, 9.0]) * wide)
    return (pelvis, *calyces)


def _ureter(posture: Posture, side: str, wide: float) -> Tube:
    """Return the part of a ureter that holds urine; a dilated one holds it all along."""
    odd = posture.vary(f"ureter {side}", 2 + len(_URETER)).clip(-2, 2)
    path = np.array(_URETER)
    path[:, 2] += 5.0 * odd[2:]
    path = smooth_path(path, _URETER_POINTS)
    length = np.interp(wide, (0.7, 1.5), _URETER_SHARE) if wide < _DILATION else 1.0
    first = round((0.5 + 0.25 * odd[0]) * (1 - length) * (_URETER_POINTS - 1))
    part = path[first : first + max(round(length * _URETER_POINTS), 2)]
    radius = _URETER_MM * posture.scale.height * np.sqrt(wide)
    return Tube(posture.place(to_side(part, side)), radius)


def bladder(posture: Posture) -> tuple[tuple[Shape, ...], Shape]:
    """Return the bladder's parts, and what dents it from above: uterus, bowel.

    It grows upwards from behind the symphysis, leans and bulges to one side.
    """
    odd = posture.vary("bladder", 6)
    radius = np.cbrt(posture.person.bladder_ml * 1000 / (4 / 3 * np.pi))
    radii = np.array(_BLADDER) * [1 - 0.1 * odd[0], 1.0, 1 + 0.1 * odd[0]] * radius
    floor = posture.place(_BLADDER_FLOOR_MM)
    centre = floor - np.array([radii[0], 0.4 * radii[1] - 8, -0.12 * odd[1] * radius])
    axes = Rotation.from_euler("y", _BLADDER_LEAN_DEG * odd[2], degrees=True).as_matrix()
    frame = LocalFrame(centre, axes, 1.0)
    side = np.sign(odd[3])
    bulge = frame.ellipsoid((0.22 * radii[0], 0, side * 0.42 * radii[2]), radii * [0.74, 0.9, 0.8])
    dent = frame.ellipsoid(
        (-(1.34 - 0.12 * odd[4]) * radii[0], 0, 0.25 * odd[5] * radii[2]),
        radii * [0.62, 1.3, 0.85],
    )
    return (frame.ellipsoid((0, 0, 0), radii), bulge), dent
