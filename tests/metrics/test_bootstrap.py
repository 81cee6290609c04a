"""Bootstrap over patients."""

import numpy as np
import pytest

from bonescan.metrics.bootstrap import bootstrap_interval


def mean_of(values):
    values = np.asarray(values, dtype=float)
    return lambda images: values[images].mean()


def test_a_constant_has_an_interval_of_no_width():
    interval = bootstrap_interval(mean_of([0.3, 0.3, 0.3]), ["a", "b", "c"], resamples=20)
    np.testing.assert_allclose(interval, [0.3, 0.3])


def test_images_of_one_patient_stay_together():
    seen = []
    patients = ["b", "a", "b", "c"]

    def record(images):
        seen.append(np.bincount(images, minlength=4))
        return 0.0

    bootstrap_interval(record, patients, resamples=50)
    for drawn in seen:
        assert drawn[0] == drawn[2]
        assert drawn[[0, 1, 3]].sum() == 3
    assert any(drawn[0] == 2 for drawn in seen)


def test_one_patient_gives_no_width_however_many_images():
    interval = bootstrap_interval(mean_of([0.1, 0.9, 0.5]), ["a"] * 3, resamples=20)
    np.testing.assert_allclose(interval, [0.5, 0.5])


def test_interval_of_a_mean_has_the_known_width():
    values = np.random.default_rng(3).normal(size=200)
    lower, upper = bootstrap_interval(mean_of(values), [str(i) for i in range(200)])
    half_width = 1.96 * values.std() / np.sqrt(200)
    assert lower == pytest.approx(values.mean() - half_width, abs=0.1 * half_width)
    assert upper == pytest.approx(values.mean() + half_width, abs=0.1 * half_width)


def test_same_seed_same_interval():
    values, patients = np.arange(9.0), list("abcdefghi")
    first = bootstrap_interval(mean_of(values), patients, seed=1, resamples=200)
    again = bootstrap_interval(mean_of(values), patients, seed=1, resamples=200)
    other = bootstrap_interval(mean_of(values), patients, seed=2, resamples=200)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_arrays_of_values_and_undefined_ones():
    def statistic(images):
        return np.array([1.0, np.nan, 5.0 if 0 in images else np.nan])

    interval = bootstrap_interval(statistic, ["a", "b"], resamples=50)
    assert interval.shape == (2, 3)
    np.testing.assert_array_equal(interval, [[1, np.nan, 5], [1, np.nan, 5]])


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="at least one image's patient, got none"):
        bootstrap_interval(mean_of([]), [])
