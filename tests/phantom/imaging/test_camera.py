import math
from dataclasses import replace

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.phantom.imaging.camera import (
    SOFT_MU_PER_MM,
    TABLE_TRANSMISSION,
    AcquisitionSettings,
    attenuation_map,
    draw_counts,
    draw_settings,
    expected_counts,
    place_detectors,
    project,
    scatter,
    sigma_px,
    strip_mask,
    thickness_mm,
)
from bonescan.phantom.presets import CAMERAS
from tests.phantom.bodies import SPACING_MM, block_body

CAMERA = replace(CAMERAS[0], pixel_mm=SPACING_MM[2], first_column=4, last_column=90)
SETTINGS = AcquisitionSettings(
    total_counts=2e5,
    scatter_length_mm=40.0,
    scatter_fraction=0.4,
    background=0.2,
    front_gap_mm=30.0,
    follows_contour=False,
    posterior_gain=1.0,
    first_row=10,
    last_row=190,
)


@pytest.fixture(scope="module")
def body():
    return block_body()


@pytest.fixture(scope="module")
def detectors(body):
    return place_detectors(body, attenuation_map(body), CAMERA, SETTINGS)


def spot(depth):
    activity = np.zeros((1, 1, 1), np.float32) + 1
    return activity, (100, depth, 40)


def test_primary_counts_follow_the_depth_of_soft_tissue(detectors):
    activity, start = spot(20)
    seen = project(detectors[View.ANTERIOR], activity, start).values.sum()
    tissue_mm = (20 - 2 + 0.5) * SPACING_MM[1]
    expected = math.exp(-SOFT_MU_PER_MM * tissue_mm)
    assert seen == pytest.approx(expected, rel=0.01)


def test_conjugate_views_share_the_attenuation_of_the_whole_ray(body, detectors):
    activity, start = spot(12)
    front, back = (project(detectors[view], activity, start).values.sum() for view in View)
    whole = math.exp(-SOFT_MU_PER_MM * 36 * SPACING_MM[1]) * TABLE_TRANSMISSION
    assert front * back == pytest.approx(whole, rel=0.02)
    assert front > back


def test_what_lies_deeper_is_blurred_more(detectors):
    peaks = []
    for depth in (4, 20, 34):
        values = project(detectors[View.ANTERIOR], *spot(depth)).values
        peaks.append(values.max() / values.sum())
    assert peaks[0] > peaks[1] > peaks[2]


def test_blur_has_the_tabulated_resolution():
    at_10_cm = sigma_px(CAMERAS[1], np.array([100.0]))[0]
    assert at_10_cm * 2.3548 * CAMERAS[1].pixel_mm == pytest.approx(7.1)


def test_resolution_goes_on_growing_beyond_the_table():
    assert sigma_px(CAMERAS[1], np.array([300.0])) > sigma_px(CAMERAS[1], np.array([250.0]))


def test_projection_is_linear(detectors):
    rng = np.random.default_rng(1)
    first, second = rng.random((2, 6, 4, 5), dtype=np.float32)
    detector, start = detectors[View.POSTERIOR], (60, 10, 30)
    both = project(detector, first + 2 * second, start).values
    apart = project(detector, first, start).values + 2 * project(detector, second, start).values
    np.testing.assert_allclose(both, apart, rtol=1e-4)


def test_a_block_projects_like_the_whole_grid(body, detectors):
    activity = np.random.default_rng(2).random((6, 4, 5), dtype=np.float32)
    whole = np.zeros(body.shape, np.float32)
    whole[60:66, 10:14, 30:35] = activity
    patch = project(detectors[View.ANTERIOR], activity, (60, 10, 30))
    image = project(detectors[View.ANTERIOR], whole).values
    rows, columns = patch.values.shape
    part = image[patch.row : patch.row + rows, patch.column : patch.column + columns]
    np.testing.assert_allclose(patch.values, part, atol=1e-5)
    assert image.sum() == pytest.approx(part.sum(), rel=1e-4)


def test_a_detector_that_follows_the_contour_sees_thin_parts_sharper():
    body = block_body()
    body.outline[:, 2:20, :][100:] = 0  # the lower half is only as thick as the back
    mu = attenuation_map(body)
    activity, start = np.ones((1, 1, 1), np.float32), (175, 21, 40)
    peaks = {}
    for follows in (False, True):
        settings = replace(SETTINGS, follows_contour=follows)
        detector = place_detectors(body, mu, CAMERA, settings)[View.ANTERIOR]
        values = project(detector, activity, start).values
        peaks[follows] = values.max() / values.sum()
    assert peaks[True] > 1.1 * peaks[False]


def test_scatter_has_its_share_and_stays_in_the_body(body):
    primary = np.zeros((200, 96), np.float32)
    primary[100, 40] = 1000
    thickness = thickness_mm(body)
    scattered = scatter(primary, thickness, CAMERA.pixel_mm, SETTINGS)
    assert scattered.sum() == pytest.approx(400, rel=1e-3)
    assert scattered[:, 50].sum() > 0
    assert scattered[:, 90:].sum() < 1e-3 * scattered.sum()


def test_scatter_falls_off_with_distance(body):
    primary = np.zeros((200, 96), np.float32)
    primary[100, 48] = 1000
    row = scatter(primary, thickness_mm(body), CAMERA.pixel_mm, SETTINGS)[100]
    assert row[48] > row[56] > row[64] > row[72] > 0


@pytest.mark.parametrize("length_mm", [30.0, 60.0])
def test_scatter_falls_off_exponentially_with_its_length(length_mm):
    primary = np.zeros((400, 400), np.float32)
    primary[200, 200] = 1000
    slab = np.full(primary.shape, 200, np.float32)
    settings = replace(SETTINGS, scatter_length_mm=length_mm)
    row = scatter(primary, slab, CAMERA.pixel_mm, settings)[200]
    expected = math.exp(-30 * CAMERA.pixel_mm / length_mm)
    assert row[250] / row[220] == pytest.approx(expected, rel=0.05)


def test_expected_counts_have_the_total_and_the_strip(body, detectors):
    activity = body.outline.copy()
    photons = {view: project(detector, activity).values for view, detector in detectors.items()}
    expected, scale = expected_counts(photons, thickness_mm(body), CAMERA, SETTINGS)
    front = expected[View.ANTERIOR]
    assert front.sum() == pytest.approx(SETTINGS.total_counts, rel=1e-4)
    strip = strip_mask(front.shape, CAMERA, SETTINGS)
    assert not front[~strip].any()
    assert front[12, 6] == pytest.approx(SETTINGS.background, rel=0.05)
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


def test_settings_keep_to_their_ranges(body):
    rng = np.random.default_rng(5)
    drawn = [draw_settings(body, (3e5, 4e6), rng) for _ in range(200)]
    totals = np.array([settings.total_counts for settings in drawn])
    assert totals.min() >= 3e5
    assert totals.max() <= 4e6
    assert np.median(totals) == pytest.approx(math.sqrt(3e5 * 4e6), rel=0.25)
    assert all(0 <= item.first_row < 20 and 180 <= item.last_row < 200 for item in drawn)
    assert {item.follows_contour for item in drawn} == {True, False}
