from collections import Counter

import numpy as np
import pytest

from bonescan.labels import REGIONS, REPORT_SITES
from bonescan.phantom.groups import find_follow_up, find_group, group_primaries, has_alp, narrow
from bonescan.phantom.presets import (
    CHEN_GROUPS,
    LIU_GROUPS,
    PRESETS,
    SITES,
    TERRITORIES,
    find_preset,
    site_of,
    territory_odds,
)
from bonescan.phantom.tracer.lesions import EXTENT_SIGMA

CHEN = PRESETS["chen2023"]
LIU = PRESETS["liu2021"]


def count_groups(patients):
    """Patients per primary and metastases among the first ones of chen2023."""
    groups = [find_group(CHEN, number) for number in range(1, patients + 1)]
    return Counter((group.primary.name, group.metastases) for group in groups)


def test_unknown_preset_is_refused():
    names = "default, normal, lin2020, lin2022, he2024, chen2023, liu2021, liu2021_alp, liu2021_th"
    with pytest.raises(ValueError, match=f"preset must be one of {names}erapy, got 'mine'"):
        find_preset("mine")


def test_sites_name_known_regions_once():
    names = [region for regions in SITES.values() for region in regions]
    assert len(names) == len(set(names)) == 53


def test_each_region_is_of_one_site_of_a_report():
    assert {site_of(region) for region in REGIONS} == set(REPORT_SITES)
    named = {"t4": "spine", "c1": "spine", "sacrum": "pelvis", "femur_left": "femur"}
    named |= {"skull": "other", "ribs_right": "ribs", "scapula_left": "scapula"}
    assert {region: site_of(region) for region in named} == named


def test_he2024_holds_410_images_of_lung_cancer():
    preset = find_preset("he2024")
    assert 2 * preset.patients - preset.one_view_patients == 410
    assert [primary.name for primary in preset.primaries] == ["lung"]


def test_chen2023_holds_the_published_numbers():
    assert CHEN.patients == 200
    assert count_groups(200) == {
        ("breast", True): 90,
        ("breast", False): 10,
        ("prostate", True): 50,
        ("prostate", False): 50,
    }


@pytest.mark.parametrize("patients", [4, 7, 20, 60, 133, 200])
def test_any_first_patients_hold_the_groups_nearly_in_proportion(patients):
    counts = count_groups(patients)
    for group in CHEN_GROUPS:
        count = counts[group.primary.name, group.metastases]
        assert count >= 1
        assert abs(count - patients * group.patients / CHEN.patients) < 2


def test_groups_repeat_after_the_last_patient_of_the_preset():
    assert [find_group(CHEN, number) for number in range(201, 231)] == [
        find_group(CHEN, number) for number in range(1, 31)
    ]


def test_presets_without_groups_have_none():
    assert find_group(PRESETS["lin2020"], 5) is None


def test_liu2021_holds_the_published_numbers():
    groups = Counter(find_group(LIU, number) for number in range(1, LIU.patients + 1))
    assert LIU.patients == 621
    assert {(each.metastases, each.benign): count for each, count in groups.items()} == {
        (True, None): 280,
        (False, True): 172,
        (False, False): 169,
    }


@pytest.mark.parametrize("patients", [40, 123, 498])
def test_a_smaller_cohort_of_liu2021_keeps_the_shares(patients):
    numbers = range(1, patients + 1)
    groups = Counter(find_group(LIU, number) for number in numbers)
    for group in LIU_GROUPS:
        assert abs(groups[group] - patients * group.patients / 621) < 1.5
    assert abs(sum(has_alp(LIU, number) for number in numbers) - patients * 50 / 621) < 1.5
    second = [find_follow_up(LIU, number) for number in numbers]
    second = [rank for rank in second if rank is not None]
    assert second == list(range(len(second)))  # each is the next one
    assert abs(len(second) - patients * 40 / 621) < 1.5


def test_only_patients_with_metastases_have_a_laboratory_value_or_a_second_scan():
    numbers = range(1, LIU.patients + 1)
    measured = [number for number in numbers if has_alp(LIU, number)]
    again = [number for number in numbers if find_follow_up(LIU, number) is not None]
    assert (len(measured), len(again)) == (50, 40)
    assert all(find_group(LIU, number).metastases for number in (*measured, *again))
    assert not any(has_alp(CHEN, number) for number in range(1, 50))


def test_liu2021_alp_holds_the_patients_with_the_laboratory_value_alone():
    preset = PRESETS["liu2021_alp"]
    numbers = range(1, preset.patients + 1)
    assert preset.patients == 50
    assert all(has_alp(preset, number) for number in numbers)
    assert all(find_group(preset, number).metastases for number in numbers)
    assert {find_follow_up(preset, number) for number in numbers} == {None}
    assert narrow(preset, preset.groups[0]).extent == LIU.extent


def test_liu2021_therapy_holds_the_patients_who_are_scanned_again_alone():
    preset = PRESETS["liu2021_therapy"]
    numbers = range(1, preset.patients + 1)
    assert [find_follow_up(preset, number) for number in numbers] == list(range(40))
    assert not any(has_alp(preset, number) for number in numbers)
    assert all(find_group(preset, number).metastases for number in numbers)


def test_a_group_without_a_primary_has_those_of_the_preset():
    assert group_primaries(LIU, LIU_GROUPS[0]) == LIU.primaries
    (primary,) = group_primaries(CHEN, CHEN_GROUPS[2])
    assert (primary.name, primary.share) == ("prostate", 1)


def test_a_group_narrows_its_preset():
    presets = [narrow(LIU, group) for group in LIU_GROUPS]
    assert [preset.free_share for preset in presets] == [0.0, 1.0, 1.0]
    assert [preset.benign for preset in presets] == [True, True, False]


def test_liu2021_reaches_each_territory_as_often_as_published():
    """Liu et al. 2021, Table 3, of 280; the extent is log-normal."""
    published = {"spine": 220, "pelvis": 196, "ribs": 184, "femur": 98, "scapula": 57, "other": 78}
    extents = np.exp(EXTENT_SIGMA * np.random.default_rng(0).standard_normal(4000))
    for name, patients in published.items():
        share = 0.0
        for primary in LIU.primaries:
            odds = extents * territory_odds(
                TERRITORIES[name], primary, LIU.sites, primary.extent * LIU.extent
            )
            share += primary.share * np.mean(odds / (1 + odds))
        assert 280 * share == pytest.approx(patients, abs=16), name
