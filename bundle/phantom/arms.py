"""Shoulder girdle, arm and hand."""

from collections.abc import Iterator

import numpy as np

from bundle.labels import SIDES
from bundle.phantom.posture import Arm, Posture, Vector, side_sign
from bundle.phantom.shapes import Ellipsoid, Plate, Shape, Solid, Tube, smooth_path, unit


def _clavicle(posture: Posture, side: str) -> Solid:
    mirror = np.array([1, 1, side_sign(side)])
    wide = posture.shoulder_scale / posture.chest_scale
    points = np.array(
        [(316, 122, 20), (306, 112, 52), (294, 124, 95), (284, 150, 130), (280, 160, 152)], float
    ) * [1, 1, wide]
    path = smooth_path(posture.place(points * mirror), 10)
    radius = np.interp(np.linspace(0, 1, 10), [0, 0.15, 0.5, 1], [11, 7, 6, 8])
    return Solid(
        f"clavicle_{side}", f"clavicle_{side}", (Tube(path, radius * posture.bone_scale),), (), 6.0
    )


def _scapula(posture: Posture, side: str) -> Solid:
    sign = side_sign(side)
    mirror = np.array([1, 1, sign])
    scale = posture.bone_scale
    centre = posture.place(np.array([345, 245, 105.0]) * mirror)
    u = np.array([1.0, 0.1, 0.0])
    v = unit(np.array([0.0, -0.5, 0.87]) * mirror)
    u = unit(u - (u @ v) * v)
    axes = np.array([u, v, np.cross(u, v)])
    outline = smooth_path(
        [
            (-62, -38),
            (-52, 0),
            (-42, 30),
            (-25, 44),
            (0, 34),
            (45, 5),
            (88, -22),
            (60, -40),
            (0, -44),
        ],
        28,
        closed=True,
    )
    blade = Plate(centre, axes, outline * scale, (0, 0, 0, 0.0006, 0, 0.001), 3.0, 5.0, 6.0)
    shoulder = posture.arms[side].shoulder

    def at(row: float, depth: float, column: float) -> Vector:
        return shoulder + np.array([row, depth, column * sign]) * scale

    spine = np.array([blade.place(-30 * scale, -36 * scale), at(-10, 42, -30), at(-28, 25, 4)])
    shapes: tuple[Shape, ...] = (
        blade,
        Tube(spine, np.array([4, 6, 9]) * scale),
        Tube(np.array([at(-28, 25, 4), at(-32, -2, 2)]), 8 * scale, [1, 0, 0], 1.8),
        Tube(np.array([at(-8, 5, -36), at(-26, -10, -28), at(-16, -26, -16)]), 6 * scale),
        Tube(
            np.array([at(0, 8, -28), blade.place(-10 * scale, 25 * scale)]),
            np.array([15, 9]) * scale,
        ),
    )
    return Solid(f"scapula_{side}", f"scapula_{side}", shapes, (), 8.0)


def _humerus(posture: Posture, side: str, arm: Arm) -> Solid:
    scale = posture.bone_scale
    sign = side_sign(side)
    axis = unit(arm.elbow - arm.shoulder)
    top = arm.shoulder + np.array([2, 0, 12 * sign]) * scale
    path = np.array(
        [
            top + axis * 15 * scale,
            top + axis * 60 * scale,
            arm.elbow - axis * 50 * scale,
            arm.elbow - axis * 20 * scale,
        ]
    )
    across = unit(np.array([0, 0, 1.0]) - axis[2] * axis)
    shapes: tuple[Shape, ...] = (
        Ellipsoid(arm.shoulder, np.array([24, 24, 24]) * scale),
        Tube(path, np.array([20, 12, 11, 14]) * scale),
        Tube(
            np.array([arm.elbow - across * 20 * scale, arm.elbow + across * 20 * scale]), 12 * scale
        ),
        Tube(
            np.array([arm.elbow - axis * 50 * scale, arm.elbow]),
            np.array([11, 24]) * scale,
            np.cross(axis, across),
            2.2,
        ),
    )
    return Solid(f"humerus_{side}", f"humerus_{side}", shapes, (), 8.0)


def _forearm(posture: Posture, side: str, arm: Arm) -> Solid:
    scale = posture.bone_scale
    axis = arm.wrist - arm.elbow
    across = arm.hand[1]
    rows = []
    for offset, radii in ((-9.0, (11, 7, 7, 14)), (9.0, (14, 8, 6, 8))):
        path = arm.elbow + np.array([0.04, 0.25, 0.75, 0.97])[:, None] * axis
        path = path + across * offset * scale * np.array([1, 1.4, 1.4, 1])[:, None]
        rows.append(Tube(path, np.array(radii) * scale))
    return Solid(f"forearm_{side}", f"forearm_{side}", tuple(rows), (), 7.0)


def _hand(posture: Posture, side: str, arm: Arm) -> Solid:
    scale = posture.bone_scale
    along, across, palm = arm.hand

    def at(down: float, aside: float, front: float = 0.0) -> Vector:
        return arm.wrist + (along * down + across * aside + palm * front) * scale

    shapes: list[Shape] = [
        Ellipsoid(at(18, 0), np.array([17, 26, 10]) * scale, arm.hand),
    ]
    for finger, (root, length) in enumerate(((-24, 80), (-9, 100), (6, 108), (20, 100), (32, 80))):
        tip = at(90 + length * 0.9, root * 1.1, 12)
        if finger == 0:
            path = np.array([at(20, -24, 5), at(60, -42, 15), at(112, -46, 22)])
        else:
            path = np.array([at(30, root * 0.6), at(92, root), tip])
        shapes.append(Tube(path, np.array([5, 6, 4]) * scale))
    return Solid(f"hand_{side}", f"hand_{side}", tuple(shapes), (), 7.0)


def arm_bones(posture: Posture) -> Iterator[Solid]:
    """Yield clavicle, scapula, humerus, forearm and hand of both sides."""
    for side in SIDES:
        arm = posture.arms[side]
        yield _clavicle(posture, side)
        yield _scapula(posture, side)
        yield _humerus(posture, side, arm)
        yield _forearm(posture, side, arm)
        yield _hand(posture, side, arm)
