"""Skull vault, skull base and face, mandible."""

from collections.abc import Iterator

import numpy as np

from bundle.phantom.posture import Posture
from bundle.phantom.shapes import Ellipsoid, Shape, Solid, Tube


def _vault(posture: Posture, *, inset_mm: float) -> Ellipsoid:
    scale = posture.head_scale
    radii = (np.array([78.0, 93.0, 72.0]) - inset_mm) * scale
    return Ellipsoid(posture.place_head((86.0, 122.0, 0.0)), radii, posture.head_turn.as_matrix().T)


def _blob(posture: Posture, centre: tuple[float, float, float], *radii: float) -> Ellipsoid:
    return Ellipsoid(
        posture.place_head(centre),
        np.array(radii) * posture.head_scale,
        posture.head_turn.as_matrix().T,
    )


def skull_bones(posture: Posture) -> Iterator[Solid]:
    """Yield the skull (vault and base) and the face (with the mandible)."""
    scale = posture.head_scale
    base: list[Shape] = [
        _blob(posture, (128.0, 130.0, 30.0 * sign), 10, 16, 32) for sign in (-1.0, 1.0)
    ]
    yield Solid(
        "skull_vault", "skull", (_vault(posture, inset_mm=0),), (_vault(posture, inset_mm=7),), 6.0
    )
    yield Solid("skull_base", "skull", (*base, _blob(posture, (122.0, 105.0, 0.0), 14, 25, 25)))
    face: list[Shape] = [
        _blob(posture, (165.0, 62.0, 0.0), 22, 20, 28),
        _blob(posture, (128.0, 55.0, 0.0), 18, 25, 20),
    ]
    for sign in (-1.0, 1.0):
        arch = [(133.0, 45.0, 45 * sign), (135.0, 70.0, 62 * sign), (130.0, 110.0, 62 * sign)]
        face.append(Tube(posture.place_head(arch), 6 * scale))
    yield Solid("face", "face", tuple(face), cover_mm=6.0)
    jaw = [
        (145.0, 112.0, -52.0),
        (190.0, 108.0, -48.0),
        (208.0, 92.0, -42.0),
        (222.0, 62.0, -16.0),
        (222.0, 60.0, 16.0),
        (208.0, 92.0, 42.0),
        (190.0, 108.0, 48.0),
        (145.0, 112.0, 52.0),
    ]
    yield Solid("mandible", "face", (Tube(posture.place_head(jaw), 8 * scale),), cover_mm=7.0)
