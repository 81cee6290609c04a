"""Operating points: chosen, written, read."""

import json

import numpy as np
import pytest

from bonescan.metrics.calibration import Calibration, Recalibration
from bonescan.metrics.lesion import THRESHOLDS
from bonescan.metrics.operating_point import (
    OperatingPoint,
    choose_min_area,
    choose_screening,
    choose_threshold,
    pooled_dice,
    read_operating_point,
)


def test_threshold_of_highest_dice_nearest_to_a_half():
    thresholds = [0.9, 0.6, 0.45, 0.2]
    assert choose_threshold(thresholds, np.array([0.1, 0.3, 0.2, np.nan])) == 0.6
    assert choose_threshold(thresholds, np.array([0.4, 0.3, 0.4, 0.4])) == 0.45


def test_least_area_of_highest_f2():
    outcomes = np.array([[5, 2, 9], [5, 2, 4], [4, 3, 1], [1, 6, 0]])
    assert choose_min_area([0.0, 10, 15, 30], outcomes) == 10, "F1 would take 15"
    assert choose_min_area([0.0, 10, 15, 30], outcomes[[0, 0, 2, 3]]) == 15
    assert choose_min_area([0.0, 10, 15, 30], outcomes[[3, 1, 1, 3]]) == 10
    assert choose_min_area([0.0, 10], np.zeros((2, 3))) == 0


def test_screening_takes_the_highest_threshold_that_misses_one_of_ten():
    outcomes = np.array([[8, 2, 0], [9, 1, 3], [10, 0, 20], [9, 1, 50]])
    assert choose_screening([0.9, 0.6, 0.3, 0.1], outcomes) == 0.6
    assert choose_screening([0.9, 0.6], outcomes[[0, 0]]) is None


def test_the_point_for_screening_is_read(tmp_path):
    path = tmp_path / "point.json"
    content = {"threshold": 0.5, "min_area_mm2": 15, "screening": {"threshold": 0.125}}
    path.write_text(json.dumps(content))
    assert read_operating_point(path, "screening") == OperatingPoint(0.125, 15)
    assert read_operating_point(path).threshold == 0.5
    path.write_text(json.dumps({**content, "screening": None}))
    with pytest.raises(ValueError, match=r"point.json must hold a threshold for screening"):
        read_operating_point(path, "screening")
    with pytest.raises(ValueError, match="for screening must be in a file, got None"):
        read_operating_point(None, "screening")
    with pytest.raises(ValueError, match="'both' is not a valid Purpose"):
        read_operating_point(path, "both")


def test_dice_by_hand():
    np.testing.assert_array_equal(
        pooled_dice(np.array([3, 0]), np.array([5, 0]), np.array([4, 0])), [6 / 9, np.nan]
    )


def test_area_in_pixels_and_thresholds_of_the_curve():
    point = OperatingPoint(0.123, 15)
    assert point.min_area_px((2.5, 1.5)) == pytest.approx(4)
    assert set(point.thresholds) == {*THRESHOLDS, 0.123}
    assert sorted(point.thresholds, reverse=True) == list(point.thresholds)
    assert OperatingPoint().thresholds == THRESHOLDS


def test_it_says_what_counts():
    assert str(OperatingPoint(0.25, 15)) == "probability 0.250 or more, lesions of 15 mm2 or more"
    assert str(OperatingPoint(None, 15)) == "the system's own rule, lesions of 15 mm2 or more"
    assert "lesions of any area" in str(OperatingPoint())
    assert OperatingPoint(0.25).numbers == {"threshold": 0.25}
    assert OperatingPoint(None, 15).numbers == {"min_area_mm2": 15}


def test_calibration_is_read_with_the_point(tmp_path):
    path = tmp_path / "point.json"
    part = {"slope": 0.5, "intercept": -1.0, "number": 9, "true": 4}
    calibration = {"temperature": 1.5, "lesion": part, "scan": None}
    content = {"threshold": 0.25, "min_area_mm2": 15, "calibration": calibration}
    path.write_text(json.dumps(content))
    expected = Calibration(1.5, Recalibration(**part))
    assert read_operating_point(path) == OperatingPoint(0.25, 15, expected)
    path.write_text(json.dumps({**content, "calibration": {"temperature": 1.5}}))
    with pytest.raises(ValueError, match=r"point\.json must hold threshold and min_area_mm2"):
        read_operating_point(path)


def test_reading(tmp_path, caplog):
    path = tmp_path / "point.json"
    assert read_operating_point(None) == OperatingPoint()
    assert not caplog.text
    assert read_operating_point(path) == OperatingPoint()
    assert f"{path} does not exist: what counts is the system's own rule" in caplog.text
    path.write_text(json.dumps({"threshold": None, "min_area_mm2": 15, "chosen_on": {}}))
    assert read_operating_point(str(path)) == OperatingPoint(None, 15)
    path.write_text("[]")
    with pytest.raises(ValueError, match="must hold threshold and min_area_mm2, got "):
        read_operating_point(path)
