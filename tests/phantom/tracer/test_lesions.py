from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from bonescan.metrics.statistics import chi_square, share
from bonescan.phantom.anatomy.build import build_body
from bonescan.phantom.anatomy.person import draw_person
from bonescan.phantom.body_source import draw_primary
from bonescan.phantom.groups import narrow
from bonescan.phantom.presets import (
    LIU_GROUPS,
    PRESETS,
    PRIMARIES,
    TERRITORIES,
    region_weights,
    site_of,
    territory_odds,
)
from bonescan.phantom.tracer.lesion_kinds import DIFFUSE
from bonescan.phantom.tracer.lesions import (
    DIAMETER_MM,
    DIAMETER_RANGE_MM,
    MOST_CONTRAST,
    PEAK_OVER_RING,
    draw_lesions,
)
from bonescan.phantom.tracer.uptake import Uptake, draw_uptake
from tests.phantom.bodies import block_body

DEFAULT = PRESETS["default"]
WITH = replace(DEFAULT, free_share=0.0, superscans=False)


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


def test_numbers_spread_from_one_lesion_to_many(patients):
    numbers = np.array([len(lesions) for lesions in patients])
    assert np.mean(numbers == 0) < 0.05  # this body has no pelvis and no scapula
    groups = [np.mean(numbers <= 3), np.mean((numbers > 3) & (numbers <= 6)), np.mean(numbers > 6)]
    assert min(groups) > 0.12


def test_lesions_are_numbered_from_one(patients):
    for lesions in patients:
        assert [lesion.number for lesion in lesions] == list(range(1, len(lesions) + 1))


def test_free_share_has_none(body, uptake):
    rng = np.random.default_rng(0)
    drawn = [draw_lesions(body, uptake, DEFAULT, PRIMARIES[1], rng) for _ in range(300)]
    assert np.mean([not lesions for lesions in drawn]) == pytest.approx(0.2, abs=0.07)


def test_focal_lesions_keep_to_their_size_and_stand_out_as_drawn(patients):
    focal = [x for lesions in patients for x in lesions if x.kind.name == "focal"]
    peaks = np.array([lesion.peak_over_ring for lesion in focal])
    diameters = np.array([lesion.diameter_mm for lesion in focal])
    assert np.median(peaks) == pytest.approx(PEAK_OVER_RING, rel=0.15)
    assert diameters.min() >= 0.99 * DIAMETER_RANGE_MM[0]
    assert diameters.max() <= 1.01 * DIAMETER_RANGE_MM[1]
    # Prostate cancer spreads far, and lesions grow with the spread.
    assert DIAMETER_MM < np.median(diameters) < 1.6 * DIAMETER_MM


def test_lesions_are_larger_where_there_are_many(body, uptake):
    rng = np.random.default_rng(5)
    medians = []
    for extent in (0.2, 5.0):
        preset = replace(WITH, extent=extent)
        drawn = [draw_lesions(body, uptake, preset, PRIMARIES[1], rng) for _ in range(25)]
        focal = [x.diameter_mm for lesions in drawn for x in lesions if x.kind.name == "focal"]
        medians.append(float(np.median(focal)))
    assert medians[1] > 1.6 * medians[0]


def test_lesions_stay_in_their_bone_unless_expansile(body, patients):
    for lesion in (x for lesions in patients for x in lesions if not x.kind.outside_share):
        outside = np.zeros(body.shape, np.float32)
        outside[lesion.added.slices] = lesion.added.fraction
        outside[body.bones[lesion.bone].block.slices] = 0
        assert not outside.any()


def test_activity_inside_is_contrast_times_that_of_the_bone(patients):
    large = [
        x for lesions in patients for x in lesions if x.kind.name == "focal" and x.diameter_mm > 25
    ]
    for lesion in large[:20]:
        hotter = lesion.scaled(3.0)
        assert hotter.contrast - 1 == pytest.approx(3 * (lesion.contrast - 1))
        assert hotter.added.fraction.max() == pytest.approx(10 * (hotter.contrast - 1), rel=0.05)


def test_no_lesion_is_hotter_than_any(patients):
    lesion = patients[0][0]
    assert lesion.scaled(1e6).contrast == pytest.approx(MOST_CONTRAST)


