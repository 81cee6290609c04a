"""Vertebrae of the reference man: volume, thickness and breadth."""

import numpy as np
import pytest

from tests.phantom.anatomy.reference import (
    PIXEL_MM,
    mean_thickness_mm,
    reference_body,
    reference_posture,
    thickness_mm,
    volume_ml,
)


@pytest.mark.parametrize(
    ("part", "low_ml", "high_ml"),
    [
        ("c", 100, 130),  # 123
        ("t", 370, 480),  # 473
        ("l", 310, 434),  # 434 with a part of the sacrum
    ],
)
def test_volumes_of_the_vertebrae(part: str, low_ml: float, high_ml: float) -> None:
    assert low_ml <= volume_ml(reference_body(), f"vertebra_{part}") <= high_ml


def test_thickness_of_the_spine_along_the_cameras_axis() -> None:
    assert mean_thickness_mm(reference_body(), "vertebra_t") == pytest.approx(25.3, abs=3)
    assert mean_thickness_mm(reference_body(), "vertebra_l") == pytest.approx(33.8, abs=3)


def test_lumbar_transverse_processes_reach_37_mm_and_their_round_ends() -> None:
    filled = reference_body().bones["vertebra_l3"].block.fraction > 0.5
    columns = np.flatnonzero(filled.any(axis=(0, 1)))
    assert (np.ptp(columns) + 1) * PIXEL_MM / 2 == pytest.approx(37 + 2, abs=3)


def test_the_sacrum_begins_as_thick_as_the_spine_ends() -> None:
    """Along the camera's axis: no pale band lies below L5."""
    image = thickness_mm(reference_body(), "vertebra_l", "sacrum")
    posture = reference_posture()
    column = round(posture.place((717.0, 172.0, 0.0))[2] / PIXEL_MM)
    last, first = (
        image[slice(*(int(posture.place((row, 172.0, 0.0))[0] / PIXEL_MM) for row in rows))]
        for rows in ((707, 727), (734, 754))
    )
    near = slice(column - 6, column + 7)
    assert first[:, near].mean() > 0.78 * last[:, near].mean()
