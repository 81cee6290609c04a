"""Ribs, sternum, and the places of their joints."""

from collections.abc import Iterator

import numpy as np

from bundle.labels import SIDES
from bundle.phantom.posture import Posture, Vector, side_sign
from bundle.phantom.shapes import Shape, Solid, Tube, smooth_path
from bundle.phantom.spine import VERTEBRAE

# Rib by rib, on the left of the reference man: greatest breadth, and (row, depth, column) of the
# costochondral junction.
RIBS: tuple[tuple[float, tuple[float, float, float]], ...] = (
    (68, (312, 128, 38)),
    (92, (345, 112, 36)),
    (106, (378, 98, 42)),
    (116, (412, 86, 48)),
    (123, (446, 76, 56)),
    (129, (482, 68, 66)),
    (134, (518, 62, 76)),
    (138, (556, 62, 90)),
    (139, (584, 66, 102)),
    (138, (606, 82, 112)),
    (134, (622, 120, 122)),
    (104, (606, 190, 100)),
)


def rib_path(posture: Posture, number: int, side: str) -> Vector:
    """Return the centre line of a rib (n, 3) in mm from the spine to its front end."""
    level = f"t{number}"
    row, depth, _, breadth, _ = VERTEBRAE[level]
    widest, (front_row, front_depth, front_column) = RIBS[number - 1]
    drop = front_row - row
    back = min(depth + 42, 262)
    points = [
        (row - 8, depth + 12, breadth / 2 + 2),
        (row - 2, depth + 28, breadth / 2 + 18),
        (row + 0.18 * drop, back, 0.60 * widest),
        (row + 0.45 * drop, 0.62 * back + 0.38 * front_depth, 0.98 * widest),
        (row + 0.75 * drop, 0.25 * back + 0.75 * front_depth, 0.5 * (widest + front_column) * 1.1),
        (front_row, front_depth, front_column),
    ]
    path = smooth_path(np.array(points) * [1, 1, side_sign(side)], 16)
    return posture.place(path)


def thorax_bones(posture: Posture) -> Iterator[Solid]:
    """Yield manubrium, sternum with xiphoid, and twelve pairs of ribs."""
    scale = posture.bone_scale
    manubrium = posture.place([(318.0, 122.0, 0.0), (352.0, 104.0, 0.0)])
    flat = np.array([0.35, 1.0, 0.0])
    yield Solid(
        "manubrium", "manubrium", (Tube(manubrium, [28 * scale, 20 * scale], flat, 3.5),), (), 5.0
    )
    body = posture.place([(370.0, 98.0, 0.0), (430.0, 74.0, 0.0), (480.0, 62.0, 0.0)])
    xiphoid = posture.place([(480.0, 62.0, 0.0), (512.0, 58.0, 0.0)])
    shapes: tuple[Shape, ...] = (
        Tube(body, np.array([15, 18, 17]) * scale, flat, 3.0),
        Tube(xiphoid, [8 * scale, 4 * scale], flat, 2.0),
    )
    yield Solid("sternum", "sternum", shapes, (), 5.0)
    for side in SIDES:
        for number in range(1, 13):
            path = rib_path(posture, number, side)
            inward = path - posture.place((np.interp(number, [1, 12], [320, 580]), 160.0, 0.0))
            inward[:, 0] = 0
            tube = Tube(path, 6 * scale, inward, 2.0)
            yield Solid(f"rib_{number:02d}_{side}", f"ribs_{side}", (tube,), (), 4.0)
