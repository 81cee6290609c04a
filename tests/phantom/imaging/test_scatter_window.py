from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.cameras import GE_CAMERAS, PHOTOPEAK_WINDOW_KEV, SIEMENS_CAMERAS
from bonescan.phantom.imaging.camera import ScanSettings, scatter
from bonescan.phantom.imaging.scatter_window import expect_scatter_window

SCAN = ScanSettings(
    total_counts=1e6,
    scatter_length_mm=40.0,
    scatter_fraction=0.4,
    background=0.0,
    posterior_gain=1.0,
)
THICKNESS = np.full((400, 240), 200, np.float32)


def point():
    primary = np.zeros(THICKNESS.shape, np.float32)
    primary[200, 120] = 1e4
    return primary


@pytest.mark.parametrize("camera", [GE_CAMERAS[0], SIEMENS_CAMERAS[1]], ids=lambda item: item.model)
def test_counts_are_those_that_triple_energy_windows_would_subtract(camera):
    expected = np.full(THICKNESS.shape, 14.0, np.float32)
    counts = expect_scatter_window(expected, THICKNESS, camera, SCAN)
    low, high = camera.scatter_window_kev
    peak = PHOTOPEAK_WINDOW_KEV[1] - PHOTOPEAK_WINDOW_KEV[0]
    in_peak = counts.sum() / (high - low) * peak / 2
    spilled = 0.01 * float(expected.sum()) / 1.4
    assert in_peak == pytest.approx(0.4 * expected.sum() / 1.4, abs=2 * spilled)
    assert counts.min() >= 0


def test_photons_of_the_window_spread_wider_than_those_of_the_photopeak():
    camera = GE_CAMERAS[1]
    peak = scatter(point(), THICKNESS, camera.pixel_mm, SCAN)
    window = expect_scatter_window(1.4 * point(), THICKNESS, camera, SCAN)
    # From 30 to 60 pixels, away from the photopeak's own photons.
    assert window[200, 180] / window[200, 150] > 1.2 * peak[200, 180] / peak[200, 150]


def test_counts_beside_the_body_are_as_many_per_kev():
    nothing = np.zeros(THICKNESS.shape, np.float32)
    nothing[200, 120] = 1  # without any photon there is no scatter to scale
    scan = replace(SCAN, background=0.28)
    window = expect_scatter_window(nothing, THICKNESS, GE_CAMERAS[0], scan)
    assert window[5, 5] == pytest.approx(0.28 * 12 / 28.1, rel=1e-3)


def test_hardly_a_photon_of_the_photopeak_falls_into_the_window_of_ge():
    window = expect_scatter_window(1.4 * point(), THICKNESS, GE_CAMERAS[0], SCAN)
    spilled = window[200, 120] - window[200, 123]
    assert 0.003e4 < spilled < 0.02e4
