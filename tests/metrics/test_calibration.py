"""Calibration: recovered, by hand on few cases, and what leaves probabilities as they are."""

import json

import numpy as np
import pytest
from scipy.special import expit, logit

from bonescan.metrics.calibration import (
    LOG_ODDS,
    Calibration,
    Recalibration,
    assign_bins,
    calibration_error,
    count_log_odds,
    fit_recalibration,
    fit_temperature,
    read_calibration,
    reliability,
)

PROB = np.array([[0.0, 0.02, 0.3], [0.5, 0.97, 1.0]], np.float32)


def draw(number: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw log odds that tell the truth, and what is true."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-1, 2, number)
    return odds, rng.random(number) < expit(odds)


def test_temperature_of_one_changes_nothing():
    calibrated = Calibration(1.0).of_pixels(PROB)
    np.testing.assert_allclose(calibrated, PROB, atol=1e-7)
    assert calibrated.dtype == np.float32
    assert Calibration().of_lesion(0.9) is None
    assert Calibration().of_scan(0.9) is None


def test_temperature_divides_log_odds_and_keeps_order_and_decision():
    calibrated = Calibration(3.0).of_pixels(PROB)
    inside = (PROB > 0) & (PROB < 1)
    np.testing.assert_allclose(logit(calibrated[inside]), logit(PROB[inside]) / 3, rtol=1e-5)
    assert np.array_equal(np.argsort(calibrated, axis=None), np.argsort(PROB, axis=None))
    assert (calibrated[0, 0], calibrated[1, 0], calibrated[1, 2]) == (0, 0.5, 1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_of_pixels_that_are_too_sure_is_recovered(temperature):
    odds, truth = draw(200_000)
    counts = count_log_odds(expit(temperature * odds), truth)
    assert counts.sum(axis=1).tolist() == [(~truth).sum(), truth.sum()]
    assert fit_temperature(counts) == pytest.approx(temperature, rel=0.02)


def test_pixels_are_counted_at_their_log_odds():
    counts = count_log_odds(np.array([0.0, 0.5, 0.5, 1.0]), np.array([False, False, True, True]))
    places = [LOG_ODDS[row > 0].tolist() for row in counts]
    assert places == [[-16, 0], [0, 16]]


def test_temperature_of_one_kind_of_pixel_is_one():
    assert fit_temperature(count_log_odds(PROB, np.zeros(PROB.shape, bool))) == 1


def test_slope_and_intercept_of_scores_are_recovered():
    odds, truth = draw(20_000, seed=1)
    found = fit_recalibration(expit(2 * odds + 1), truth)
    assert (found.slope, found.intercept) == (
        pytest.approx(0.5, abs=0.03),
        pytest.approx(-0.5, abs=0.06),
    )
    assert (found.number, found.true) == (20_000, truth.sum())


def test_few_cases_that_scores_part_are_no_certainty():
    found = fit_recalibration([0.01, 0.02, 0.98, 0.99], [False, False, True, True])
    assert 0.6 < found(0.99) < 0.9  # targets are 1 / 4 and 3 / 4
    assert found(0.01) == pytest.approx(1 - found(0.99))


@pytest.mark.parametrize("truth", [[], [True, True], [False, False]])
def test_cases_of_one_kind_say_nothing(truth):
    assert fit_recalibration([0.3, 0.4][: len(truth)], truth) is None


def test_calibration_is_read_as_it_was_written():
    calibration = Calibration(1.7, Recalibration(0.5, -1.0, 9, 4))
    assert read_calibration(json.loads(json.dumps(calibration.document))) == calibration
    assert read_calibration(None) == Calibration()
    assert calibration.of_lesion(0.5) == pytest.approx(expit(-1.0))
    with pytest.raises(ValueError, match=r"temperature must be over 0, got 0\.0"):
        read_calibration({"temperature": 0, "lesion": None, "scan": None})


def test_error_by_hand():
    prob = np.array([0.1, 0.3, 0.6, 0.8, 0.9])
    truth = np.array([False, True, True, True, False])
    bin_of = np.array([0, 0, 1, 1, 1])
    cases, stated, true = reliability(prob, truth, bin_of)
    assert cases.tolist() == [2, 3]
    np.testing.assert_allclose([stated, true], [[0.2, 2.3 / 3], [0.5, 2 / 3]])
    assert calibration_error(prob, truth, bin_of) == pytest.approx((2 * 0.3 + 3 * 0.1) / 5)
    weights = np.array([[1, 1, 1, 1, 1], [0, 0, 1, 1, 0], [2, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    errors = calibration_error(prob, truth, bin_of, weights.astype(float))
    np.testing.assert_allclose(errors, [0.18, 0.3, 0.1, np.nan])


def test_true_probabilities_have_next_to_no_error():
    odds, truth = draw(200_000)
    prob = expit(odds)
    assert calibration_error(prob, truth, assign_bins(prob)) < 0.005
    too_sure = expit(3 * odds)
    assert calibration_error(too_sure, truth, assign_bins(too_sure)) > 0.1


def test_bins_hold_equal_numbers_and_equal_probabilities_share_one():
    assert np.bincount(assign_bins(np.linspace(0, 1, 40))).tolist() == [10, 10, 10, 10]
    assert assign_bins(np.array([0.2, 0.9, 0.4])).tolist() == [0, 0, 0]
    assert len(set(assign_bins(np.repeat([0.1, 0.7], [35, 5])).tolist())) <= 2
    assert assign_bins(np.linspace(0, 1, 5000)).max() == 9
