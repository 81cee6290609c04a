"""Skull of the reference man: what is hollow, what is thick, what stays inside the outline."""

import numpy as np
import pytest

from tests.phantom.anatomy.reference import (
    DEPTH_MM,
    PIXEL_MM,
    around,
    reference_body,
    reference_posture,
    thickness_mm,
)


def test_the_vault_is_hollow_and_thickest_in_front_and_behind() -> None:
    body, posture = reference_body(), reference_posture()
    vault = body.bones["skull_vault"].block
    place = posture.place_head((84.0, 130.0, 0.0)) / body.spacing_mm
    row, depth, column = place.astype(int) - vault.start
    along, across = vault.fraction[row, :, column], vault.fraction[row, depth]
    front_mm, back_mm = along[:depth].sum() * DEPTH_MM, along[depth:].sum() * DEPTH_MM
    temples_mm = [part.sum() * PIXEL_MM for part in (across[:column], across[column:])]
    assert vault.fraction[row, depth, column] == 0
    assert min(temples_mm) > 4
    assert 1.3 * max(temples_mm) < min(front_mm, back_mm)
    assert max(front_mm, back_mm) < 12


def test_the_base_does_not_stick_out() -> None:
    base, vault = (
        np.flatnonzero((thickness_mm(reference_body(), name) > 4).any(axis=0))
        for name in ("skull_base", "skull_vault")
    )
    assert vault[0] + 3 < base[0]
    assert base[-1] < vault[-1] - 3


@pytest.mark.parametrize("sign", [-1, 1])
def test_orbits_stay_open(sign: int) -> None:
    image, posture = thickness_mm(reference_body(), "face"), reference_posture()
    orbit = around(image, posture.place_head((115.0, 42.0, sign * 34.0)), reach=1)
    upper_jaw = around(image, posture.place_head((160.0, 58.0, sign * 27.0)), reach=1)
    assert orbit < 5
    assert upper_jaw > 20
