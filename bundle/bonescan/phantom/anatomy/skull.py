"""Skull vault and base, face and mandible.

Places in the reference frame of `bonescan.phantom.anatomy.posture`, measured on mesh50_XCAT (Auer
et al. 2023), whose skull of 139 mm breadth is widened to the male mean of 148 mm.
"""

from collections.abc import Iterator

import numpy as np

from bonescan.phantom.anatomy.posture import Posture, Vector
from bonescan.phantom.anatomy.shapes import BoneShape, Ellipsoid, Shape, Tube

VAULT_MM = 6.0
"""Thickness of the vault: cranial bone is 6 to 7 mm thick."""

# Brain case as three ellipsoids (parietal, frontal, temporal): centre and half axes outside.
_CASE = (
    ((84.0, 130.0, 0.0), (74.0, 86.0, 69.0)),
    ((68.0, 88.0, 0.0), (52.0, 66.0, 57.0)),
    ((100.0, 138.0, 0.0), (50.0, 74.0, 71.0)),
)
# One half of the lower jaw: row, depth, column, half height of its flat section.
_JAW = (
    (140, 116, 51, 6),
    (158, 112, 49, 13),
    (181, 106, 44, 16),
    (198, 96, 37, 14),
    (207, 80, 28, 14),
    (214, 66, 17, 14),
    (217, 60, 6, 14),
)
_SIDES = (-1.0, 1.0)


def _blob(posture: Posture, centre: Vector, radii: Vector) -> Ellipsoid:
    axes = posture.head_turn.as_matrix().T
    return Ellipsoid(posture.place_head(centre), np.array(radii) * posture.head_scale, axes)


def brain_case(posture: Posture, inset_mm: float) -> tuple[Ellipsoid, ...]:
    """Return the brain case, its surface moved inwards (outwards if negative)."""
    return tuple(
        _blob(posture, np.array(centre), np.array(radii) - inset_mm) for centre, radii in _CASE
    )


def _tube(posture: Posture, points: Vector, radius: float) -> Tube:
    return Tube(posture.place_head(points), radius * posture.head_scale)


def _base(posture: Posture) -> tuple[Shape, ...]:
    """Return sphenoid, clivus, petrous bones and mastoids, and the brow."""
    shapes: list[Shape] = [
        _blob(posture, np.array([120.0, 92.0, 0.0]), np.array([17.0, 20.0, 26.0])),
        _tube(posture, np.array([[122.0, 108, 0], [144, 136, 0]]), 10),
        _tube(posture, np.array([[98.0, 36, -40], [96, 29, 0], [98, 36, 40]]), 7),
    ]
    for sign in _SIDES:
        petrous = np.array([[128.0, 118, 16 * sign], [131, 134, 36 * sign], [133, 142, 52 * sign]])
        shapes.append(Tube(posture.place_head(petrous), np.array([9, 12, 7]) * posture.head_scale))
        wing = np.array([[110.0, 84, 20 * sign], [106, 70, 50 * sign]])
        shapes.append(_tube(posture, wing, 9))
        mastoid = np.array([[136.0, 146, 52 * sign], [152, 143, 48 * sign]])
        shapes.append(_tube(posture, mastoid, 8))
    return tuple(shapes)


def _face(posture: Posture) -> tuple[Shape, ...]:
    """Return nose, upper jaw with the teeth, orbital rims and cheekbones."""
    shapes: list[Shape] = [
        _blob(posture, np.array([124.0, 60.0, 0.0]), np.array([28.0, 30.0, 16.0])),
        _blob(posture, np.array([158.0, 64.0, 0.0]), np.array([24.0, 28.0, 30.0])),
        _blob(posture, np.array([184.0, 62.0, 0.0]), np.array([14.0, 18.0, 22.0])),
    ]
    turn = np.linspace(0, 2 * np.pi, 9)
    for sign in _SIDES:
        rim = np.stack(
            [115 + 17 * np.sin(turn), 42 + 5 * np.sin(turn), sign * (33 + 18 * np.cos(turn))], 1
        )
        shapes.append(_tube(posture, rim, 4))
        cheek = np.array([[140.0, 50, 40 * sign], [138, 68, 58 * sign], [134, 104, 62 * sign]])
        shapes.append(Tube(posture.place_head(cheek), np.array([13, 7, 2.5]) * posture.head_scale))
    return tuple(shapes)


def _mandible(posture: Posture) -> tuple[Shape, ...]:
    """Return the lower jaw: two flat branches that meet at the chin."""
    right, left = (np.array(_JAW, dtype=float) * [1.0, 1.0, sign, 1.0] for sign in _SIDES)
    points, half = np.split(np.concatenate([right, left[::-1]]), [3], axis=1)
    inward = np.cross(np.gradient(points, axis=0), (1.0, 0.0, 0.0))
    radius = half[:, 0] * posture.head_scale
    flat = posture.head_turn.apply(inward)
    return (Tube(posture.place_head(points), radius, flat, 2.6),)


def skull_bones(posture: Posture) -> Iterator[BoneShape]:
    """Yield the skull (vault and base) and the face (with the mandible)."""
    outer, inner = brain_case(posture, 0.0), brain_case(posture, VAULT_MM)
    yield BoneShape("skull_vault", "skull", outer, inner, 6.0)
    yield BoneShape("skull_base", "skull", _base(posture), (), 5.0)
    yield BoneShape("face", "face", _face(posture), (), 5.0)
    yield BoneShape("mandible", "face", _mandible(posture), (), 8.0)