def test_lesions_are_irregular(patients):
    """A smooth ellipsoid inside its bone would mirror onto itself."""
    uneven = []
    for lesion in (x for lesions in patients for x in lesions if x.kind.name == "focal"):
        mask = lesion.added.fraction > 0.5 * lesion.added.fraction.max()
        uneven.append(np.mean(mask != mask[::-1]) / max(mask.mean(), 1e-9))
    assert np.median(uneven) > 0.1


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


def test_superscan_takes_most_of_the_axial_skeleton(body, uptake):
    preset = replace(DEFAULT, free_share=0.0)
    everywhere = replace(PRIMARIES[0], superscan_share=1.0)
    rng = np.random.default_rng(1)
    drawn = [draw_lesions(body, uptake, preset, everywhere, rng) for _ in range(20)]
    assert all(x.kind is DIFFUSE and x.contrast > 1 for lesions in drawn for x in lesions)
    shares = [len(lesions) / len(body.bones) for lesions in drawn]
    assert 0.75 < np.mean(shares) < 0.95
    assert not draw_lesions(body, uptake, replace(preset, superscans=False), everywhere, rng)[
        0
    ].kind.steals_tracer


def test_sites_of_the_preset_are_kept(body, uptake):
    preset = replace(PRESETS["lin2020"])
    rng = np.random.default_rng(1)
    regions = {
        lesion.region
        for _ in range(40)
        for lesion in draw_lesions(body, uptake, preset, PRIMARIES[2], rng)
    }
    assert regions <= {"sternum", "ribs_left", "ribs_right", *(f"t{i}" for i in range(1, 13))}


def test_weights_of_a_territory_s_regions_sum_to_one_and_favour_no_side():
    for primary in PRIMARIES:
        for territory in TERRITORIES.values():
            weights = region_weights(territory, primary, DEFAULT.sites)
            assert sum(weights.values()) == pytest.approx(1)
        ribs = region_weights(TERRITORIES["ribs"], primary, DEFAULT.sites)
        assert ribs["ribs_left"] == ribs["ribs_right"]


def test_territories_are_reached_as_often_as_published():
    """Over the primaries of the default preset: Liu et al. 2021, Table 3."""
    shares = {name: territory.share for name, territory in TERRITORIES.items()}
    odds = {
        name: np.average(
            [
                territory_odds(territory, primary, DEFAULT.sites, primary.extent)
                for primary in PRIMARIES
            ],
            weights=[primary.share for primary in PRIMARIES],
        )
        for name, territory in TERRITORIES.items()
    }
    for name, expected in shares.items():
        assert odds[name] / (1 + odds[name]) == pytest.approx(expected, abs=0.08), name


def test_prostate_goes_to_spine_and_pelvis_and_lung_to_ribs():
    prostate, _, lung, _ = PRIMARIES

    def odds(name, primary):
        return territory_odds(TERRITORIES[name], primary, DEFAULT.sites)

    assert odds("pelvis", prostate) > odds("pelvis", lung)
    assert odds("ribs", lung) > odds("ribs", prostate)
    assert territory_odds(TERRITORIES["pelvis"], lung, ("ribs",)) == 0


@pytest.mark.slow
def test_a_cohort_of_liu2021_has_metastases_where_the_paper_s_patients_have():
    """Liu et al. 2021, Table 3: sites of 280 patients. Which of them a view shows is left open."""
    published = {"spine": 220, "pelvis": 196, "ribs": 184, "femur": 98, "scapula": 57, "other": 78}
    body = build_body(draw_person(np.random.default_rng(3), "F"), pixel_mm=2.4)
    uptake = draw_uptake(body, np.random.default_rng(3))
    preset = narrow(PRESETS["liu2021"], LIU_GROUPS[0])
    found: Counter[str] = Counter()
    for number in range(280):
        rng = np.random.default_rng([4, number])
        lesions = draw_lesions(body, uptake, preset, draw_primary(preset, rng), rng)
        found.update({site_of(lesion.region) for lesion in lesions})
    p = {name: chi_square(share(found[name], 280), share(published[name], 280)) for name in found}
    assert set(found) == set(published)
    assert min(p.values()) > 0.05, (found, p)
    assert sum(found.values()) / 280 == pytest.approx(833 / 280, abs=0.2)
