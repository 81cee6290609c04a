from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.phantom.cameras import CAMERAS
from bonescan.phantom.imaging import bed, motion, uniformity
from bonescan.phantom.imaging.acquisition import Acquisition, draw_acquisition
from bonescan.phantom.imaging.collimator import add_penetration
from bonescan.phantom.imaging.detectors import Geometry
from bonescan.phantom.imaging.motion import Motion
from tests.phantom.bodies import SPACING_MM, block_body

SHAPE = (200, 96)
CAMERA = replace(CAMERAS[0], pixel_mm=SPACING_MM[2], first_column=4, last_column=90)
BASES = SimpleNamespace(
    body=block_body(),
    camera=CAMERA,
    geometry=Geometry(front_gap_mm=30.0, follows_contour=True, first_row=10, last_row=190),
    thickness=np.ones(SHAPE, np.float32),
    regions=np.zeros(SHAPE, np.int64),
)
EVEN = dict.fromkeys(View, np.ones(SHAPE, np.float32))


@pytest.fixture
def faultless(monkeypatch):
    for module, shares in (
        (motion, motion.PART_SHARE),
        (uniformity, uniformity.FAULT_SHARE),
        (bed, bed.FAULT_SHARE),
    ):
        name = "PART_SHARE" if module is motion else "FAULT_SHARE"
        monkeypatch.setattr(module, name, dict.fromkeys(shares, 0.0))


def image():
    return np.random.default_rng(0).uniform(2, 9, SHAPE).astype(np.float32)


@pytest.mark.usefixtures("faultless")
def test_a_sound_scan_differs_by_a_few_per_cent_and_moves_nothing():
    scan = draw_acquisition(BASES, np.random.default_rng(1), unit=5)
    assert not scan.faults
    assert not scan.motions
    for view in View:
        inner = scan.gains[view][:, 15:80]
        assert inner.std() < 0.05
        assert 0.8 < inner.min() < inner.max() < 1.1
        np.testing.assert_array_equal(scan.moved(image(), view), image())
    assert (scan.gains[View.ANTERIOR] == scan.gains[View.ANTERIOR][0]).all()


@pytest.mark.usefixtures("faultless")
def test_two_scans_by_one_camera_share_its_pattern():
    first, second, other = (
        draw_acquisition(BASES, np.random.default_rng(seed), unit=unit).gains[View.ANTERIOR]
        for seed, unit in ((1, 5), (2, 5), (1, 6))
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_expected_counts_move_are_smeared_and_then_multiplied():
    source = np.indices((20, 30), np.float32) + np.float32([50, 20])[:, None, None]
    source[1] += 3
    box, after = (slice(50, 70), slice(20, 50)), np.ones(20, np.float32)
    move = Motion("arm", box, after, dict.fromkeys(View, source))
    gains = {View.ANTERIOR: 2 * EVEN[View.ANTERIOR], View.POSTERIOR: EVEN[View.POSTERIOR]}
    scan = Acquisition(CAMERA, gains, (move,), {"arm movement": tuple(View)})
    moved = scan.moved(image(), View.ANTERIOR)
    np.testing.assert_allclose(moved[50:70, 20:50], image()[50:70, 23:53], rtol=1e-6)
    expected = 2 * add_penetration(moved, CAMERA.pixel_mm)
    np.testing.assert_allclose(scan.seen(image(), View.ANTERIOR), expected, rtol=1e-6)


@pytest.mark.usefixtures("faultless")
@pytest.mark.parametrize("name", ["dead strip", "photomultiplier fault", "off-peak detector"])
def test_a_fault_of_one_detector_is_named_where_its_view_is_kept(monkeypatch, name):
    monkeypatch.setattr(uniformity, "FAULT_SHARE", {name: 1.0})
    scan = draw_acquisition(BASES, np.random.default_rng(1), unit=5)
    (view,) = scan.faults[name]
    assert scan.faults_in([view]) == scan.faults_in(View) == (name,)
    assert scan.faults_in([view.other]) == ()
    monkeypatch.setattr(uniformity, "FAULT_SHARE", {})
    sound = draw_acquisition(BASES, np.random.default_rng(1), unit=5)
    assert (scan.gains[view] != sound.gains[view]).any()


@pytest.mark.usefixtures("faultless")
def test_a_fault_of_the_bed_shows_in_the_same_rows_of_both_views(monkeypatch):
    monkeypatch.setattr(bed, "FAULT_SHARE", {"zipper": 1.0})
    monkeypatch.setattr(bed, "HEAD_REST_SHARE", 0.0)
    monkeypatch.setattr(bed, "KNEE_CUSHION_SHARE", 0.0)
    scan = draw_acquisition(BASES, np.random.default_rng(1), unit=5)
    assert scan.faults_in([View.POSTERIOR]) == ("zipper",)
    changes = [np.abs(np.diff(scan.gains[view][:, 40])) > 0.1 for view in View]
    assert changes[0].any()
    np.testing.assert_array_equal(*changes)


def test_most_scans_have_no_fault():
    shares = motion.PART_SHARE["head"] + 2 * motion.PART_SHARE["arm"] + 2 * motion.PART_SHARE["leg"]
    shares += sum(uniformity.FAULT_SHARE.values()) + sum(bed.FAULT_SHARE.values())
    assert 0.08 < shares < 0.16
