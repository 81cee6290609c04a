"""Bootstrap over patients."""

import numpy as np
import pytest
from scipy.stats import norm

from bonescan.metrics.bootstrap import bootstrap_interval, ratio

# Table of 16 values with the interval of the mean that R's boot.ci gives (9 999 999 draws), from
# the tests of scipy
VALUES = [10, 12, 12.5, 12.5, 13.9, 15, 21, 22, 23, 34, 50, 81, 89, 121, 134, 213]
PERCENTILE, BCA = (28.86, 84.21), (32.31, 91.43)


def mean_of(values):
    values = np.asarray(values, dtype=float)
    return lambda weights: weights @ values / weights.sum(axis=-1)


def names(number: int) -> list[str]:
    return [f"patient {i}" for i in range(number)]


def test_interval_of_a_skewed_mean_is_that_of_r():
    interval = bootstrap_interval(mean_of(VALUES), names(16), resamples=20000)
    np.testing.assert_allclose(interval, BCA, rtol=0.01)
    assert interval[0] > PERCENTILE[0] + 2, "bias-corrected and accelerated"


def test_bounds_by_hand():
    draws, values = [], np.array([0.1, 0.2, 0.25, 0.3, 0.9])

    def record(weights):
        means = mean_of(values)(weights)
        draws.append(means) if means.shape == (400,) else None
        return means

    interval = bootstrap_interval(record, names(5), resamples=400)
    (drawn,) = draws
    below = ((drawn < values.mean()).mean() + (drawn <= values.mean()).mean()) / 2
    bias = norm.ppf(below)
    without_one = (values.sum() - values) / 4
    spread = without_one.mean() - without_one
    acceleration = (spread**3).sum() / (6 * (spread**2).sum() ** 1.5)
    shares = [
        norm.cdf(bias + (bias + z) / (1 - acceleration * (bias + z)))
        for z in norm.ppf([0.025, 0.975])
    ]
    np.testing.assert_allclose(interval, np.quantile(drawn, shares))


def test_a_constant_has_an_interval_of_no_width():
    interval = bootstrap_interval(mean_of([0.3, 0.3, 0.3]), names(3), resamples=20)
    np.testing.assert_allclose(interval, [0.3, 0.3])


def test_images_of_one_patient_stay_together():
    seen = []
    patients = ["b", "a", "b", "c"]

    def record(weights):
        seen.append(weights)
        return weights.sum(axis=-1)

    bootstrap_interval(record, patients, resamples=50)
    drawn = next(weights for weights in seen if weights.shape == (50, 4))
    assert (drawn[:, 0] == drawn[:, 2]).all()
    assert (drawn[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert (drawn[:, 0] == 2).any()


def test_one_patient_gives_no_interval_however_many_images():
    interval = bootstrap_interval(mean_of([0.1, 0.9, 0.5]), ["a"] * 3, resamples=20)
    assert np.isnan(interval).tolist() == [True, True]


def test_interval_of_a_mean_has_the_known_width():
    values = np.random.default_rng(3).normal(size=200)
    lower, upper = bootstrap_interval(mean_of(values), names(200))
    half_width = 1.96 * values.std() / np.sqrt(200)
    assert lower == pytest.approx(values.mean() - half_width, abs=0.1 * half_width)
    assert upper == pytest.approx(values.mean() + half_width, abs=0.1 * half_width)


def test_same_seed_same_interval():
    first = bootstrap_interval(mean_of(VALUES), names(16), seed=1, resamples=200)
    again = bootstrap_interval(mean_of(VALUES), names(16), seed=1, resamples=200)
    other = bootstrap_interval(mean_of(VALUES), names(16), seed=2, resamples=200)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_each_of_several_values_has_its_own_interval():
    def two(weights):
        return np.stack([mean_of(VALUES)(weights), -mean_of(VALUES)(weights)], axis=-1)

    interval = bootstrap_interval(two, names(16))
    np.testing.assert_allclose(interval[:, 0], bootstrap_interval(mean_of(VALUES), names(16)))
    np.testing.assert_allclose(interval[:, 1], -interval[::-1, 0], rtol=0.05)


def test_percentiles_where_leaving_a_patient_out_leaves_nothing():
    def statistic(weights):
        by_first = ratio(weights[..., 0] + 3 * weights[..., 1], 1.0 * weights[..., 0])
        never = np.full(weights.shape[:-1], np.nan)
        return np.stack([np.ones(weights.shape[:-1]), never, by_first], axis=-1)

    interval = bootstrap_interval(statistic, ["a", "b"], resamples=50)
    # of the first patient twice: 1; of both once: 4; of the second twice: undefined
    np.testing.assert_array_equal(interval, [[1, np.nan, 1], [1, np.nan, 4]])


def test_division_by_nothing_is_undefined():
    np.testing.assert_array_equal(ratio([1, 0, 3], [2, 0, 4]), [0.5, np.nan, 0.75])


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="at least one image's patient, got none"):
        bootstrap_interval(mean_of([]), [])
