import math
from dataclasses import replace

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.phantom.anatomy.voxels import Implant, VoxelBlock, VoxelEllipsoid
from bonescan.phantom.cameras import CAMERAS
from bonescan.phantom.imaging.detectors import (
    SOFT_MU_PER_MM,
    TABLE_TRANSMISSION,
    Geometry,
    draw_geometry,
    place_detectors,
    sigma_px,
)
from bonescan.phantom.imaging.projection import occupied, project
from tests.phantom.bodies import SPACING_MM, block_body, filled

CAMERA = replace(CAMERAS[0], pixel_mm=SPACING_MM[2], first_column=4, last_column=90)
GEOMETRY = Geometry(front_gap_mm=30.0, follows_contour=False, first_row=10, last_row=190)


@pytest.fixture(scope="module")
def body():
    return block_body()


@pytest.fixture(scope="module")
def detectors(body):
    return place_detectors(body, CAMERA, GEOMETRY)


def seen(detector, depth, row=100, column=40):
    voxel = VoxelBlock((row, depth, column), filled((1, 1, 1)))
    return project(detector, occupied(voxel), (200, 40, 96))[0].values


def test_primary_counts_follow_the_depth_of_soft_tissue(detectors):
    arrived = seen(detectors[View.ANTERIOR], 20).sum()
    tissue_mm = (20 - 2 + 0.5) * SPACING_MM[1]
    expected = math.exp(-SOFT_MU_PER_MM * tissue_mm)
    assert arrived == pytest.approx(expected, rel=0.01)


def test_conjugate_views_share_the_attenuation_of_the_whole_ray(body, detectors):
    front, back = (seen(detectors[view], 12).sum() for view in View)
    whole = math.exp(-SOFT_MU_PER_MM * 36 * SPACING_MM[1]) * TABLE_TRANSMISSION
    assert front * back == pytest.approx(whole, rel=0.02)
    assert front > back


def test_what_lies_deeper_is_blurred_more(detectors):
    peaks = []
    for depth in (4, 20, 34):
        values = seen(detectors[View.ANTERIOR], depth)
        peaks.append(values.max() / values.sum())
    assert peaks[0] > peaks[1] > peaks[2]


def test_a_detector_that_follows_the_contour_sees_thin_parts_sharper():
    body = block_body()
    body.outline.values[50:, 2:20] = 0  # the lower half is only as thick as the back
    peaks = {}
    for follows in (False, True):
        geometry = replace(GEOMETRY, follows_contour=follows)
        values = seen(place_detectors(body, CAMERA, geometry)[View.ANTERIOR], 21, row=175)
        peaks[follows] = values.max() / values.sum()
    assert peaks[True] > 1.1 * peaks[False]


def test_blur_has_the_tabulated_resolution():
    at_10_cm = sigma_px(CAMERAS[1], np.array([100.0]))[0]
    assert at_10_cm * 2.3548 * CAMERAS[1].pixel_mm == pytest.approx(7.1)


def test_resolution_goes_on_growing_beyond_the_table():
    assert sigma_px(CAMERAS[1], np.array([300.0])) > sigma_px(CAMERAS[1], np.array([250.0]))


def test_metal_stops_photons_on_their_way_to_the_front_only(body):
    piece = VoxelEllipsoid((100.0, 6.0, 40.0), (20.0, 8.0, 20.0))
    with_metal = replace(body, implants=(Implant("buckle", "", (piece,)),))
    shaded = place_detectors(with_metal, CAMERA, GEOMETRY)
    plain = place_detectors(body, CAMERA, GEOMETRY)
    front, back = (seen(shaded[view], 20).sum() / seen(plain[view], 20).sum() for view in View)
    assert front < 0.3
    assert back == pytest.approx(1, abs=1e-5)


def test_geometry_keeps_to_its_ranges(body):
    rng = np.random.default_rng(5)
    drawn = [draw_geometry(body, rng) for _ in range(200)]
    assert all(0 <= item.first_row < 20 and 180 <= item.last_row < 200 for item in drawn)
    assert {item.follows_contour for item in drawn} == {True, False}
