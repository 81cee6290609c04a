"""Cervical, thoracic and lumbar vertebrae, sacrum and coccyx."""

from collections.abc import Iterator, Mapping

import numpy as np

from bundle.phantom.posture import Posture, Vector
from bundle.phantom.shapes import Ellipsoid, Shape, Solid, Tube, unit

# Centre of the body (row, depth) and its height, breadth and depth in mm. Rows and depths measured
# on mesh50_XCAT (Auer et al. 2023); sizes rounded to the means of Panjabi et al., Spine 1991-1992.
VERTEBRAE: Mapping[str, tuple[float, float, float, float, float]] = {
    "c1": (161, 141, 12, 30, 12),
    "c2": (178, 143, 18, 18, 15),
    "c3": (198, 147, 13, 18, 15),
    "c4": (214, 149, 13, 18, 15),
    "c5": (230, 153, 13, 19, 15),
    "c6": (247, 159, 13, 20, 16),
    "c7": (264, 168, 14, 22, 17),
    "t1": (282, 180, 15, 27, 18),
    "t2": (301, 193, 16, 27, 20),
    "t3": (320, 202, 17, 26, 22),
    "t4": (341, 209, 18, 26, 24),
    "t5": (363, 214, 19, 27, 25),
    "t6": (386, 217, 20, 28, 27),
    "t7": (411, 219, 20, 29, 28),
    "t8": (436, 218, 21, 30, 29),
    "t9": (461, 215, 22, 31, 30),
    "t10": (487, 211, 23, 33, 30),
    "t11": (514, 207, 24, 36, 31),
    "t12": (543, 203, 26, 40, 31),
    "l1": (574, 195, 28, 42, 32),
    "l2": (607, 187, 29, 43, 33),
    "l3": (642, 177, 29, 45, 33),
    "l4": (679, 170, 29, 47, 33),
    "l5": (717, 171, 29, 50, 33),
}
LEVELS = tuple(VERTEBRAE)


def spine_place(posture: Posture, level: str) -> Vector:
    """Return the centre of a vertebral body in mm of the grid."""
    row, depth, *_ = VERTEBRAE[level]
    share = float(np.clip((265.0 - row) / 100.0, 0, 1))
    pivot = np.array([265.0, 167.0, 0.0])
    offset = np.array([row, depth, 0.0]) - pivot
    turned = posture.turn_neck(share * 0.7).apply(offset) - offset
    return posture.place((row, depth, 0.0)) + turned * posture.head_scale


def spine_frame(posture: Posture, level: str) -> Vector:
    """Return the axes of a vertebra, one per row: down, backwards, to the left."""
    index = LEVELS.index(level)
    above = spine_place(posture, LEVELS[max(index - 1, 0)])
    below = spine_place(posture, LEVELS[min(index + 1, len(LEVELS) - 1)])
    down = unit(below - above)
    left = unit(np.array([0.0, 0.0, 1.0]) - down[2] * down)
    return np.array([down, np.cross(left, down), left])


def vertebra(posture: Posture, level: str) -> Solid:
    """Return one vertebra: body, arch with its processes."""
    _, _, height, breadth, thick = (value * posture.bone_scale for value in VERTEBRAE[level])
    height = VERTEBRAE[level][2] * posture.trunk_scale
    centre, frame = spine_place(posture, level), spine_frame(posture, level)

    def at(down: float, back: float, left: float) -> Vector:
        return centre + np.array([down, back, left]) @ frame

    scale = posture.bone_scale
    back = thick / 2
    reach = (42 if level[0] == "l" else 32 if level[0] == "t" else 26) * scale
    shapes: list[Shape] = [
        Ellipsoid(centre, np.array([height, thick, breadth]) / 2, frame, power=4),
        Tube(
            np.array([at(0, back + 16 * scale, 0), at(14 * scale, back + 38 * scale, 0)]), 4 * scale
        ),
    ]
    for sign in (-1.0, 1.0):
        pedicle = at(-2, back, sign * breadth * 0.33)
        joint = at(2, back + 14 * scale, sign * breadth * 0.38)
        tip = at(0, back + 12 * scale, sign * reach)
        lamina = at(4, back + 18 * scale, 0)
        shapes.append(Tube(np.array([pedicle, joint, lamina]), 5 * scale))
        shapes.append(Tube(np.array([joint, tip]), 4 * scale))
    return Solid(f"vertebra_{level}", level, tuple(shapes))


def sacrum_bones(posture: Posture) -> Iterator[Solid]:
    """Yield the sacrum with the coccyx."""
    path = posture.place([(750.0, 190.0, 0.0), (780.0, 225.0, 0.0), (820.0, 255.0, 0.0)])
    scale = posture.bone_scale
    shapes: list[Shape] = [
        Tube(path, np.array([46, 36, 14]) * scale, flat=unit(np.array([-1, 0.8, 0])), flatness=3.0),
        Tube(posture.place([(815.0, 255.0, 0.0), (858.0, 250.0, 0.0)]), 6 * scale),
    ]
    yield Solid("sacrum", "sacrum", tuple(shapes))


def spine_bones(posture: Posture) -> Iterator[Solid]:
    """Yield C1 to L5, sacrum and coccyx."""
    for level in LEVELS:
        yield vertebra(posture, level)
    yield from sacrum_bones(posture)
