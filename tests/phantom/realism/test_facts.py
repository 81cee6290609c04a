import numpy as np
import pytest

from bonescan.phantom.realism.facts import Fact, compare


def test_a_median_is_in_its_aim_or_not():
    values = [1.0, 2.0, 3.0, 4.0, 10.0, float("nan")]
    assert compare(Fact((2.5, 3.5)), values).in_aim()
    assert not compare(Fact((3.1, 9.0)), values).in_aim()
    assert compare(Fact(), values).in_aim() is None


def test_an_aim_is_wider_by_some_errors():
    normal = np.random.default_rng(0).normal(5, 1, 400)
    found = compare(Fact((5.1, 6)), normal)
    assert found.error == pytest.approx(1.25 / 20, rel=0.1)
    assert not found.in_aim()
    assert found.in_aim(errors=4)


def test_a_real_value_is_held_between_the_percentiles():
    values = np.arange(101.0)
    assert compare(Fact(real=6), values).holds_real()
    assert not compare(Fact(real=4), values).holds_real()
    assert not compare(Fact(real=96), values).holds_real()
    assert compare(Fact((0, 1)), values).holds_real() is None
    just_outside = compare(Fact(real=2), values)
    assert not just_outside.holds_real()
    assert just_outside.holds_real(errors=1)


def test_a_share_is_a_mean():
    found = compare(Fact((0.2, 0.3), 0.9, by_mean=True), [1, 0, 0, 0])
    assert found.value == 0.25
    assert found.in_aim()
    assert found.holds_real() is None


def test_nobody_has_the_measure():
    found = compare(Fact((0, 1), 0.5), [float("nan")])
    assert np.isnan(found.value)
    assert not found.in_aim()
    assert not found.holds_real()


def test_ten_of_ten_are_not_everybody():
    found = compare(Fact((0.6, 0.8), by_mean=True), [1.0] * 10)
    assert not found.in_aim()
    assert found.in_aim(errors=2)
    assert not compare(Fact((0.6, 0.8), by_mean=True), [1.0] * 100).in_aim(errors=2)
