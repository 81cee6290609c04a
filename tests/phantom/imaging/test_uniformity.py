from dataclasses import replace

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.phantom.cameras import CAMERAS
from bonescan.phantom.imaging import uniformity
from bonescan.phantom.imaging.uniformity import (
    FAULT_SHARE,
    INTEGRAL_UNIFORMITY,
    OFF_PEAK_UNIFORMITY,
    column_gains,
    draw_fault,
    draw_flood,
    place_tubes,
)

CAMERA = CAMERAS[0]
REACHED = slice(CAMERA.first_column, CAMERA.last_column + 1)


def only(monkeypatch, name):
    monkeypatch.setattr(uniformity, "FAULT_SHARE", {name: 1.0})


def integral_uniformity(flood):
    """(max - min) / (max + min), as NEMA NU 1 defines it."""
    return float((flood.max() - flood.min()) / (flood.max() + flood.min()))


def test_uniformity_is_that_of_the_definition():
    flood = np.ones((3, 4))
    flood[1, 2], flood[0, 3] = 1.3, 0.9
    assert integral_uniformity(flood) == pytest.approx(0.4 / 2.2)


@pytest.mark.parametrize("wanted", [INTEGRAL_UNIFORMITY, OFF_PEAK_UNIFORMITY])
def test_a_flood_has_the_drawn_uniformity_and_keeps_the_mean(wanted):
    tubes, rng = place_tubes(230, 2.26), np.random.default_rng(1)
    floods = [draw_flood(tubes, wanted, rng) for _ in range(40)]
    found = np.array([integral_uniformity(flood) for flood in floods])
    low, high = wanted
    assert found.min() > 0.95 * low
    assert found.max() < 1.05 * high
    assert np.ptp(found) > 0.5 * (high - low)
    assert all(flood.mean() == pytest.approx(1) for flood in floods)


def test_tubes_are_as_many_as_cover_such_a_detector():
    tubes = place_tubes(230, 2.26)
    light = tubes.along.max(axis=1) * tubes.across.max(axis=1)
    assert 40 <= np.count_nonzero(light > 0.6) <= 60


def test_what_is_uneven_along_the_bed_averages_out():
    inner = [
        column_gains(CAMERA, View.ANTERIOR, unit=unit, columns=256)[REACHED][20:-20]
        for unit in range(20)
    ]
    spread = np.array([gains.std() for gains in inner])
    assert 0.0015 < np.median(spread) < 0.0045  # of a whole flood it is 0.009
    assert spread.max() < 0.012
    assert np.mean(inner) == pytest.approx(1, abs=0.003)


def test_the_pattern_belongs_to_the_camera_and_its_detector():
    kinds = [
        column_gains(camera, view, unit=unit, columns=256)
        for camera in CAMERAS
        for view in View
        for unit in (3, 4)
    ]
    again = column_gains(CAMERAS[0], View.ANTERIOR, unit=3, columns=256)
    np.testing.assert_array_equal(again, kinds[0])
    assert len({kind.tobytes() for kind in kinds}) == len(kinds)


def test_columns_beyond_the_detector_keep_a_gain_of_one():
    gains = column_gains(CAMERA, View.POSTERIOR, unit=1, columns=256)
    assert (gains[: CAMERA.first_column] == 1).all()
    assert (gains[CAMERA.last_column + 1 :] == 1).all()
    assert (gains[REACHED] != 1).all()


def test_a_faulty_photomultiplier_leaves_a_hollow_of_its_own_size(monkeypatch):
    only(monkeypatch, "photomultiplier fault")
    monkeypatch.setattr(uniformity, "PHOTOMULTIPLIER_LOSS", (1.0, 1.0))
    for seed in range(10):
        fault = draw_fault(CAMERA, 256, np.random.default_rng(seed))
        depth = 1 - fault.gains[REACHED]
        assert 0.08 < depth.max() < 0.3  # one tube of six along the bed, and its neighbours' light
        width_mm = np.count_nonzero(depth > depth.max() / 2) * CAMERA.pixel_mm
        assert width_mm < 1.1 * uniformity.TUBE_PITCH_MM
        assert depth.min() < 0.01


def test_a_dead_strip_loses_a_few_columns_and_no_others(monkeypatch):
    only(monkeypatch, "dead strip")
    for seed in range(20):
        gains = draw_fault(CAMERA, 256, np.random.default_rng(seed)).gains
        lost = np.flatnonzero(gains < 1)
        assert 1 <= len(lost) <= 9 / CAMERA.pixel_mm + 1
        assert (np.diff(lost) == 1).all()
        assert CAMERA.first_column <= lost[0]
        assert lost[-1] <= CAMERA.last_column
        assert gains[lost].max() <= 0.6


def test_an_off_peak_detector_counts_less(monkeypatch):
    only(monkeypatch, "off-peak detector")
    gains = draw_fault(CAMERA, 256, np.random.default_rng(0)).gains[REACHED]
    assert 0.6 < gains.mean() < 0.97
    assert gains.std() / gains.mean() > 0.004


def test_faults_are_rare_and_take_both_detectors():
    rng = np.random.default_rng(2)
    drawn = [draw_fault(CAMERA, 256, rng) for _ in range(6000)]
    faults = [fault for fault in drawn if fault is not None]
    for name, share in FAULT_SHARE.items():
        found = sum(fault.name == name for fault in faults) / len(drawn)
        assert found == pytest.approx(share, abs=0.004)
    assert {fault.view for fault in faults} == set(View)


def test_another_breadth_of_the_detector_fits_the_grid():
    narrow = replace(CAMERA, first_column=4, last_column=90)
    gains = column_gains(narrow, View.ANTERIOR, unit=0, columns=96)
    assert gains.shape == (96,)
    assert (gains[91:] == 1).all()
