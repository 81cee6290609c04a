"""Ribs and breastbone of the reference man, and how ribs of one person differ."""

from dataclasses import replace

import numpy as np
import pytest

from bonescan.labels import SIDES
from tests.phantom.anatomy.reference import (
    PIXEL_MM,
    build,
    mean_thickness_mm,
    reference_body,
    reference_man,
    volume_ml,
)


def test_volume_and_thickness_of_the_ribs() -> None:
    assert 480 <= volume_ml(reference_body(), "rib_") <= 560  # 550 with cartilage
    assert mean_thickness_mm(reference_body(), "rib_") == pytest.approx(11.6, abs=1.3)


def test_volume_of_the_breastbone() -> None:
    assert 95 <= volume_ml(reference_body(), "manubrium", "sternum") <= 120  # 117


@pytest.mark.parametrize(("spread", "low", "high"), [(0.0, 0.0, 0.01), (1.0, 0.03, 0.2)])
def test_ribs_of_both_sides_differ_as_much_as_the_person_says(
    spread: float, low: float, high: float
) -> None:
    body = build(replace(reference_man(), shape_spread=spread))
    right, left = (
        np.array([volume_ml(body, f"rib_{number:02d}_{side}") for number in range(1, 13)])
        for side in SIDES
    )
    assert low <= float(np.abs(np.log(right / left)).mean()) < high


def test_the_jugular_notch_parts_the_sternoclavicular_joints() -> None:
    """Across its upper edge the manubrium holds less in the middle than on both sides."""
    bone = reference_body().bones["manubrium"]
    row = (bone.block.fraction * bone.density).sum(axis=1)[round(8 / PIXEL_MM)]
    columns = np.flatnonzero(row > 0.2 * row.max())
    right, middle, left = np.array_split(row[columns[0] : columns[-1] + 1], 3)
    assert middle.mean() < 0.6 * min(right.mean(), left.mean())
