from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.cameras import CAMERAS
from bonescan.phantom.imaging import bed
from bonescan.phantom.imaging.bed import (
    FAULT_SHARE,
    draw_bed_fault,
    posterior_transmission,
    time_after,
)
from bonescan.phantom.imaging.uniformity import FIELD_LENGTH_MM
from tests.phantom.bodies import SPACING_MM, block_body

PIXEL_MM = 2.5
ROWS, FIRST, LAST = 900, 20, 820
CAMERA = replace(CAMERAS[0], pixel_mm=SPACING_MM[2], first_column=4, last_column=90)


def draw(monkeypatch, name, seed=0):
    monkeypatch.setattr(bed, "FAULT_SHARE", {name: 1.0})
    return draw_bed_fault(ROWS, FIRST, LAST, PIXEL_MM, np.random.default_rng(seed))


def test_a_row_in_front_of_the_detector_is_counted_before_and_after():
    middle, length = 0.0, 400.0
    places = np.array([-300.0, -200.0, middle, 100.0, 200.0, 300.0])
    np.testing.assert_allclose(time_after(places, length), [0, 0, 0.5, 0.75, 1, 1])
    np.testing.assert_allclose(time_after(np.array([-1.0, 1.0]), 0.0), [0, 1])


@pytest.mark.parametrize("seed", range(6))
def test_a_speed_step_is_a_ramp_as_long_as_the_detector(monkeypatch, seed):
    gains = draw(monkeypatch, "speed step", seed).gains
    scanned = gains[FIRST : LAST + 1]
    assert scanned.mean() == pytest.approx(1, abs=1e-3)
    changing = np.flatnonzero(np.abs(np.diff(gains)) > 1e-6)
    assert len(changing) <= FIELD_LENGTH_MM / PIXEL_MM + 2
    assert (np.diff(changing) == 1).all()
    assert 0.04 < abs(gains[-1] / gains[0] - 1) < 0.26


def test_a_stall_brightens_all_rows_in_front_of_the_detector(monkeypatch):
    gains = draw(monkeypatch, "bed stall", 1).gains
    high = gains > gains.min() * 1.01
    rows = np.flatnonzero(high)
    assert len(rows) == pytest.approx(FIELD_LENGTH_MM / PIXEL_MM, abs=2)
    assert (np.diff(rows) == 1).all()
    assert 1.03 < gains.max() / gains.min() < 1.31


@pytest.mark.parametrize("seed", range(6))
def test_a_zipper_is_a_few_rows_high(monkeypatch, seed):
    gains = draw(monkeypatch, "zipper", seed).gains
    usual = np.median(gains)
    rows = np.flatnonzero(np.abs(gains / usual - 1) > 1e-3)
    assert 1 <= len(rows) <= 4
    assert rows[0] > FIRST
    assert rows[-1] < LAST


def test_faults_of_the_bed_are_rare():
    rng = np.random.default_rng(3)
    drawn = [draw_bed_fault(ROWS, FIRST, LAST, PIXEL_MM, rng) for _ in range(6000)]
    names = [fault.name for fault in drawn if fault is not None]
    for name, share in FAULT_SHARE.items():
        assert names.count(name) / len(drawn) == pytest.approx(share, abs=0.004)


@pytest.fixture
def with_pillows(monkeypatch):
    monkeypatch.setattr(bed, "HEAD_REST_SHARE", 1.0)
    monkeypatch.setattr(bed, "KNEE_CUSHION_SHARE", 1.0)


@pytest.mark.usefixtures("with_pillows")
def test_pillows_lie_below_head_and_knees():
    body = block_body()
    passed = posterior_transmission(body, CAMERA, np.random.default_rng(4), unit=1)
    neck, knee = round(body.points["c4_centre"][0]), round(body.points["knee_left"][0])
    middle = passed[:, 48]
    assert middle[neck - 15] == pytest.approx(middle[0], rel=1e-3)
    assert 0.84 < middle[0] < 0.98
    assert middle[neck + 15] == pytest.approx(1, abs=0.02)
    assert 0.89 < middle[knee] < 0.99
    assert middle[knee - 45] > middle[knee]


def test_no_pillow_leaves_the_table_alone_which_is_the_camera_s(monkeypatch):
    monkeypatch.setattr(bed, "HEAD_REST_SHARE", 0.0)
    monkeypatch.setattr(bed, "KNEE_CUSHION_SHARE", 0.0)
    monkeypatch.setattr(bed, "TABLE_BREADTH_MM", (100.0, 120.0))
    body = block_body()
    tables = [
        posterior_transmission(body, CAMERA, np.random.default_rng(seed), unit=unit)
        for seed, unit in ((0, 1), (5, 1), (0, 2))
    ]
    np.testing.assert_array_equal(tables[0], tables[1])
    assert (tables[0] != tables[2]).any()
    assert (tables[0] == tables[0][0]).all()
    assert tables[0][7, 47] == pytest.approx(1, abs=1e-3)
    assert tables[0][7, 4] > tables[0][7, 47]


@pytest.mark.usefixtures("with_pillows")
def test_another_patient_has_other_pillows():
    body = block_body()
    first, second = (
        posterior_transmission(body, CAMERA, np.random.default_rng(seed), unit=1) for seed in (0, 1)
    )
    assert first[0, 48] != second[0, 48]
