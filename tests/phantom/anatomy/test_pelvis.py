"""Hip bones of the reference man: thick where they carry weight, thin in the wing."""

import pytest

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.body_scale import side_sign
from tests.phantom.anatomy.reference import (
    around,
    mean_thickness_mm,
    reference_body,
    reference_posture,
    thickness_mm,
    volume_ml,
)


def test_volume_and_thickness_of_the_pelvis() -> None:
    # 769 ml without what the lumbar label holds.
    assert 750 <= volume_ml(reference_body(), "hip_bone", "sacrum") <= 1000
    assert 24 <= mean_thickness_mm(reference_body(), "hip_bone", "sacrum") <= 30  # 28.7


@pytest.mark.parametrize("side", SIDES)
def test_the_wing_is_thin_between_sacrum_crest_and_hip(side: str) -> None:
    image, posture = thickness_mm(reference_body(), f"hip_bone_{side}"), reference_posture()
    behind, wing, tubercle, roof = (
        around(image, posture.place((row, 200.0, side_sign(side) * column)))
        for row, column in ((758, 50), (745, 84), (748, 110), (806, 72))
    )
    assert behind > 30
    assert roof > 40
    assert 8 < wing < 18
    assert tubercle > 1.5 * wing
