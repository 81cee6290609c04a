from dataclasses import replace

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.phantom.patient import simulate_patient
from bonescan.phantom.presets import PRESETS
from bonescan.phantom.realism.facts import CROPS, FOCI, FREQUENCIES, MEASURED_RATIOS
from bonescan.phantom.realism.lesions import describe_foci, measure_lesions
from bonescan.phantom.realism.measures import (
    measure_beside,
    measure_patient,
    profile_correlation,
    radial_spectrum,
    region_masks,
    row_profile,
    thigh_mask,
    variance_over_mean,
)
from bonescan.phantom.realism.regions import Regions
from bonescan.phantom.realism.report import NORMAL_SECTIONS, Sample, gather, realism_report

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
    np.testing.assert_allclose(radial_spectrum(poisson(30.0)), 1.0, atol=0.2)
    stripes = 30 + 20 * np.sin(2 * np.pi * 0.1 * np.arange(128)) * np.ones((192, 1))
    striped = radial_spectrum(stripes)
    assert FREQUENCIES[striped.argmax()] == pytest.approx(0.1, abs=0.02)


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


def test_every_fact_is_measured_and_every_measure_is_a_fact(patient):
    real = patient.views[View.ANTERIOR].counts
    facts = {name for section in NORMAL_SECTIONS.values() for name in section}
    measured = {**measure_patient(patient), **measure_beside(patient, real)}
    shown_only = {"rib contrast, posterior", "mirror correlation, posterior"}
    assert set(measured) - shown_only == facts
    assert measured["correlation of the row profile"] == pytest.approx(1.0)
    assert set(describe_foci([measure_lesions(patient)])) == set(FOCI)


def test_the_page_says_how_many_aims_are_met(patient):
    real = patient.views[View.ANTERIOR].counts
    measured = {**measure_patient(patient), **measure_beside(patient, real)}
    sick = measure_lesions(simulate_patient(SICK, seed=5, number=1))
    normal = gather([measured, {**measured, "body mass index": 40.0}])
    sample = Sample(
        "python x.py",
        "a file",
        normal,
        foci=describe_foci([sick]),
        crops={name: [1.0] for name in CROPS},
        patients=2,
        seconds=1.25,
    )
    page = realism_report(sample, ["## More\n\nat the end"])
    assert "2 **simulated** patients" in page
    assert "1.25 processor seconds" in page
    assert "| correlation of the row profile |  | 0.9 to 1 | 1 | 1 to 1 | yes |" in page
    assert page.endswith("at the end\n")


def test_a_scan_of_one_view_has_the_measures_of_that_view(patient):
    views = {View.POSTERIOR: patient.views[View.POSTERIOR]}
    measured = measure_patient(replace(patient, views=views))
    assert "scapula over ribs, posterior" in measured
    assert not [name for name in measured if "anterior" in name]
    assert "p95 over median" not in measured
