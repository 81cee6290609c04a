"""Flesh: what the obese have more of."""

from dataclasses import replace

import numpy as np

from bonescan.phantom.anatomy.person import Person
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import Shape
from bonescan.phantom.anatomy.soft_tissue import flesh_parts, visceral_fat
from bonescan.phantom.anatomy.trunk_skin import trunk_skin
from tests.phantom.anatomy.reference import reference_man

FIELD_MM = 600.0


def man(bmi: float) -> Person:
    weight_kg = bmi * (reference_man().height_mm / 1000) ** 2
    return replace(reference_man(), weight_kg=weight_kg, shape_spread=1.0, shape_seed=5)


def fat_only(posture: Posture) -> list[Shape]:
    return [flesh.shape for flesh in flesh_parts(posture) if flesh.fat_mm is None]


def test_only_the_obese_have_an_apron_and_rolls_on_both_flanks() -> None:
    assert fat_only(Posture(man(24.0), FIELD_MM)) == []
    posture = Posture(man(38.0), FIELD_MM)
    middle = posture.place((600.0, 205.0, 0.0))[2]
    aside = np.array([np.mean(shape.bounds(), axis=0)[2] - middle for shape in fat_only(posture)])
    assert np.sum(aside > 100) == np.sum(aside < -100) == 2
    assert np.sum(np.abs(aside) < 30) == 1


def test_rolls_stand_out_of_the_flank_by_a_centimetre_or_two() -> None:
    posture = Posture(man(38.0), FIELD_MM)
    middle = posture.place((600.0, 205.0, 0.0))[2]
    skin = float(trunk_skin(posture.scale, 600.0)[0])
    for shape in fat_only(posture):
        left = shape.bounds()[1][2] - middle
        if np.mean(shape.bounds(), axis=0)[2] - middle > 100:
            assert 0 < left - skin < 35


def test_the_belly_of_the_heavy_holds_more_fat_in_front_of_the_spine() -> None:
    lean, obese = (Posture(man(bmi), FIELD_MM) for bmi in (20.0, 40.0))
    assert visceral_fat(obese)[1] > visceral_fat(lean)[1] + 0.2
    place, _ = visceral_fat(obese)
    assert place.bounds()[1][1] < obese.place((690.0, 205.0, 0.0))[1]
