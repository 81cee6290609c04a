from collections import Counter

import pytest

from bonescan.labels import REGIONS, REPORT_SITES
from bonescan.phantom.presets import (
    CHEN_GROUPS,
    PRESETS,
    SITES,
    find_group,
    find_preset,
    site_of,
)

CHEN = PRESETS["chen2023"]


def count_groups(patients):
    """Patients per primary and metastases among the first ones of chen2023."""
    groups = [find_group(CHEN, number) for number in range(1, patients + 1)]
    return Counter((group.primary.name, group.metastases) for group in groups)


def test_unknown_preset_is_refused():
    names = "default, normal, lin2020, lin2022, he2024, chen2023"
    with pytest.raises(ValueError, match=f"preset must be one of {names}, got 'mine'"):
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
