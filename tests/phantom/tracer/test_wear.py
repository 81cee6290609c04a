from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.anatomy.build import build_body
from bonescan.phantom.anatomy.person import draw_person
from bonescan.phantom.tracer.hot_spots import FindingContext
from bonescan.phantom.tracer.uptake import Uptake
from bonescan.phantom.tracer.wear import (
    JointWear,
    add_facet_arthritis,
    add_glenohumeral_arthritis,
    add_knee_arthritis,
    add_osteophytes,
)

AGE = 65.0


@pytest.fixture(scope="module")
def body():
    person = replace(draw_person(np.random.default_rng(6), "F"), age=AGE)
    return build_body(person, pixel_mm=2.4)


def spots_of(add, body, seed, age=AGE):
    body = replace(body, person=replace(body.person, age=age))
    return add(FindingContext(body, Uptake({}, {}), np.random.default_rng(seed))).hot_spots


def test_sides_are_alike_but_not_the_same_and_as_often_both_as_said(body):
    add = JointWear("sternoclavicular", (6.0, 7.0, 5.0), 2.0, both=0.75)
    drawn = [spots_of(add, body, seed) for seed in range(300)]
    pairs = [spots for spots in drawn if len(spots) == 2]
    assert len(pairs) / len(drawn) == pytest.approx(0.75, abs=0.1)
    logs = np.log([[spot.peak_over_ring for spot in spots] for spots in pairs])
    assert np.median(logs) == pytest.approx(np.log(2.0), abs=0.1)
    assert np.abs(logs[:, 0] - logs[:, 1]).min() > 0
    assert np.std(logs[:, 0] - logs[:, 1]) < np.std(logs[:, 0])
    right, left = pairs[0]
    assert right.ellipsoids[0].centre == body.points["sternoclavicular_right"]
    assert left.ellipsoids[0].centre == body.points["sternoclavicular_left"]


def test_the_old_have_more_foci_and_never_two_in_one_place(body):
    numbers = {}
    for age in (45.0, 85.0):
        drawn = [spots_of(add_osteophytes, body, seed, age) for seed in range(200)]
        numbers[age] = np.mean([len(spots) for spots in drawn])
        for spots in drawn:
            rows = [spot.ellipsoids[0].centre[0] for spot in spots]
            assert len(set(rows)) == len(rows)
    assert numbers[85.0] > 1.3 * numbers[45.0] > 1.3


def test_facets_are_worn_where_they_are(body):
    facets = {point for name, point in body.points.items() if name.startswith("facet_")}
    for seed in range(20):
        for spot in spots_of(add_facet_arthritis, body, seed):
            assert spot.ellipsoids[0].centre in facets


def test_a_worn_knee_has_rims_above_and_below_the_joint_more_often_inside(body):
    inner = 0
    drawn = [spot for seed in range(200) for spot in spots_of(add_knee_arthritis, body, seed)]
    for spot in drawn:
        rows = [part.centre[0] for part in spot.ellipsoids]
        column = spot.ellipsoids[0].centre[2]
        side = "right" if column < body.points["t6_centre"][2] else "left"
        medial, lateral = (body.points[f"knee_{part}_{side}"] for part in ("medial", "lateral"))
        joint = medial if abs(medial[2] - column) < abs(lateral[2] - column) else lateral
        inner += joint is medial
        assert rows[-1] > joint[0]
        assert len(rows) == 1 or rows[0] < joint[0]
    assert 0.55 < inner / len(drawn) < 0.85


def test_a_shoulder_is_worn_on_the_inner_side_of_the_head(body):
    middle = body.points["t6_centre"][2]
    for seed in range(10):
        for spot in spots_of(add_glenohumeral_arthritis, body, seed):
            column = spot.ellipsoids[0].centre[2]
            head = body.points["shoulder_right" if column < middle else "shoulder_left"][2]
            assert abs(column - middle) < abs(head - middle)
