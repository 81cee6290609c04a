"""Organs: where vessels and bowel run, and that persons differ."""

from dataclasses import replace

import numpy as np

from bonescan.phantom.anatomy.body_scale import side_sign
from tests.phantom.anatomy.reference import build, reference_body, reference_man


def test_vessels_run_from_the_neck_to_the_knees_and_in_front_of_the_spine() -> None:
    body = reference_body()
    vessels = body.organs["vessels"]
    first = vessels.start[0]
    assert body.points["c4_centre"][0] > first
    assert first + vessels.fraction.shape[0] > body.points["knee_left"][0] - 40
    row = round(body.points["l3_centre"][0])
    depths = np.flatnonzero(vessels.fraction[row - first].any(axis=1)) + vessels.start[1]
    assert depths.mean() < body.points["l3_centre"][1]


def test_femoral_vessels_lie_on_the_inner_side_of_the_femur() -> None:
    body = reference_body()
    vessels = body.organs["vessels"]
    row = round(0.6 * body.points["hip_left"][0] + 0.4 * body.points["knee_left"][0])
    columns = np.flatnonzero(vessels.fraction[row - vessels.start[0]].any(axis=0))
    columns = columns + vessels.start[2]
    middle = body.points["l3_centre"][2]
    for side in ("right", "left"):
        femur = body.bones[f"femur_{side}"].block
        bone = femur.start[2] + femur.fraction[row - femur.start[0]].sum(axis=0).argmax()
        sign = side_sign(side)
        own = columns[sign * (columns - middle) > 0]
        assert 3 < sign * (bone - own.mean()) < 25


def test_bowel_and_liver_of_two_persons_lie_otherwise() -> None:
    first, second = (
        build(replace(reference_man(), shape_spread=1.0, shape_seed=seed)) for seed in (3, 4)
    )
    for name, most in (("small_bowel", 0.6), ("colon", 0.92), ("liver", 0.99)):
        one, other = first.organs[name], second.organs[name]
        overlap = np.minimum(one.within(other), other.fraction).sum() / other.fraction.sum()
        assert overlap < most, name
    assert ("genitals" in first.organs) == (first.person.sex == "M")
