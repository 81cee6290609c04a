"""Cervical, thoracic and lumbar vertebrae, sacrum and coccyx."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from bonescan.phantom.anatomy.body_scale import side_sign
from bonescan.phantom.anatomy.bone_shape import BoneShape
from bonescan.phantom.anatomy.plates import strip
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import Ellipsoid, LocalFrame, Shape, Tube, Vector, unit


class VertebralBody(NamedTuple):
    """Centre (row, depth) and size of a vertebral body in mm."""

    row: float
    depth: float
    height: float
    breadth: float
    thick: float


# Rows and depths measured on mesh50_XCAT (Auer et al. 2023); sizes of the bodies between the means
# of Panjabi et al., Spine 1991-1992, and that man's, whose lumbar bodies are 38 mm deep.
VERTEBRAE: Mapping[str, VertebralBody] = {
    "c1": VertebralBody(161, 141, 10, 22, 12),
    "c2": VertebralBody(180, 139, 20, 20, 16),
    "c3": VertebralBody(198, 143, 14, 20, 16),
    "c4": VertebralBody(215, 145, 14, 20, 16),
    "c5": VertebralBody(234, 149, 14, 21, 16),
    "c6": VertebralBody(252, 155, 14, 22, 17),
    "c7": VertebralBody(269, 165, 15, 24, 18),
    "t1": VertebralBody(287, 177, 16, 28, 20),
    "t2": VertebralBody(307, 188, 17, 28, 22),
    "t3": VertebralBody(328, 197, 18, 28, 24),
    "t4": VertebralBody(349, 204, 19, 28, 26),
    "t5": VertebralBody(371, 209, 19, 29, 27),
    "t6": VertebralBody(394, 214, 20, 30, 29),
    "t7": VertebralBody(417, 217, 21, 31, 31),
    "t8": VertebralBody(440, 217, 22, 32, 32),
    "t9": VertebralBody(464, 214, 23, 33, 33),
    "t10": VertebralBody(488, 210, 24, 35, 33),
    "t11": VertebralBody(514, 207, 25, 38, 34),
    "t12": VertebralBody(543, 202, 27, 42, 34),
    "l1": VertebralBody(574, 196, 29, 43, 36),
    "l2": VertebralBody(607, 188, 30, 44, 37),
    "l3": VertebralBody(642, 178, 30, 46, 37),
    "l4": VertebralBody(679, 171, 30, 48, 37),
    "l5": VertebralBody(717, 172, 29, 51, 37),
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
_FORAMINA = ((0.3, 21.0), (0.48, 19.0), (0.64, 17.0))
"""Places of the sacral foramina on that line, and their distance from it in mm."""

NECK_FLEX_PIVOT_MM = (265.0, 163.0, 0.0)
"""The neck bends above C7."""


@dataclass(frozen=True)
class Arch:
    """Pedicles, joints and processes of one part of the spine, in mm from the back of the body.

    Attributes:
        pedicle: radius of the pedicles.
        pillar: radius of the joints' pillars, which reach from one vertebra to the next.
        facet: half breadth between the joints.
        canal: depth of the spinal canal.
        transverse: half breadth across the transverse processes.
        process: radius of these processes.
        raised: how far they point upwards.
        swept: how far they point backwards.
        spinous: length of the spinous process behind the laminae.
        dropped: how far it points downwards.
        blade: its half height at the root and at the tip.
    """

    pedicle: float
    pillar: float
    facet: float
    canal: float
    transverse: float
    process: float
    raised: float
    swept: float
    spinous: float
    dropped: float
    blade: tuple[float, float]


_ARCHES: Mapping[str, Arch] = {
    "c": Arch(4.5, 6.8, 17.0, 15.0, 27.0, 4.2, 0.0, 4.0, 19.0, 8.0, (7.0, 5.0)),
    "t": Arch(5.0, 6.5, 12.0, 16.0, 32.0, 4.5, 6.0, 20.0, 16.0, 24.0, (8.0, 5.0)),
    "l": Arch(7.0, 7.5, 17.0, 17.0, 37.0, 3.5, 2.0, 12.0, 22.0, 5.0, (13.0, 11.0)),
}
_LOWEST_THORACIC = Arch(6.5, 7.0, 14.0, 17.0, 24.0, 5.0, 2.0, 16.0, 22.0, 8.0, (11.0, 9.0))
_SPINOUS_HALF_MM = 3.5
"""Half thickness of the spinous processes."""
_SHAPE_SIGMA = (0.03, 1.5, 1.2)
"""Spread between the vertebrae of one person: share of their size, mm of the processes' ends, mm of
the spinous process to one side. Defaults of ours."""


def arch(level: str) -> Arch:
    """Return the processes of a level; the lowest thoracic ones are small."""
    return _LOWEST_THORACIC if level in {"t11", "t12"} else _ARCHES[level[0]]


Frames = Mapping[str, LocalFrame]
"""Frames of the vertebral bodies by level: down, backwards, to the left."""


def vertebra_frames(posture: Posture) -> Frames:
    """Return the frames of all vertebral bodies."""
    reference = np.array([(body.row, body.depth, 0.0) for body in VERTEBRAE.values()])
    offset = reference - NECK_FLEX_PIVOT_MM
    share = 0.7 * np.clip(-offset[:, 0] / 100.0, 0, 1)
    turned = Rotation.from_rotvec(share[:, None] * posture.head_turn.as_rotvec()).apply(offset)
    centres = posture.place(reference) + (turned - offset) * posture.scale.head
    ends = np.vstack([centres[:1], centres, centres[-1:]])
    frames = {}
    for level, centre, above, below in zip(LEVELS, centres, ends[:-2], ends[2:], strict=True):
        down = unit(below - above)
        left = unit(np.array([0.0, 0.0, 1.0]) - down[2] * down)
        axes = np.array([down, np.cross(left, down), left])
        frames[level] = LocalFrame(centre, axes, posture.scale.bone)
    return frames


def facet_point(frames: Frames, level: str, side: str) -> Vector:
    """Return the facet joint below a vertebra in mm of the grid."""
    body, form = VERTEBRAE[level], arch(level)
    aside = side_sign(side) * form.facet
    return frames[level].point((body.height * 0.5, body.thick / 2 + form.canal - 3, aside))


def _body(posture: Posture, level: str, frame: LocalFrame) -> list[Shape]:
    body = VERTEBRAE[level]
    scale = np.array([posture.scale.trunk, frame.scale, frame.scale])
    half = np.array([body.height, body.thick, body.breadth]) * scale / 2
    block = Ellipsoid(frame.origin, half * [1.0, 0.98, 0.98], frame.axes, power=4)
    # End plates are broader than the waist.
    plate = half * [0.3, 1.05, 1.05]
    ends = [frame.origin + end * half[0] * frame.axes[0] for end in (-0.68, 0.68)]
    return [block, *(Ellipsoid(centre, plate, frame.axes) for centre in ends)]


def _vertebra(posture: Posture, level: str, frame: LocalFrame) -> BoneShape:
    """Return one vertebra: body, pedicles, laminae and processes."""
    size, end_mm, aside_mm = _SHAPE_SIGMA
    vary = posture.vary(level, 4)
    frame = LocalFrame(frame.origin, frame.axes, frame.scale * float(1 + size * vary[0]))
    shapes = [*_body(posture, level, frame), _spinous(level, frame, aside_mm * float(vary[1]))]
    for sign, odd in ((-1.0, vary[2]), (1.0, vary[3])):
        shapes += _half_arch(level, frame, sign, end_mm * float(odd))
    if level == "c2":
        shapes.append(frame.tube([(-5, 0, 0), (-24, -1, 0)], 5))  # the dens
    return BoneShape(f"vertebra_{level}", level, shapes)


def _spinous(level: str, frame: LocalFrame, aside_mm: float) -> Shape:
    """Return the spinous process: a blade in the midline."""
    form, body = arch(level), VERTEBRAE[level]
    back = body.thick / 2 + form.canal + 3
    root, row = (body.height * 0.2, back, 0.0), body.height * 0.2 + form.dropped
    height = np.array(form.blade)
    path = frame.points(root, (row, back + form.spinous, aside_mm))
    flatness = height / _SPINOUS_HALF_MM
    return Tube(path, height * frame.scale, frame.axes[2], flatness)


def _half_arch(level: str, frame: LocalFrame, sign: float, odd_mm: float) -> list[Shape]:
    """Return pedicle, pillar of the joints, lamina and transverse process of one side."""
    form, (_, _, height, breadth, thick) = arch(level), VERTEBRAE[level]
    back = thick / 2
    root = (-height * 0.18, back - 2, sign * breadth * 0.36)
    joint = (-height * 0.05, back + form.canal * 0.6, sign * form.facet)
    upper = (-height * 0.42, back + form.canal * 0.55, sign * form.facet)
    lower = (height * 0.62, back + form.canal * 0.85, sign * form.facet * 0.93)
    lamina = (height * 0.2, back + form.canal + 2, 0.0)
    end = (-form.raised + odd_mm, back + form.swept, sign * (form.transverse + odd_mm))
    flat = frame.axes[1]
    return [
        frame.tube((root, joint), form.pedicle),
        frame.tube((upper, lower), form.pillar),
        Tube(frame.points(joint, lamina), form.blade[0] * frame.scale, flat, 1.8),
        frame.tube((joint, end), form.process),
    ]


def _atlas(frame: LocalFrame) -> BoneShape:
    """Return C1: a ring without a body."""
    angle = np.linspace(0, 2 * np.pi, 13)
    ring = np.stack([0 * angle, 10 - 18 * np.cos(angle), 17 * np.sin(angle)], 1)
    masses = [frame.tube([(0, 4, 16 * sign), (0, 6, 34 * sign)], (8, 5)) for sign in (-1.0, 1.0)]
    return BoneShape("vertebra_c1", "c1", [frame.tube(ring, 4), *masses])


def _sacrum(posture: Posture) -> BoneShape:
    """Return the sacrum with the coccyx."""
    scale = posture.scale.bone
    top, tip = posture.place([(742.0, 180.0, 0.0), (824.0, 257.0, 0.0)])
    profile = np.array(_SACRUM) * [1.0, posture.scale.pelvis]
    length = float(np.linalg.norm(tip - top))
    plate = strip(
        top,
        tip,
        (0.0, 1.0, 0.0),
        profile,
        thickness_mm=27 * scale,
        rim_mm=-6 * scale,
        bulge_mm=13 * scale,
        taper=-15 * scale / length,
    )

    def block(along: float, across: float, *radii: float) -> Ellipsoid:
        return Ellipsoid(plate.point(along * scale, across * scale), radii, plate.axes)

    backward = plate.axes[2] * scale
    crest = np.array([plate.point(share * length, 0.0) for share in (0.2, 0.7)]) + 13 * backward
    holes = []
    for share, across in _FORAMINA:
        for sign in (-1.0, 1.0):
            centre = plate.point(share * length, sign * across * scale)
            ends = np.array([centre - 16 * backward, centre + 16 * backward])
            holes.append(Tube(ends, 3.5 * scale))
    # The first body tilts forward, so that no gap opens below L5 along the camera's axis.
    promontory = Ellipsoid(
        plate.point(6 * scale, 0.0) - 4 * backward, np.array([15, 27, 17]) * scale, plate.axes
    )
    tail = posture.place([(822, 256, 0), (842, 261, 0), (860, 252, 0)])
    shapes: list[Shape] = [
        plate,
        promontory,
        block(18, 0, *np.array([18, 28, 19]) * scale),
        block(44, 0, *np.array([20, 26, 17]) * scale),
        block(25, 36, *np.array([28, 14, 18]) * scale),
        block(25, -36, *np.array([28, 14, 18]) * scale),
        Tube(crest, np.array([6, 4]) * scale),
        Tube(tail, np.array([7, 5, 3]) * scale),
    ]
    return BoneShape("sacrum", "sacrum", shapes, without=holes, cover_mm=5.0)


def spine_bones(posture: Posture, frames: Frames) -> Iterator[BoneShape]:
    """Yield C1 to L5, sacrum and coccyx."""
    yield _atlas(frames["c1"])
    for level in LEVELS[1:]:
        yield _vertebra(posture, level, frames[level])
    yield _sacrum(posture)
