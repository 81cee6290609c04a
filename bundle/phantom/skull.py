"""Skull vault and base, face and mandible.

Places in the reference frame of `bundle.phantom.posture`, measured on mesh50_XCAT (Auer et al.
2023), whose skull of 139 mm breadth is widened to the male mean of 148 mm.
"""

from collections.abc import Iterator

import numpy as np

from bundle.phantom.posture import Posture, Vector
from bundle.phantom.shapes import Ellipsoid, Shape, Solid, Tube

VAULT_MM = 6.0
"""Thickness of the vault: cranial bone is 6 to 7 mm thick."""

# Brain case as two ellipsoids, parietal and frontal: centre and half axes of the outer surface.
_CASE = (
    ((86.0, 130.0, 0.0), (76.0, 87.0, 70.0)),
    ((80.0, 94.0, 0.0), (64.0, 72.0, 58.0)),
    ((100.0, 135.0, 0.0), (54.0, 76.0, 72.0)),
)
_JAW = ((143, 113, 53), (172, 112, 51), (194, 106, 47), (206, 88, 39), (216, 68, 25), (221, 60, 9))
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
    """Return petrous bones, sphenoid and clivus, occipital condyles."""
    shapes: list[Shape] = [
        _blob(posture, np.array([116.0, 96.0, 0.0]), np.array([13.0, 20.0, 24.0])),
        _tube(posture, np.array([[122.0, 112, 0], [142, 136, 0]]), 9),
    ]
    for sign in _SIDES:
        petrous = np.array([[128.0, 120, 16 * sign], [130, 136, 38 * sign], [132, 146, 62 * sign]])
        shapes.append(Tube(posture.place_head(petrous), np.array([8, 11, 13]) * posture.head_scale))
        wing = np.array([[108.0, 84, 18 * sign], [104, 74, 52 * sign]])
        shapes.append(_tube(posture, wing, 5))
        mastoid = np.array([[135.0, 148, 60 * sign], [152, 146, 54 * sign]])
        shapes.append(_tube(posture, mastoid, 9))
    return tuple(shapes)


def _face(posture: Posture) -> tuple[Shape, ...]:
    """Return nose, upper jaw, orbital rims and cheekbones."""
    shapes: list[Shape] = [
        _blob(posture, np.array([128.0, 58.0, 0.0]), np.array([26.0, 26.0, 13.0])),
        _blob(posture, np.array([162.0, 60.0, 0.0]), np.array([15.0, 24.0, 26.0])),
        _tube(posture, np.array([[98.0, 28, 0], [126, 20, 0]]), 5),
    ]
    turn = np.linspace(0, 2 * np.pi, 9)
    for sign in _SIDES:
        rim = np.stack(
            [112 + 18 * np.sin(turn), 40 + 5 * np.sin(turn), sign * (33 + 19 * np.cos(turn))], 1
        )
        shapes.append(_tube(posture, rim, 4))
        teeth = np.array([[184.0, 78, 25 * sign], [186, 60, 17 * sign], [188, 54, 4 * sign]])
        shapes.append(_tube(posture, teeth, 8))
        antrum = np.array([[134.0, 48, 22 * sign], [152, 54, 30 * sign]])
        shapes.append(_tube(posture, antrum, 9))
        cheek = np.array([[133.0, 46, 44 * sign], [137, 72, 63 * sign], [134, 112, 66 * sign]])
        shapes.append(Tube(posture.place_head(cheek), np.array([9, 5, 4]) * posture.head_scale))
    return tuple(shapes)


def _mandible(posture: Posture) -> tuple[Shape, ...]:
    """Return the lower jaw: two flat branches that meet at the chin."""
    right, left = (np.array(_JAW) * [1.0, 1.0, sign] for sign in _SIDES)
    points = np.concatenate([right, left[::-1]])
    inward = np.gradient(points, axis=0)
    inward = np.cross(inward, [1.0, 0.0, 0.0]) + np.array([0.0, 0.0, 1e-3])
    radius = np.array([8, 13, 13, 13, 14, 14, 14, 14, 13, 13, 13, 8]) * posture.head_scale
    return (Tube(posture.place_head(points), radius, posture.head_turn.apply(inward), 2.2),)


def skull_bones(posture: Posture) -> Iterator[Solid]:
    """Yield the skull (vault and base) and the face (with the mandible)."""
    outer, inner = brain_case(posture, 0.0), brain_case(posture, VAULT_MM)
    # The frontal ellipsoid's inner surface is hollow where it lies inside the parietal one.
    yield Solid("skull_vault", "skull", outer, inner, 6.0)
    yield Solid("skull_base", "skull", _base(posture), (), 5.0)
    yield Solid("face", "face", _face(posture), (), 7.0)
    yield Solid("mandible", "face", _mandible(posture), (), 8.0)
