"""Skull vault and base, face and mandible.

Reference points (see `bonescan.phantom.anatomy.body_scale`) measured on mesh50_XCAT (Auer et al.
2023), whose skull of 139 mm breadth is widened to the male mean of 148 mm.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import to_side
from bonescan.phantom.anatomy.bone_shape import BoneShape
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import Ellipsoid, Shape, Tube

# The skull's outer surface as ellipsoids (parietal, frontal, temporal): centre, half axes;
# and the cavity in it. The vault is 6 mm thick at the side, 7 at the vertex and in front, 9 behind
# and 3 at the temples, and thins out below, where the base closes it.
_BRAIN_CASE = (
    ((84.0, 130.0, 0.0), (74.0, 86.0, 69.0)),
    ((68.0, 88.0, 0.0), (52.0, 66.0, 57.0)),
    ((103.0, 134.0, 0.0), (56.0, 64.0, 67.0)),
)
_CAVITY = (
    ((84.0, 129.0, 0.0), (67.0, 77.0, 62.5)),
    ((70.0, 90.0, 0.0), (46.0, 61.0, 50.5)),
    ((108.0, 132.0, 0.0), (60.0, 58.0, 63.5)),
)
_OFF_CENTRE_SIGMA_MM = 1.1
"""Spread of the place of each part of the cavity between persons. A default of ours."""
_PATCH_SIGMA = 0.18
"""Spread of the thickness of the plates of the face between persons and sides."""

# The left half of the lower jaw: row, depth, column, half height of its flat section.
_JAW = (
    (140, 116, 51, 6),
    (158, 112, 49, 13),
    (181, 106, 44, 16),
    (198, 96, 37, 14),
    (207, 80, 28, 14),
    (214, 66, 17, 14),
    (217, 60, 6, 14),
)


def _ellipsoid(posture: Posture, centre: ArrayLike, radii: ArrayLike) -> Ellipsoid:
    axes = posture.head_turn.as_matrix().T
    scale = posture.scale.head
    return Ellipsoid(posture.place_head(centre), np.asarray(radii) * scale, axes)


def brain_case(posture: Posture, grown_mm: float = 0.0) -> tuple[Ellipsoid, ...]:
    """Return the outer surface of the brain case, moved outwards."""
    return tuple(
        _ellipsoid(posture, centre, np.array(radii) + grown_mm) for centre, radii in _BRAIN_CASE
    )


def _cavity(posture: Posture) -> tuple[Ellipsoid, ...]:
    """Return the cavity, whose parts lie not quite in the middle: no vault is evenly thick."""
    aside = _OFF_CENTRE_SIGMA_MM * posture.vary("skull", 9).reshape(3, 3)
    return tuple(
        _ellipsoid(posture, shift + centre, radii)
        for shift, (centre, radii) in zip(aside, _CAVITY, strict=True)
    )


def _tube(posture: Posture, points: ArrayLike, radius: ArrayLike) -> Tube:
    return Tube(posture.place_head(points), np.asarray(radius) * posture.scale.head)


def _base(posture: Posture) -> tuple[Shape, ...]:
    """Return sphenoid, clivus, petrous bones and mastoids.

    All of it lies inside the outline of the brain case, as seen from the front.
    """
    shapes: list[Shape] = [
        _ellipsoid(posture, (122.0, 92.0, 0.0), (12.0, 16.0, 22.0)),
        _tube(posture, ((122.0, 108, 0), (146, 136, 0)), 7),
    ]
    for side in SIDES:
        petrous = to_side(((130, 118, 16), (136, 134, 34), (138, 142, 46)), side)
        wing = to_side(((112, 84, 20), (106, 72, 46)), side)
        mastoid = to_side(((134, 146, 46), (152, 143, 43)), side)
        shapes += [
            _tube(posture, petrous, (5, 6, 4)),
            _tube(posture, wing, 4),
            _tube(posture, mastoid, (6, 4)),
        ]
    return tuple(shapes)


def _face(posture: Posture) -> tuple[Sequence[Shape], Sequence[Shape]]:
    """Return dense bone of the face, and its masses of thin plates with air and spongy bone.

    They differ between persons and sides, as their uptake does.
    """
    vary = 1 + _PATCH_SIGMA * posture.vary("face", 8).reshape(2, 4)
    dense: list[Shape] = [
        _tube(posture, ((106.0, 38, 0), (128, 26, 0)), (4.5, 3)),  # nasal bones
        _tube(posture, ((168.0, 52, -16), (170, 46, 0), (168, 52, 16)), 5),  # palate
    ]
    loose: list[Shape] = [
        _ellipsoid(posture, (100.0, 36.0, 0.0), (12.0, 10.0, 26.0)),  # brow
        _ellipsoid(posture, (118.0, 58.0, 0.0), (14.0, 16.0, 12.0)),  # ethmoid
        _ellipsoid(posture, (144.0, 62.0, 0.0), (26.0, 18.0, 13.0)),  # septum and conchae
    ]
    for side, (jaw, cheek, tooth, wall) in zip(SIDES, vary.tolist(), strict=True):

        def tube(points: ArrayLike, radius: ArrayLike, side: str = side) -> Tube:
            return _tube(posture, to_side(points, side), radius)

        def mass(centre: ArrayLike, radii: ArrayLike, side: str = side) -> Ellipsoid:
            return _ellipsoid(posture, to_side(centre, side), radii)

        dense += [
            tube(((134, 46, 18), (140, 46, 36), (126, 54, 52), (104, 52, 50)), 3),  # of the orbit
            tube(((146, 60, 52), (142, 84, 59), (136, 104, 56)), (3, 1.5, 1.5)),  # zygomatic arch
        ]
        loose += [
            mass((132, 62, 17), np.array([18, 16, 9]) * wall),  # frontal process
            mass((156, 62, 23), np.array([21, 25, 16]) * jaw),  # upper jaw
            mass((143, 56, 44), np.array([12, 9, 11]) * cheek),  # cheekbone
            # Alveolar process: teeth stand in an arch.
            tube(((176, 46, 5), (176, 53, 18), (175, 82, 27)), np.array([8, 9, 9]) * tooth),
            mass((130, 100, 34), (7, 26, 18)),  # floor of the middle fossa
        ]
    return dense, loose


def _mandible(posture: Posture) -> tuple[Shape, ...]:
    """Return the lower jaw: two flat branches that meet at the chin."""
    half, half_height = np.split(np.array(_JAW, dtype=float), [3], axis=1)
    points = np.concatenate([to_side(half, "right"), half[::-1]])
    inward = np.cross(np.gradient(points, axis=0), (1.0, 0.0, 0.0))
    radius = np.concatenate([half_height, half_height[::-1]])[:, 0] * posture.scale.head
    flat = posture.head_turn.apply(inward)
    return (Tube(posture.place_head(points), radius, flat, 1.7),)


def skull_bones(posture: Posture) -> Iterator[BoneShape]:
    """Yield the skull (vault and base) and the face (with the mandible)."""
    vault = brain_case(posture)
    yield BoneShape("skull_vault", "skull", vault, without=_cavity(posture), cover_mm=6.0)
    base = _base(posture)
    yield BoneShape("skull_base", "skull", base, spongy=base, cover_mm=5.0)
    dense, loose = _face(posture)
    yield BoneShape("face", "face", [*dense, *loose], spongy=loose, cover_mm=5.0)
    jaw = _mandible(posture)
    yield BoneShape("mandible", "face", jaw, spongy=jaw, cover_mm=8.0)
