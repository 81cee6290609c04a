"""Skull vault and base, face and mandible.

Reference points (see `bonescan.phantom.anatomy.body_scale`) measured on mesh50_XCAT (Auer et al.
2023), whose skull of 139 mm breadth is widened to the male mean of 148 mm.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import to_side
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import BoneShape, Ellipsoid, Shape, Tube

VAULT_MM = 6.0
"""Thickness of the vault: cranial bone is 6 to 7 mm thick."""

# The brain case as three ellipsoids (parietal, frontal, temporal): centre, outer half axes.
_BRAIN_CASE = (
    ((84.0, 130.0, 0.0), (74.0, 86.0, 69.0)),
    ((68.0, 88.0, 0.0), (52.0, 66.0, 57.0)),
    ((100.0, 138.0, 0.0), (50.0, 74.0, 71.0)),
)
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
    return Ellipsoid(posture.place_head(centre), np.asarray(radii) * posture.scale.head, axes)


def brain_case(posture: Posture, inset_mm: float) -> tuple[Ellipsoid, ...]:
    """Return the brain case, its surface moved inwards (outwards if negative)."""
    return tuple(
        _ellipsoid(posture, centre, np.array(radii) - inset_mm) for centre, radii in _BRAIN_CASE
    )


def _tube(posture: Posture, points: ArrayLike, radius: ArrayLike) -> Tube:
    return Tube(posture.place_head(points), np.asarray(radius) * posture.scale.head)


def _base(posture: Posture) -> tuple[Shape, ...]:
    """Return sphenoid, clivus, petrous bones and mastoids, and the brow."""
    shapes: list[Shape] = [
        _ellipsoid(posture, (120.0, 92.0, 0.0), (17.0, 20.0, 26.0)),
        _tube(posture, ((122.0, 108, 0), (144, 136, 0)), 10),
        _tube(posture, ((98.0, 36, -40), (96, 29, 0), (98, 36, 40)), 7),
    ]
    for side in SIDES:
        petrous = to_side(((128, 118, 16), (131, 134, 36), (133, 142, 52)), side)
        wing = to_side(((110, 84, 20), (106, 70, 50)), side)
        mastoid = to_side(((136, 146, 52), (152, 143, 48)), side)
        shapes += [
            _tube(posture, petrous, (9, 12, 7)),
            _tube(posture, wing, 9),
            _tube(posture, mastoid, 8),
        ]
    return tuple(shapes)


def _face(posture: Posture) -> tuple[Shape, ...]:
    """Return nose, upper jaw with the teeth, orbital rims and cheekbones."""
    shapes: list[Shape] = [
        _ellipsoid(posture, (124.0, 60.0, 0.0), (28.0, 30.0, 16.0)),
        _ellipsoid(posture, (158.0, 64.0, 0.0), (24.0, 28.0, 30.0)),
        _ellipsoid(posture, (184.0, 62.0, 0.0), (14.0, 18.0, 22.0)),
    ]
    angle = np.linspace(0, 2 * np.pi, 9)
    orbit = np.stack([115 + 17 * np.sin(angle), 42 + 5 * np.sin(angle), 33 + 18 * np.cos(angle)], 1)
    cheekbone = ((140, 50, 40), (138, 68, 58), (134, 104, 62))
    for side in SIDES:
        shapes.append(_tube(posture, to_side(orbit, side), 4))
        shapes.append(_tube(posture, to_side(cheekbone, side), (13, 7, 2.5)))
    return tuple(shapes)


def _mandible(posture: Posture) -> tuple[Shape, ...]:
    """Return the lower jaw: two flat branches that meet at the chin."""
    half, half_height = np.split(np.array(_JAW, dtype=float), [3], axis=1)
    points = np.concatenate([to_side(half, "right"), half[::-1]])
    inward = np.cross(np.gradient(points, axis=0), (1.0, 0.0, 0.0))
    radius = np.concatenate([half_height, half_height[::-1]])[:, 0] * posture.scale.head
    flat = posture.head_turn.apply(inward)
    return (Tube(posture.place_head(points), radius, flat, 2.6),)


def skull_bones(posture: Posture) -> Iterator[BoneShape]:
    """Yield the skull (vault and base) and the face (with the mandible)."""
    outer, inner = brain_case(posture, 0.0), brain_case(posture, VAULT_MM)
    yield BoneShape("skull_vault", "skull", outer, without=inner, cover_mm=6.0)
    yield BoneShape("skull_base", "skull", _base(posture), cover_mm=5.0)
    yield BoneShape("face", "face", _face(posture), cover_mm=5.0)
    yield BoneShape("mandible", "face", _mandible(posture), cover_mm=8.0)
