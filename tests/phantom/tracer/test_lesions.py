from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.presets import PRESETS, PRIMARIES, region_weights
from bonescan.phantom.tracer.lesion_kinds import DIFFUSE
from bonescan.phantom.tracer.lesions import (
    CONTRAST_RANGE,
    DIAMETER_MM,
    DIAMETER_RANGE_MM,
    draw_lesions,
)
from bonescan.phantom.tracer.uptake import Uptake
from tests.phantom.bodies import block_body

DEFAULT = PRESETS["default"]
WITH = replace(DEFAULT, free_share=0.0, superscan_share=0.0)


@pytest.fixture(scope="module")
def body():
    return block_body()


@pytest.fixture(scope="module")
def uptake(body):
    return Uptake(dict.fromkeys(body.bones, 10.0), {})


@pytest.fixture(scope="module")
def patients(body, uptake):
    rng = np.random.default_rng(2)
    return [draw_lesions(body, uptake, WITH, PRIMARIES[0], rng) for _ in range(300)]


def test_number_of_lesions_has_the_mean_of_the_primary(patients):
    numbers = np.array([len(lesions) for lesions in patients])
    assert numbers.min() == 1
    assert numbers.mean() == pytest.approx(PRIMARIES[0].mean_lesions, rel=0.2)
    groups = [np.mean(numbers <= 3), np.mean((numbers > 3) & (numbers <= 6)), np.mean(numbers > 6)]
    assert groups[0] > groups[2] > 0.1


def test_lesions_are_numbered_from_one(patients):
    for lesions in patients:
        assert [lesion.number for lesion in lesions] == list(range(1, len(lesions) + 1))


def test_free_share_has_none(body, uptake):
    rng = np.random.default_rng(0)
    drawn = [draw_lesions(body, uptake, DEFAULT, PRIMARIES[1], rng) for _ in range(300)]
    assert np.mean([not lesions for lesions in drawn]) == pytest.approx(0.2, abs=0.07)


def test_focal_lesions_keep_to_contrast_and_size(patients):
    focal = [x for lesions in patients for x in lesions if x.kind.name == "focal"]
    contrasts = np.array([lesion.contrast for lesion in focal])
    diameters = np.array([lesion.diameter_mm for lesion in focal])
    assert contrasts.min() >= CONTRAST_RANGE[0]
    assert contrasts.max() <= CONTRAST_RANGE[2]
    assert np.median(contrasts) == pytest.approx(CONTRAST_RANGE[1], rel=0.2)
    assert diameters.min() >= 0.99 * DIAMETER_RANGE_MM[0]
    assert diameters.max() <= 1.01 * DIAMETER_RANGE_MM[1]
    assert np.median(diameters) == pytest.approx(DIAMETER_MM, rel=0.2)


def test_lesions_stay_in_their_bone_unless_expansile(body, patients):
    for lesion in (x for lesions in patients for x in lesions if not x.kind.outside_share):
        outside = np.zeros(body.shape, np.float32)
        outside[lesion.added.slices] = lesion.added.fraction
        outside[body.bones[lesion.bone].block.slices] = 0
        assert not outside.any()


def test_activity_inside_is_contrast_times_that_of_the_bone(patients):
    large = [
        x for lesions in patients for x in lesions if x.kind.name == "focal" and x.diameter_mm > 18
    ]
    for lesion in large[:20]:
        assert lesion.added.fraction.max() == pytest.approx(10 * (lesion.contrast - 1), rel=0.02)


def test_a_cold_lesion_has_a_hot_rim(body, uptake):
    lytic = replace(PRIMARIES[0], lytic_share=1.0, site_factors={"femur": 1e6})
    rng = np.random.default_rng(3)
    cold = [
        lesion
        for _ in range(20)
        for lesion in draw_lesions(body, uptake, WITH, lytic, rng)
        if lesion.kind.lytic
    ]
    assert cold
    assert all(lesion.contrast < 1 for lesion in cold)
    assert all(lesion.added.fraction.min() < 0 for lesion in cold)
    assert sum(lesion.added.fraction.max() > 1 for lesion in cold) > 0.8 * len(cold)


def test_superscan_takes_the_whole_axial_skeleton(body, uptake):
    preset = replace(DEFAULT, free_share=0.0, superscan_share=1.0)
    lesions = draw_lesions(body, uptake, preset, PRIMARIES[0], np.random.default_rng(1))
    assert {lesion.bone for lesion in lesions} == set(body.bones)
    assert sum(lesion.bone_share for lesion in lesions) == pytest.approx(1)
    assert all(lesion.kind is DIFFUSE and lesion.contrast > 1 for lesion in lesions)


def test_sites_of_the_preset_are_kept(body, uptake):
    preset = replace(PRESETS["lin2020"])
    rng = np.random.default_rng(1)
    regions = {
        lesion.region
        for _ in range(40)
        for lesion in draw_lesions(body, uptake, preset, PRIMARIES[2], rng)
    }
    assert regions <= {"sternum", "ribs_left", "ribs_right", *(f"t{i}" for i in range(1, 13))}


def test_weights_of_regions_sum_to_one_and_favour_no_side():
    for primary in PRIMARIES:
        weights = region_weights(primary, DEFAULT.sites)
        assert sum(weights.values()) == pytest.approx(1)
        assert weights["ribs_left"] == weights["ribs_right"]


def test_prostate_goes_to_spine_and_pelvis_and_lung_to_ribs():
    prostate, _, lung, _ = (region_weights(primary, DEFAULT.sites) for primary in PRIMARIES)
    assert prostate["sacrum"] > lung["sacrum"]
    assert lung["ribs_left"] > prostate["ribs_left"]
