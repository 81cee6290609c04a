"""Foreign bodies of metal in or on a person: they take photons away and hold no tracer."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import side_sign
from bonescan.phantom.anatomy.ellipsoids import solid_block
from bonescan.phantom.anatomy.person import chance_at_age
from bonescan.phantom.anatomy.voxels import (
    Body,
    Implant,
    Point,
    VoxelBlock,
    VoxelEllipsoid,
    midway,
)

HIP_PROSTHESIS = "hip prosthesis"
KNEE_PROSTHESIS = "knee prosthesis"


def add_implants(body: Body, rng: np.random.Generator) -> Body:
    """Return a body with the implants that a person of that age has by chance."""
    implants = []
    for name, kind in IMPLANTS.items():
        chance = chance_at_age(kind.chance, body.person.age) if kind.grows else kind.chance
        if rng.random() < chance:
            side, pieces = kind.place(body, rng)
            implants.append(Implant(name, side, tuple(pieces)))
    return replace(body, implants=tuple(implants))


Placed = tuple[str, Iterable[VoxelEllipsoid]]
"""The side, and the pieces of metal."""


def place_pacemaker(body: Body, rng: np.random.Generator) -> Placed:
    """Place a pacemaker below one collarbone: cold in the anterior view."""
    side = "left" if rng.random() < 0.85 else "right"
    joint, shoulder = (body.points[f"{name}_{side}"] for name in ("sternoclavicular", "shoulder"))
    pocket = body.moved(midway(joint, shoulder, 0.6), (rng.uniform(30, 50), 0, 0))
    return side, _disc(body, pocket, (rng.uniform(18, 24), 5.0, rng.uniform(20, 26)))


def place_buckle(body: Body, rng: np.random.Generator) -> Placed:
    """Place a buckle on the belly or a pendant on the chest: cold in the anterior view."""
    if rng.random() < 0.6:
        belly = body.moved(body.points["l5_centre"], (rng.uniform(-10, 25), 0, 0))
        return "", _disc(body, belly, (rng.uniform(12, 18), 3.0, rng.uniform(18, 28)))
    chest = body.moved(body.points["t6_centre"], (0, 0, rng.normal(0, 10)))
    radius = rng.uniform(6, 12)
    return "", _disc(body, chest, (radius, 3.0, radius))


def _disc(
    body: Body, point: Point, radii_mm: tuple[float, float, float]
) -> Iterable[VoxelEllipsoid]:
    """Yield a flat piece of metal at the skin in front of a point; nothing outside the grid."""
    row, _, column = point
    skin = body.front_skin(row, column)
    if skin is not None:
        yield VoxelEllipsoid((row, skin + 1, column), radii_mm)


def hip_stem(body: Body, side: str) -> tuple[Point, Point]:
    """Return where the stem of a hip prosthesis enters the femur, and its tip."""
    hip, knee = body.points[f"hip_{side}"], body.points[f"knee_{side}"]
    entry = body.moved(midway(hip, knee, 0.14), (0, 0, side_sign(side) * 32))
    row, depth, column = midway(hip, knee, 0.32)
    return entry, (row, depth, 0.35 * entry[2] + 0.65 * column)


def place_hip_prosthesis(body: Body, rng: np.random.Generator) -> Placed:
    """Place a hip prosthesis: head and stem."""
    side = SIDES[rng.integers(len(SIDES))]
    return side, (
        VoxelEllipsoid(body.points[f"hip_{side}"], (24.0, 24.0, 24.0)),
        VoxelEllipsoid(midway(*hip_stem(body, side)), (75.0, 9.0, 9.0)),
    )


def place_knee_prosthesis(body: Body, rng: np.random.Generator) -> Placed:
    """Place a knee prosthesis: a femoral and a tibial part."""
    side = SIDES[rng.integers(len(SIDES))]
    knee = body.points[f"knee_{side}"]
    return side, (
        VoxelEllipsoid(body.moved(knee, (-12, 0, 0)), (14.0, 28.0, 33.0)),
        VoxelEllipsoid(body.moved(knee, (12, 0, 0)), (7.0, 26.0, 36.0)),
    )


@dataclass(frozen=True)
class ImplantKind:
    """How often an implant is found, and where.

    Attributes:
        chance: at the age of 65; a default of ours.
        place: returns its side and its pieces.
        grows: whether the chance grows with age.
    """

    chance: float
    place: Callable[[Body, np.random.Generator], Placed]
    grows: bool = False


IMPLANTS: Mapping[str, ImplantKind] = {
    "pacemaker": ImplantKind(0.04, place_pacemaker, grows=True),
    "buckle": ImplantKind(0.05, place_buckle),
    HIP_PROSTHESIS: ImplantKind(0.04, place_hip_prosthesis, grows=True),
    KNEE_PROSTHESIS: ImplantKind(0.04, place_knee_prosthesis, grows=True),
}
"""By name; drawn independently of each other, in this order."""


def metal_blocks(body: Body) -> tuple[VoxelBlock, ...]:
    """Return the pieces of metal of a body as voxels of its grid."""
    pieces = (piece for implant in body.implants for piece in implant.pieces)
    blocks = (solid_block(piece, body.shape, body.spacing_mm) for piece in pieces)
    return tuple(block for block in blocks if block is not None)


def share_beside_metal(body: Body, block: VoxelBlock) -> NDArray[np.float32]:
    """Return the share 0..1 of each voxel of a block that is no metal; (1, 1, 1) far from it."""
    share = np.ones((1, 1, 1), np.float32)
    for piece in metal_blocks(body):
        if piece.meets(block):
            share = share * (1 - piece.within(block))
    return share
