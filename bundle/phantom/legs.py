"""Hip bone, thigh, shank and foot."""

from collections.abc import Iterator

import numpy as np

from bundle.labels import SIDES
from bundle.phantom.posture import Leg, Posture, Vector, side_sign
from bundle.phantom.shapes import Ellipsoid, Plate, Shape, Solid, Tube, smooth_path, unit


def _hip_bone(posture: Posture, side: str) -> Solid:
    sign = side_sign(side)
    scale = posture.bone_scale

    def at(*points: tuple[float, float, float]) -> Vector:
        return posture.place(np.array(points, dtype=float) * [1, 1, sign])

    centre = at((755.0, 185.0, 88.0))[0]
    u = np.array([1.0, 0.0, 0.0])
    v = unit(np.array([0.0, -0.75, 0.66 * sign]))
    axes = np.array([u, v, np.cross(u, v)])
    outline = smooth_path(
        [
            (-48, -30),
            (-52, 5),
            (-35, 50),
            (0, 66),
            (40, 58),
            (80, 40),
            (80, -10),
            (40, -40),
            (0, -62),
            (-30, -58),
        ],
        28,
        closed=True,
    )
    wing = Plate(centre, axes, outline * scale, (0, 0, 0, 0.001, 0, 0.002), 7.0, 8.0, 8.0)
    shapes: tuple[Shape, ...] = (
        wing,
        Ellipsoid(posture.legs[side].hip, np.array([32, 32, 32]) * scale),
        Tube(at((845, 150, 70), (850, 125, 35), (866, 125, 10)), np.array([14, 9, 11]) * scale),
        Tube(at((866, 125, 10), (890, 150, 30), (905, 185, 55)), np.array([10, 8, 14]) * scale),
        Tube(at((905, 185, 55), (870, 205, 75), (850, 190, 85)), np.array([16, 15, 18]) * scale),
    )
    socket = Ellipsoid(posture.legs[side].hip, np.array([25, 25, 25]) * scale)
    return Solid(f"hip_bone_{side}", f"pelvis_{side}", shapes, (socket,), 8.0)


def _femur(posture: Posture, side: str, leg: Leg) -> Solid:
    scale = posture.bone_scale
    sign = side_sign(side)
    along, outward, forward = leg.knee_frame
    top = leg.hip + np.array([20, 10, 52 * sign]) * scale
    shaft = np.array(
        [
            top,
            top + 0.2 * (leg.knee - top),
            leg.knee - along * 90 * scale,
            leg.knee - along * 45 * scale,
        ]
    )
    shapes: list[Shape] = [
        Ellipsoid(leg.hip, np.array([24, 24, 24]) * scale),
        Tube(np.array([leg.hip, top]), np.array([15, 17]) * scale),
        Ellipsoid(top + np.array([-10, 5, 5 * sign]) * scale, np.array([26, 20, 18]) * scale),
        Tube(shaft, np.array([20, 15, 14, 20]) * scale),
    ]
    for step in (-1.0, 1.0):
        shapes.append(
            Ellipsoid(
                leg.knee + (outward * 22 * step - along * 20) * scale,
                np.array([20, 19, 30]) * scale,
                leg.knee_frame,
            )
        )
    return Solid(f"femur_{side}", f"femur_{side}", tuple(shapes), (), 9.0)


def _knee_and_shank(posture: Posture, side: str, leg: Leg) -> Iterator[Solid]:
    scale = posture.bone_scale
    along, outward, forward = leg.knee_frame

    def at(base: Vector, down: float, out: float, front: float) -> Vector:
        return base + (along * down + outward * out + forward * front) * scale

    patella = Ellipsoid(at(leg.knee, -22, 0, 42), np.array([21, 22, 9]) * scale, leg.knee_frame)
    yield Solid(f"patella_{side}", f"patella_{side}", (patella,), (), 6.0)
    shaft = np.array(
        [
            at(leg.knee, 20, 0, 0),
            at(leg.knee, 70, 0, 5),
            at(leg.ankle, -90, -4, 5),
            at(leg.ankle, -12, -6, 0),
        ]
    )
    tibia: tuple[Shape, ...] = (
        Ellipsoid(at(leg.knee, 16, 0, 0), np.array([16, 38, 24]) * scale, leg.knee_frame, power=4),
        Tube(shaft, np.array([28, 16, 12, 18]) * scale),
        Tube(np.array([at(leg.ankle, -20, -18, 0), at(leg.ankle, 8, -22, 0)]), 8 * scale),
    )
    yield Solid(f"tibia_{side}", f"tibia_{side}", tibia, (), 6.0)
    fibula = np.array(
        [
            at(leg.knee, 26, 38, -16),
            at(leg.knee, 60, 36, -16),
            at(leg.ankle, -60, 26, -12),
            at(leg.ankle, 14, 26, -8),
        ]
    )
    yield Solid(
        f"fibula_{side}", f"fibula_{side}", (Tube(fibula, np.array([9, 6, 6, 9]) * scale),), (), 6.0
    )


def _foot(posture: Posture, side: str, leg: Leg) -> Solid:
    scale = posture.bone_scale
    down, outward, forward = leg.foot

    def at(sole: float, out: float, toes: float) -> Vector:
        return leg.ankle + (down * sole + outward * out + forward * toes) * scale

    shapes: list[Shape] = [
        Ellipsoid(at(14, 0, 8), np.array([16, 20, 28]) * scale, leg.foot),
        Ellipsoid(at(42, 2, -22), np.array([22, 17, 38]) * scale, leg.foot),
        Ellipsoid(at(32, 0, 48), np.array([16, 28, 26]) * scale, leg.foot),
    ]
    for ray in range(5):
        out = -24 + 13 * ray
        reach = 180 - 8 * ray
        path = np.array(
            [at(38 + 2 * ray, 0.7 * out, 70), at(62, out, 125 - 5 * ray), at(66, out * 1.05, reach)]
        )
        shapes.append(Tube(path, np.array([9, 8, 6] if ray == 0 else [6, 5, 4]) * scale))
    return Solid(f"foot_{side}", f"foot_{side}", tuple(shapes), (), 9.0)


def leg_bones(posture: Posture) -> Iterator[Solid]:
    """Yield hip bone, femur, patella, tibia, fibula and foot of both sides."""
    for side in SIDES:
        leg = posture.legs[side]
        yield _hip_bone(posture, side)
        yield _femur(posture, side, leg)
        yield from _knee_and_shank(posture, side, leg)
        yield _foot(posture, side, leg)
