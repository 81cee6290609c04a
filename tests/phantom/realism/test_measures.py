from dataclasses import replace

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.phantom.patient import simulate_patient
from bonescan.phantom.presets import PRESETS
from bonescan.phantom.realism.lesions import measure_lesions
from bonescan.phantom.realism.measures import (
    MEASURED_RATIOS,
    measure_realism,
    profile_correlation,
    radial_spectrum,
    region_masks,
    row_profile,
    thigh_mask,
    variance_over_mean,
)
from bonescan.phantom.realism.regions import Regions
from bonescan.phantom.realism.report import ReportOrigin, realism_report

SICK = replace(PRESETS["default"], free_share=0.0, superscans=False)


def poisson(mean, shape=(192, 128)):
    return np.random.default_rng(0).poisson(mean, shape)


@pytest.fixture(scope="module")
def patient():
    return simulate_patient(
        replace(PRESETS["default"], total_counts=(3.5e6, 3.6e6)), seed=1, number=1
    )


def test_noise_of_a_poisson_image_is_one_even_on_a_slope():
    slope = np.linspace(10, 60, 192)[:, None] * np.ones(128)
    mask = np.ones(slope.shape, bool)
    mask[[0, -1]] = mask[:, [0, -1]] = False
    assert variance_over_mean(poisson(slope), mask) == pytest.approx(1.0, abs=0.03)
    assert variance_over_mean(poisson(slope) * 2, mask) == pytest.approx(2.0, abs=0.06)


def test_spectrum_of_poisson_noise_is_one_and_that_of_blur_falls():
    frequencies, power = radial_spectrum(poisson(30.0))
    np.testing.assert_allclose(power, 1.0, atol=0.2)
    assert frequencies[0] > 0.05
    assert frequencies[-1] < 0.4
    stripes = 30 + 20 * np.sin(2 * np.pi * 0.1 * np.arange(128)) * np.ones((192, 1))
    _, striped = radial_spectrum(stripes)
    assert frequencies[striped.argmax()] == pytest.approx(0.1, abs=0.02)


def test_profile_forgets_size_place_and_counts():
    rows = np.zeros(400)
    rows[100:300] = 50 + 40 * np.sin(np.arange(200) / 20)
    moved = np.zeros(700)
    moved[50:550] = np.interp(np.arange(500) / 2.5, np.arange(200), rows[100:300])
    first, second = (profile[:, None] * np.ones(6) for profile in (rows, 3 * moved))
    assert profile_correlation(first, second) > 0.99
    assert len(row_profile(first)) == 400


def test_regions_of_the_measured_ratios_are_found_in_both_views(patient):
    for view, image in patient.views.items():
        masks = region_masks(Regions(view, image, patient.camera.pixel_mm))
        assert set(masks) == {name for of, name in MEASURED_RATIOS if of is view}
        assert all(mask.sum() > 20 for mask in masks.values())


def test_thigh_has_no_bone(patient):
    regions = Regions(View.ANTERIOR, patient.views[View.ANTERIOR], patient.camera.pixel_mm)
    mask = thigh_mask(regions)
    assert mask.sum() > 100
    assert not (regions.image.regions[mask] != 0).any()


def test_a_scan_beside_itself_is_alike_and_the_report_says_so(patient):
    real = patient.views[View.ANTERIOR].counts
    measured = measure_realism(patient, real)
    assert measured.profile == pytest.approx(1.0)
    assert set(measured.ratios) == set(MEASURED_RATIOS)
    text = realism_report(
        [measured, measured],
        [measure_lesions(simulate_patient(SICK, seed=5, number=1))],
        real,
        ReportOrigin("python scripts/realism.py", "a file", 1.25),
    )
    assert "2 **simulated** patients" in text
    assert "| 1.000 (1.00 to 1.00) | at least 0.9 | yes |" in text
    assert "| 1.25 | at most 2 | yes |" in text
