"""Sizes of a person relative to the reference man."""

from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.anatomy.body_scale import BodyScale, to_side
from bonescan.phantom.anatomy.person import draw_person

REFERENCE_MAN = replace(
    draw_person(np.random.default_rng(1), "M"),
    height_mm=1750.0,
    weight_kg=71.0,
    head_scale=1.0,
    leg_scale=1.0,
    shoulder_scale=1.0,
    pelvis_scale=1.0,
    chest_scale=1.0,
)
SCALES = ("height", "head", "leg", "arm", "trunk", "bone", "girth", "chest", "shoulders", "pelvis")


@pytest.mark.parametrize("name", SCALES)
def test_the_reference_man_has_scale_one(name):
    assert getattr(BodyScale(REFERENCE_MAN), name) == pytest.approx(1.0)


def test_rows_of_the_reference_man_are_his_own():
    rows = [0.0, 130.0, 250.0, 838.0, 900.0]
    np.testing.assert_allclose(BodyScale(REFERENCE_MAN).row(rows), rows)


@pytest.mark.parametrize("leg_scale", [0.95, 1.0, 1.05])
def test_head_trunk_and_legs_add_up_to_the_height(leg_scale):
    scale = BodyScale(replace(REFERENCE_MAN, height_mm=1900.0, leg_scale=leg_scale))
    assert float(scale.row(838.0)) + 912.0 * scale.leg == pytest.approx(1900.0)


def test_weight_widens_the_flesh_and_hardly_the_bones():
    lean, heavy = (BodyScale(replace(REFERENCE_MAN, weight_kg=kg)) for kg in (60.0, 120.0))
    assert heavy.girth / lean.girth == pytest.approx(2**1.25)
    assert 1 < heavy.chest / lean.chest < 1.1
    assert heavy.bone == lean.bone


def test_women_have_broader_hips_and_thinner_bones():
    man, woman = (BodyScale(replace(REFERENCE_MAN, sex=sex)) for sex in "MF")
    assert woman.pelvis > man.pelvis
    assert woman.bone < man.bone
    assert woman.chest < man.chest


def test_the_right_side_is_the_left_one_mirrored():
    np.testing.assert_array_equal(to_side([1.0, 2.0, 3.0], "right"), [1, 2, -3])
    np.testing.assert_array_equal(to_side([[1.0, 2.0, -3.0]], "left"), [[1, 2, -3]])
