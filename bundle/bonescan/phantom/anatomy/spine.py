"""Cervical, thoracic and lumbar vertebrae, sacrum and coccyx."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bonescan.phantom.anatomy.body_scale import side_sign
from bonescan.phantom.anatomy.plates import strip
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import (
    BoneShape,
    Ellipsoid,
    LocalFrame,
    Shape,
    Tube,
    Vector,
    unit,
)


class VertebralBody(NamedTuple):
    """Centre (row, depth) and size of a vertebral body in mm."""

    row: float
    depth: float
    height: float
    breadth: float
    thick: float


# Rows and depths measured on mesh50_XCAT (Auer et al. 2023); sizes rounded to the means of Panjabi
# et al., Spine 1991-1992.
VERTEBRAE: Mapping[str, VertebralBody] = {
    "c1": VertebralBody(161, 141, 10, 22, 12),
    "c2": VertebralBody(180, 139, 19, 18, 15),
    "c3": VertebralBody(198, 143, 13, 18, 15),
    "c4": VertebralBody(215, 145, 13, 18, 15),
    "c5": VertebralBody(234, 149, 13, 19, 15),
    "c6": VertebralBody(252, 155, 13, 20, 16),
    "c7": VertebralBody(269, 165, 14, 22, 17),
    "t1": VertebralBody(287, 177, 15, 26, 18),
    "t2": VertebralBody(307, 188, 16, 26, 20),
    "t3": VertebralBody(328, 197, 17, 26, 22),
    "t4": VertebralBody(349, 204, 18, 26, 24),
    "t5": VertebralBody(371, 209, 18, 27, 25),
    "t6": VertebralBody(394, 214, 19, 28, 27),
    "t7": VertebralBody(417, 217, 20, 29, 28),
    "t8": VertebralBody(440, 217, 21, 30, 29),
    "t9": VertebralBody(464, 214, 22, 31, 30),
    "t10": VertebralBody(488, 210, 23, 33, 30),
    "t11": VertebralBody(514, 207, 24, 36, 31),
    "t12": VertebralBody(543, 202, 26, 40, 31),
    "l1": VertebralBody(574, 195, 28, 42, 32),
    "l2": VertebralBody(607, 187, 29, 43, 33),
    "l3": VertebralBody(642, 177, 29, 45, 33),
    "l4": VertebralBody(679, 170, 29, 47, 33),
    "l5": VertebralBody(717, 171, 28, 50, 33),
}
LEVELS = tuple(VERTEBRAE)

# Half breadth of the sacrum along its line from promontory to tip, same source.
_SACRUM = (
    (0.0, 22),
    (0.06, 38),
    (0.17, 49),
    (0.35, 49),
    (0.55, 43),
    (0.72, 33),
    (0.88, 20),
    (1.0, 10),
)

NECK_FLEX_PIVOT_MM = (265.0, 163.0, 0.0)
"""The neck bends above C7."""


@dataclass(frozen=True)
class Arch:
    """Processes of the vertebrae of one part of the spine, in mm from the back of the body.

    Attributes:
        rod: radius of pedicles and laminae.
        facet: half breadth between the joints.
        transverse: half breadth across the transverse processes.
        raised: how far these processes point upwards.
        swept: how far they point backwards.
        spinous: length of the spinous process.
        dropped: how far it points downwards.
        blade: its half height.
    """

    rod: float
    facet: float
    transverse: float
    raised: float
    swept: float
    spinous: float
    dropped: float
    blade: float


_ARCHES: Mapping[str, Arch] = {
    "c": Arch(4.5, 18.0, 27.0, 0.0, 4.0, 28.0, 8.0, 5.0),
    "t": Arch(5.5, 12.0, 33.0, 8.0, 20.0, 24.0, 26.0, 7.0),
    "l": Arch(5.5, 17.0, 44.0, 2.0, 14.0, 36.0, 6.0, 10.0),
}
_LOWEST_THORACIC = Arch(5.5, 13.0, 24.0, 2.0, 16.0, 32.0, 8.0, 9.0)


def arch(level: str) -> Arch:
    """Return the processes of a level; the lowest thoracic ones are small."""
    return _LOWEST_THORACIC if level in {"t11", "t12"} else _ARCHES[level[0]]


def vertebra_centre(posture: Posture, level: str) -> Vector:
    """Return the centre of a vertebral body in mm of the grid."""
    row, depth, *_ = VERTEBRAE[level]
    pivot = np.array(NECK_FLEX_PIVOT_MM)
    offset = np.array([row, depth, 0.0]) - pivot
    share = 0.7 * float(np.clip(-offset[0] / 100.0, 0, 1))
    turned = posture.turn_neck(share).apply(offset) - offset
    return posture.place((row, depth, 0.0)) + turned * posture.scale.head


def vertebra_frame(posture: Posture, level: str) -> LocalFrame:
    """Return the frame of a vertebral body: down, backwards, to the left."""
    index = LEVELS.index(level)
    above = vertebra_centre(posture, LEVELS[max(index - 1, 0)])
    below = vertebra_centre(posture, LEVELS[min(index + 1, len(LEVELS) - 1)])
    down = unit(below - above)
    left = unit(np.array([0.0, 0.0, 1.0]) - down[2] * down)
    axes = np.array([down, np.cross(left, down), left])
    return LocalFrame(vertebra_centre(posture, level), axes, posture.scale.bone)


def facet_point(posture: Posture, level: str, side: str) -> Vector:
    """Return the facet joint below a vertebra in mm of the grid."""
    body = VERTEBRAE[level]
    aside = side_sign(side) * arch(level).facet
    return vertebra_frame(posture, level).point((body.height * 0.45, body.thick / 2 + 13, aside))


def _body(posture: Posture, level: str) -> list[Shape]:
    body, frame = VERTEBRAE[level], vertebra_frame(posture, level)
    scale = np.array([posture.scale.trunk, frame.scale, frame.scale])
    half = np.array([body.height, body.thick, body.breadth]) * scale / 2
    block = Ellipsoid(frame.origin, half * [1.0, 0.93, 0.93], frame.axes, power=4)
    # End plates are broader than the waist and take up more tracer.
    plate = half * [0.3, 1.03, 1.03]
    ends = [frame.origin + end * half[0] * frame.axes[0] for end in (-0.68, 0.68)]
    return [block, *(Ellipsoid(centre, plate, frame.axes) for centre in ends)]


def _vertebra(posture: Posture, level: str) -> BoneShape:
    """Return one vertebra: body, pedicles, laminae and processes."""
    frame, form = vertebra_frame(posture, level), arch(level)
    _, _, height, breadth, thick = VERTEBRAE[level]
    back = thick / 2
    lamina = (height * 0.25, back + 22, 0.0)
    tip = (lamina[0] + form.dropped, back + 6 + form.spinous, 0.0)
    shapes = _body(posture, level)
    radius = form.blade * frame.scale
    shapes.append(Tube(frame.points(lamina, tip), radius, frame.axes[2], form.blade / 4.0))
    for sign in (-1.0, 1.0):
        root = (-height * 0.15, back - 2, sign * breadth * 0.36)
        joint = (0.0, back + 12, sign * form.facet)
        shapes.append(frame.tube((root, joint, lamina), form.rod))
        end = (-form.raised, back + form.swept, sign * form.transverse)
        shapes.append(frame.tube((joint, end), np.array([1.0, 0.85]) * form.rod))
        upper = (-height * 0.45, back + 11, sign * form.facet)
        lower = (height * 0.55, back + 15, sign * form.facet)
        shapes.append(frame.tube((upper, lower), form.rod * 1.2))
    if level == "c2":
        shapes.append(frame.tube([(-5, 0, 0), (-24, -1, 0)], 5))  # the dens
    return BoneShape(f"vertebra_{level}", level, shapes)


def _atlas(posture: Posture) -> BoneShape:
    """Return C1: a ring without a body."""
    frame = vertebra_frame(posture, "c1")
    angle = np.linspace(0, 2 * np.pi, 13)
    ring = np.stack([0 * angle, 10 - 18 * np.cos(angle), 17 * np.sin(angle)], 1)
    masses = [frame.tube([(0, 4, 16 * sign), (0, 6, 34 * sign)], (8, 5)) for sign in (-1.0, 1.0)]
    return BoneShape("vertebra_c1", "c1", [frame.tube(ring, 4), *masses])


def _sacrum(posture: Posture) -> BoneShape:
    """Return the sacrum with the coccyx."""
    scale = posture.scale.bone
    top, tip = posture.place([(742.0, 180.0, 0.0), (824.0, 257.0, 0.0)])
    profile = np.array(_SACRUM) * [1.0, posture.scale.pelvis]
    plate = strip(
        top,
        tip,
        (0.0, 1.0, 0.0),
        profile,
        thickness_mm=20 * scale,
        rim_mm=-12 * scale,
        bulge_mm=13 * scale,
    )
    crest = [plate.point(share * float(np.linalg.norm(tip - top)), 0.0) for share in (0.2, 0.7)]
    backward = plate.axes[2] * 13 * scale
    tail = posture.place([(822, 256, 0), (842, 261, 0), (860, 252, 0)])
    body = Ellipsoid(plate.point(14 * scale, 0.0), np.array([15, 25, 16]) * scale, plate.axes)
    shapes: list[Shape] = [
        plate,
        body,
        Tube(np.array(crest) + backward, 5 * scale),
        Tube(tail, np.array([8, 7, 4]) * scale),
    ]
    return BoneShape("sacrum", "sacrum", shapes, cover_mm=5.0)


def spine_bones(posture: Posture) -> Iterator[BoneShape]:
    """Yield C1 to L5, sacrum and coccyx."""
    yield _atlas(posture)
    for level in LEVELS[1:]:
        yield _vertebra(posture, level)
    yield _sacrum(posture)
