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

# The skull's outer surface as ellipsoids (parietal, frontal, temporal): centre, half axes, power;
# and the cavity in it. The vault is 5 mm thick at the temples, 6 at the vertex, 9 in front and
# behind, and open below, where the base closes it.
_BRAIN_CASE = (
    ((84.0, 130.0, 0.0), (74.0, 86.0, 69.0), 2),
    ((68.0, 88.0, 0.0), (52.0, 66.0, 57.0), 2),
    ((101.0, 134.0, 0.0), (45.0, 66.0, 66.0), 4),
)
_CAVITY = (
    ((84.0, 129.0, 0.0), (67.5, 77.0, 64.0), 2),
    ((69.0, 91.0, 0.0), (44.0, 60.0, 51.0), 2),
    ((112.0, 130.0, 0.0), (46.0, 52.0, 61.0), 4),
)
_OFF_CENTRE_SIGMA_MM = 0.8
"""Spread of the place of the cavity between persons. A default of ours."""
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


def _ellipsoid(posture: Posture, centre: ArrayLike, radii: ArrayLike, power: int = 2) -> Ellipsoid:
    axes = posture.head_turn.as_matrix().T
    scale = posture.scale.head
    return Ellipsoid(posture.place_head(centre), np.asarray(radii) * scale, axes, power)


def brain_case(posture: Posture, grown_mm: float = 0.0) -> tuple[Ellipsoid, ...]:
    """Return the outer surface of the brain case, moved outwards."""
    return tuple(
        _ellipsoid(posture, centre, np.array(radii) + grown_mm, power)
        for centre, radii, power in _BRAIN_CASE
    )


def _cavity(posture: Posture) -> tuple[Ellipsoid, ...]:
    """Return the cavity, not quite in the middle: no vault is equally thick on both sides."""
    aside = _OFF_CENTRE_SIGMA_MM * posture.vary("skull", 3)
    return tuple(
        _ellipsoid(posture, aside + centre, radii, power) for centre, radii, power in _CAVITY
    )


def _tube(posture: Posture, points: ArrayLike, radius: ArrayLike) -> Tube:
    return Tube(posture.place_head(points), np.asarray(radius) * posture.scale.head)


def _base(posture: Posture) -> tuple[Shape, ...]:
    """Return sphenoid, clivus, occipital bone, petrous bones and mastoids, and the brow.

    All of it lies inside the outline of the brain case, as seen from the front.
    """
    shapes: list[Shape] = [
        _ellipsoid(posture, (122.0, 92.0, 0.0), (12.0, 16.0, 22.0)),
        _tube(posture, ((122.0, 108, 0), (144, 136, 0)), 7),
        _tube(posture, ((148.0, 166, 0), (138, 192, 0)), 4),
        _tube(posture, ((96.0, 37, -40), (94, 29, 0), (96, 37, 40)), 6),
    ]
    for side in SIDES:
        petrous = to_side(((130, 118, 16), (134, 134, 34), (136, 142, 48)), side)
        wing = to_side(((112, 84, 20), (106, 72, 46)), side)
        mastoid = to_side(((136, 146, 48), (152, 143, 46)), side)
        shapes += [
            _tube(posture, petrous, (5, 7, 5)),
            _tube(posture, wing, 5),
            _tube(posture, mastoid, (9, 6)),
        ]
    return tuple(shapes)


def _face(posture: Posture) -> tuple[Shape, ...]:
    """Return nose, upper jaw with the teeth, orbital rims and cheekbones.

    Orbits, nasal cavity and the sinuses of the upper jaw stay open. The plates between them differ
    between persons and sides, as their uptake does.
    """
    vary = 1 + _PATCH_SIGMA * posture.vary("face", 8).reshape(2, 4)
    shapes: list[Shape] = [
        _tube(posture, ((106.0, 40, 0), (128, 26, 0)), (6, 4)),  # nasal bones
        _ellipsoid(posture, (116.0, 62.0, 0.0), (9.0, 13.0, 11.0)),  # ethmoid
        _ellipsoid(posture, (142.0, 64.0, 0.0), (22.0, 14.0, 4.0)),  # septum
        _tube(posture, ((168.0, 52, -16), (170, 46, 0), (168, 52, 16)), 6),  # palate
    ]
    angle = np.linspace(0, 2 * np.pi, 9)
    orbit = np.stack([115 + 18 * np.sin(angle), 42 + 5 * np.sin(angle), 34 + 19 * np.cos(angle)], 1)
    for side, (jaw, cheek, tooth, wall) in zip(SIDES, vary.tolist(), strict=True):

        def tube(points: ArrayLike, radius: ArrayLike, side: str = side) -> Tube:
            return _tube(posture, to_side(points, side), radius)

        def plate(centre: ArrayLike, radii: ArrayLike, side: str = side) -> Ellipsoid:
            return _ellipsoid(posture, to_side(centre, side), radii)

        shapes += [
            tube(orbit, 3.5),
            plate((142, 60, 15), np.array([28, 16, 6]) * wall),  # of the nasal cavity
            plate((160, 58, 27), np.array([18, 17, 10]) * jaw),  # upper jaw
            plate((128, 102, 38), (5, 26, 20)),  # floor of the middle fossa
            tube(((138, 48, 46), (142, 60, 54)), np.array([8, 5]) * cheek),
            tube(((142, 60, 54), (139, 84, 61), (134, 104, 58)), (5, 3, 3)),  # zygomatic arch
            # Alveolar process: teeth stand in an arch.
            tube(((178, 44, 5), (178, 52, 18), (177, 82, 27)), np.array([7, 8, 7]) * tooth),
        ]
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
    vault = brain_case(posture)
    yield BoneShape("skull_vault", "skull", vault, without=_cavity(posture), cover_mm=6.0)
    yield BoneShape("skull_base", "skull", _base(posture), cover_mm=5.0)
    yield BoneShape("face", "face", _face(posture), cover_mm=5.0)
    yield BoneShape("mandible", "face", _mandible(posture), cover_mm=8.0)
