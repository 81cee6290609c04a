"""The skin of the trunk: who carries the fat where, and what fat does not move."""

from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.anatomy.body_scale import BodyScale
from bonescan.phantom.anatomy.person import Person
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.ribcage import rib_paths
from bonescan.phantom.anatomy.trunk_skin import trunk_skin, trunk_wall
from tests.phantom.anatomy.reference import reference_man


def heavy(bmi: float, **changes: float) -> Person:
    man = reference_man()
    weight_kg = bmi * (man.height_mm / 1000) ** 2
    return replace(man, weight_kg=weight_kg, **changes)


@pytest.mark.parametrize(("row_mm", "sign"), [(340.0, 0), (620.0, -1), (860.0, 1)])
def test_fat_on_the_hips_broadens_them_and_spares_the_belly(row_mm: float, sign: int) -> None:
    belly, hips = (
        float(trunk_skin(BodyScale(heavy(38.0, fat_on_hips=share)), row_mm)[0])
        for share in (-1.0, 1.0)
    )
    assert np.sign(round(hips - belly)) == sign


def test_fat_makes_no_rib_cage_longer_and_hardly_broader() -> None:
    lean, obese = (
        np.concatenate(list(rib_paths(Posture(heavy(bmi), 578.0)).values())) for bmi in (20.0, 45.0)
    )
    assert np.ptp(obese[:, 0]) == pytest.approx(np.ptp(lean[:, 0]), rel=0.01)
    assert 1.0 < np.ptp(obese[:, 2]) / np.ptp(lean[:, 2]) < 1.12
    assert np.ptp(lean[:, 0]) / 1750 == pytest.approx(0.2, abs=0.01)  # mesh50_XCAT


def test_fat_grows_with_the_weight_and_lies_inside_the_skin() -> None:
    rows = np.array([400.0, 620.0, 700.0, 860.0])
    thickness = {}
    for bmi in (18.0, 25.0, 35.0, 45.0):
        scale = BodyScale(heavy(bmi))
        skin, wall = trunk_skin(scale, rows), trunk_wall(scale, rows)
        layers = (skin[0] - wall[0], wall[1] - skin[1], skin[2] - wall[2])
        assert all(np.all(layer >= 2.99) for layer in layers)
        thickness[bmi] = layers[1][1]  # in front of the belly
    assert thickness[25.0] == pytest.approx(16, abs=8)
    assert thickness[18.0] < thickness[25.0] < thickness[35.0] < thickness[45.0]


def test_women_have_more_fat_than_men_of_their_weight() -> None:
    man, woman = (BodyScale(replace(heavy(27.0), sex=sex)) for sex in ("M", "F"))
    layers = [trunk_wall(scale, 620.0)[1] - trunk_skin(scale, 620.0)[1] for scale in (man, woman)]
    assert layers[1] > layers[0] + 4
