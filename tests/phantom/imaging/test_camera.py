import math
from dataclasses import replace

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.phantom.cameras import CAMERAS
from bonescan.phantom.imaging.camera import (
    ScanSettings,
    draw_counts,
    draw_scan,
    expected_counts,
    scatter,
    strip_mask,
    thickness_mm,
)
from bonescan.phantom.imaging.detectors import Geometry
from tests.phantom.bodies import SPACING_MM, block_body

CAMERA = replace(CAMERAS[0], pixel_mm=SPACING_MM[2], first_column=4, last_column=90)
GEOMETRY = Geometry(front_gap_mm=30.0, follows_contour=False, first_row=10, last_row=190)
SCAN = ScanSettings(
    total_counts=2e5,
    scatter_length_mm=40.0,
    scatter_fraction=0.4,
    background=0.2,
    posterior_gain=1.0,
)


@pytest.fixture(scope="module")
def body():
    return block_body()


def test_scatter_has_its_share_and_stays_in_the_body(body):
    primary = np.zeros((200, 96), np.float32)
    primary[100, 40] = 1000
    thickness = thickness_mm(body)
    scattered = scatter(primary, thickness, CAMERA.pixel_mm, SCAN)
    assert scattered.sum() == pytest.approx(400, rel=1e-3)
    assert scattered[:, 50].sum() > 0
    assert scattered[:, 90:].sum() < 1e-3 * scattered.sum()


def test_scatter_falls_off_with_distance(body):
    primary = np.zeros((200, 96), np.float32)
    primary[100, 48] = 1000
    row = scatter(primary, thickness_mm(body), CAMERA.pixel_mm, SCAN)[100]
    assert row[48] > row[56] > row[64] > row[72] > 0


@pytest.mark.parametrize("length_mm", [30.0, 60.0])
def test_scatter_falls_off_exponentially_with_its_length(length_mm):
    primary = np.zeros((400, 400), np.float32)
    primary[200, 200] = 1000
    slab = np.full(primary.shape, 200, np.float32)
    scan = replace(SCAN, scatter_length_mm=length_mm)
    row = scatter(primary, slab, CAMERA.pixel_mm, scan)[200]
    expected = math.exp(-30 * CAMERA.pixel_mm / length_mm)
    assert row[250] / row[220] == pytest.approx(expected, rel=0.05)


def test_expected_counts_have_the_total_and_the_strip(body):
    photons = {View.ANTERIOR: thickness_mm(body), View.POSTERIOR: 0.9 * thickness_mm(body)}
    strip = strip_mask((200, 96), CAMERA, GEOMETRY)
    expected, scale = expected_counts(photons, thickness_mm(body), strip, CAMERA.pixel_mm, SCAN)
    front = expected[View.ANTERIOR]
    assert front.sum() == pytest.approx(SCAN.total_counts, rel=1e-4)
    assert not front[~strip].any()
    assert front[12, 6] == pytest.approx(SCAN.background, rel=0.05)
    assert scale[View.ANTERIOR] == pytest.approx(scale[View.POSTERIOR])
    assert strip[10, 4]
    assert not strip[9, 4]
    assert not strip[10, 91]


def test_counts_are_poisson_and_whole():
    counts = draw_counts(np.full((300, 200), 7.0, np.float32), np.random.default_rng(0))
    assert counts.dtype == np.uint16
    assert counts.mean() == pytest.approx(7.0, rel=0.01)
    assert counts.var() == pytest.approx(7.0, rel=0.03)
    assert not draw_counts(np.zeros((4, 4), np.float32), np.random.default_rng(0)).any()


def test_scans_keep_to_their_ranges():
    rng = np.random.default_rng(5)
    totals = np.array([draw_scan((3e5, 4e6), rng).total_counts for _ in range(200)])
    assert totals.min() >= 3e5
    assert totals.max() <= 4e6
    assert np.median(totals) == pytest.approx(math.sqrt(3e5 * 4e6), rel=0.25)
