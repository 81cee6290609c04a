"""Free-response curves."""

import numpy as np
import pytest

from bonescan.metrics.froc import froc, sensitivity_at
from bonescan.metrics.lesion import LesionScores, detection, match_by_threshold, match_lesions

THRESHOLDS = np.array([0.9, 0.6, 0.3])
OUTCOMES = np.array([[[1, 4, 0], [3, 2, 1], [2, 3, 4]], [[0, 5, 0], [1, 4, 2], [2, 3, 3]]])
"""Of two scans at each threshold; the third finds fewer in the first."""


def test_curve_by_hand():
    curve = froc(THRESHOLDS, OUTCOMES)
    np.testing.assert_allclose(curve.sensitivity, [0.1, 0.4, 0.4])
    np.testing.assert_allclose(curve.false_positives, [0, 1.5, 3.5])


def test_sensitivity_at_a_number_of_false_positives():
    curve = froc(THRESHOLDS, OUTCOMES)
    assert sensitivity_at(curve, 1.4) == pytest.approx(0.1)
    assert sensitivity_at(curve, 1.5) == pytest.approx(0.4)
    assert sensitivity_at(curve, 3.5) == pytest.approx(0.4)


def test_what_the_curve_does_not_reach_is_undefined():
    assert np.isnan(sensitivity_at(froc(THRESHOLDS, OUTCOMES), 3.6))
    nothing = froc(THRESHOLDS, np.tile([0, 1, 0], (2, 3, 1)))
    assert np.isnan(sensitivity_at(nothing, 0.5))
    assert np.isnan(froc(THRESHOLDS, np.tile([0, 0, 2], (2, 3, 1))).sensitivity).all()


def test_weights_count_units():
    weights = np.array([[2.0, 0.0], [1.0, 1.0]])
    curve = froc(THRESHOLDS, OUTCOMES, weights)
    np.testing.assert_allclose(curve.sensitivity, [[0.2, 0.6, 0.4], [0.1, 0.4, 0.4]])
    np.testing.assert_allclose(sensitivity_at(curve, 1), [0.6, 0.1])


def test_curve_passes_through_the_operating_point():
    generator = np.random.default_rng(5)
    by_threshold, at_point = [], []
    for _ in range(6):
        prob, truth = generator.random((2, 20, 15))
        scores = LesionScores(min_area_px=2, prob=prob)
        by_threshold.append(match_by_threshold(scores, truth > 0.8))
        at_point.append(match_lesions(prob >= 0.5, truth > 0.8, scores))
    curve = froc(np.array(scores.thresholds), np.stack(by_threshold))
    here = scores.thresholds.index(0.5)
    sensitivity, _, false_positives = detection(np.stack(at_point))
    assert (curve.sensitivity[here], curve.false_positives[here]) == (sensitivity, false_positives)
    assert sensitivity > 0
