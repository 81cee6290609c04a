"""Signs of the posture: what turns, leans or bends to which side, and by how much."""

from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.anatomy.body_scale import SPINE_DEPTH_MM
from bonescan.phantom.anatomy.person import draw_person
from bonescan.phantom.anatomy.posture import NOSE_MM, Posture

VERTEX_MM = (0.0, 130.0, 0.0)
STRAIGHT = replace(
    draw_person(np.random.default_rng(1), "M"),
    height_mm=1750.0,
    leg_scale=1.0,
    head_scale=1.0,
    asymmetry=1.0,
    tilt_deg=0.0,
    scoliosis_deg=0.0,
    kyphosis_deg=0.0,
    head_turn_deg=0.0,
    head_tilt_deg=0.0,
    head_nod_deg=0.0,
    shape_spread=0.0,
    shoulder_tilt_deg=0.0,
    hip_tilt_deg=0.0,
    turn_deg=0.0,
)


def moved(place_mm, **changes):
    """How far a place of the head moves, from the front of the grid, in mm."""
    before, after = Posture(STRAIGHT, 600.0), Posture(replace(STRAIGHT, **changes), 600.0)
    front = (0.0, after.front_mm - before.front_mm, 0.0)
    return after.place_head(place_mm) - before.place_head(place_mm) - front


def bend_deg(axis, **changes):
    """Range of the spine's slope between C6 and L5 towards an axis, in degrees."""
    rows = np.arange(250.0, 741.0)
    points = np.stack([rows, np.full_like(rows, SPINE_DEPTH_MM), 0 * rows], axis=1)
    place = Posture(replace(STRAIGHT, **changes), 600.0).place(points)
    return np.ptp(np.degrees(np.arctan(np.gradient(place[:, axis], place[:, 0]))))


@pytest.mark.parametrize("sign", [1, -1])
def test_head_turns_tilts_and_nods_as_it_says(sign):
    assert sign * moved(NOSE_MM, head_turn_deg=sign * 10.0)[2] > 20  # to the patient's left
    assert sign * moved(VERTEX_MM, head_tilt_deg=sign * 10.0)[2] > 30  # to the patient's left
    assert sign * moved(NOSE_MM, head_nod_deg=sign * 10.0)[0] > 20  # down


def test_tilt_is_a_shear_about_the_hips():
    upper, lower = (Posture(replace(STRAIGHT, tilt_deg=deg), 600.0) for deg in (0.0, 2.0))
    points = np.array([(338.0, 205.0, 0.0), (838.0, 205.0, 0.0)])
    shift = lower.place(points) - upper.place(points)
    np.testing.assert_allclose(shift[1], 0, atol=0.5)
    rows = np.diff(upper.place(points)[:, 0])[0]
    assert -shift[0, 2] == pytest.approx(rows * np.tan(np.radians(2.0)), rel=0.03)
    np.testing.assert_allclose(shift[:, 0], 0, atol=1e-9)


@pytest.mark.parametrize("degrees", [10.0, 30.0])
def test_curves_of_the_spine_bend_by_their_share_of_the_strength(degrees):
    assert bend_deg(2, scoliosis_deg=degrees) == pytest.approx(0.6 * degrees, rel=0.06)
    assert bend_deg(2, scoliosis_deg=-degrees) == pytest.approx(0.6 * degrees, rel=0.06)
    extra = bend_deg(1, kyphosis_deg=degrees) - bend_deg(1)
    assert extra == pytest.approx(0.55 * degrees, abs=0.15 * degrees)


@pytest.mark.parametrize(("name", "joint"), [("shoulder_tilt_deg", "arm"), ("hip_tilt_deg", "leg")])
def test_a_tilt_lowers_the_left_joint_and_raises_the_right_one(name, joint):
    before, after = Posture(STRAIGHT, 600.0), Posture(replace(STRAIGHT, **{name: 3.0}), 600.0)
    for side, sign in (("left", 1), ("right", -1)):
        first, second = (
            p.arms[side].shoulder if joint == "arm" else p.legs[side].hip for p in (before, after)
        )
        middle = before.place((303.0, 205.0, 0.0) if joint == "arm" else (838.0, 205.0, 0.0))[2]
        lower = sign * np.tan(np.radians(3.0)) * abs(first[2] - middle)
        assert second[0] - first[0] == pytest.approx(lower, rel=0.05)


def test_a_turn_brings_the_left_side_to_the_front():
    turned = Posture(replace(STRAIGHT, turn_deg=4.0), 600.0)
    left, right = turned.place([(500.0, 100.0, 120.0), (500.0, 100.0, -120.0)])
    assert left[1] - right[1] == pytest.approx(-240.0 * turned.scale.chest * 0.0699, rel=0.02)
    assert turned.arms["left"].shoulder[1] < turned.arms["right"].shoulder[1] - 15


def test_irregularities_belong_to_the_person_and_the_bone():
    person = replace(STRAIGHT, shape_spread=1.0)
    posture, again = Posture(person, 600.0), Posture(person, 500.0)
    np.testing.assert_array_equal(posture.vary("rib 3", 4), again.vary("rib 3", 4))
    assert not np.allclose(posture.vary("rib 3", 4), posture.vary("rib 4", 4))
    other = Posture(replace(person, shape_seed=person.shape_seed + 1), 600.0)
    assert not np.allclose(posture.vary("rib 3", 4), other.vary("rib 3", 4))
    assert not Posture(STRAIGHT, 600.0).vary("rib 3", 4).any()
