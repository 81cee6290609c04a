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


def test_the_vault_is_hollow_and_thickest_behind() -> None:
    body, posture = reference_body(), reference_posture()
    vault = body.bones["skull_vault"].block
    place = posture.place_head((84.0, 130.0, 0.0)) / body.spacing_mm
    row, depth, column = place.astype(int) - vault.start
    along, across = vault.fraction[row, :, column], vault.fraction[row, depth]
    front_mm, back_mm = along[:depth].sum() * DEPTH_MM, along[depth:].sum() * DEPTH_MM
    temples_mm = [part.sum() * PIXEL_MM for part in (across[:column], across[column:])]
    assert vault.fraction[row, depth, column] == 0
    assert min(temples_mm) > 4
    assert max(temples_mm) < front_mm < back_mm
    assert 1.3 * max(temples_mm) < back_mm < 12


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


def test_the_skull_ends_without_a_bar_behind() -> None:
    """Seen from behind, the occiput is evenly thick downwards, and fades out at its base."""
    body, posture = reference_body(), reference_posture()
    middle = (posture.place_head((84.0, 130.0, 0.0)) / body.spacing_mm).astype(int)
    behind = np.zeros((body.shape[0], body.shape[2]), np.float32)
    for name in ("skull_vault", "skull_base"):
        block = body.bones[name].block
        rows, depths, columns = block.slices
        part = block.fraction[:, max(middle[1] - depths.start, 0) :]
        behind[rows, columns] += part.sum(axis=1) * DEPTH_MM
    near = behind[:, middle[2] - 12 : middle[2] + 12].mean(axis=1)
    rows_below = slice(middle[0], middle[0] + round(90 / PIXEL_MM))
    assert near[rows_below].max() < 1.25 * near[middle[0]]
    last = np.flatnonzero(near > 0.9 * near[middle[0]])[-1]
    faded = np.flatnonzero(near > 0.3 * near[middle[0]])[-1]
    assert (faded - last) * PIXEL_MM > 10
