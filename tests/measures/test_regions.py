"""Naming the bone of a lesion where several lie behind each other."""

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.labels import REGION_GROUPS, REGIONS, SIDES, region_bit, region_group_bits
from bonescan.measures.regions import IN_FRONT, assign_pixels, group_mask, region_of


def bits(*names: str) -> int:
    return sum(map(region_bit, names))


def test_every_region_is_in_one_group():
    members = [region for group in REGION_GROUPS.values() for region in group]
    assert sorted(members) == sorted(REGIONS)
    assert all(group in REGION_GROUPS for groups in IN_FRONT.values() for group in groups)


def test_bits_of_a_group():
    assert region_group_bits("sternum") == bits("manubrium", "sternum")
    assert region_group_bits("ribs_left") == region_bit("ribs_left")
    with pytest.raises(ValueError, match=r"group must be one of skull, .* got 't7'"):
        region_group_bits("t7")


def test_a_group_shows_where_any_of_its_regions_does():
    regions = np.array([[bits("t7"), bits("t8", "ribs_left")], [bits("l1"), 0]])
    np.testing.assert_array_equal(group_mask(regions, "thoracic_spine"), [[1, 1], [0, 0]])


def test_vertebrae_count_together():
    regions = np.array([bits("t7"), bits("t8"), bits("ribs_left"), bits("ribs_left"), bits("t9")])
    assert region_of(regions, View.POSTERIOR) == "thoracic_spine"


def test_no_bone_no_name():
    assert region_of(np.zeros(3, np.int64), View.POSTERIOR) is None
    assert region_of(np.zeros(0, np.int64), View.POSTERIOR) is None


def test_what_lies_in_front_is_named():
    both = np.array([bits("sternum", "t6")] * 3 + [bits("t6")])
    assert region_of(both, View.ANTERIOR) == "sternum"
    assert region_of(both, View.POSTERIOR) == "thoracic_spine"
    scapula = np.array([bits("scapula_right", "ribs_right")] * 2)
    assert region_of(scapula, View.ANTERIOR) == "ribs_right"


def test_a_bone_in_front_that_hardly_shows_is_not_named():
    regions = np.array([bits("t6")] * 5 + [bits("t6", "sternum")] * 2)
    assert region_of(regions, View.ANTERIOR) == "thoracic_spine"


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("view", View)
def test_sides_are_those_of_the_map_in_both_views(view, side):
    assert region_of(np.array([bits(f"femur_{side}")]), view) == f"femur_{side}"


def test_each_pixel_of_a_lesion_goes_to_one_bone():
    names = list(REGION_GROUPS)
    regions = np.array(
        [[bits("sternum", "t6"), bits("sternum", "t6"), bits("t6"), bits("ribs_left", "t7"), 0]]
    )
    numbers = np.array([[1, 0, 1, 1, 1]])
    front = assign_pixels(regions, numbers, View.ANTERIOR)[0]
    assert [names[place] if place >= 0 else None for place in front] == [
        "thoracic_spine", None, "thoracic_spine", "thoracic_spine", None,
    ]  # fmt: skip
    numbers = np.array([[1, 1, 0, 2, 2]])
    front = assign_pixels(regions, numbers, View.ANTERIOR)[0]
    assert [names[place] if place >= 0 else None for place in front] == [
        "sternum", "sternum", None, "ribs_left", None,
    ]  # fmt: skip


def test_a_lesion_over_all_bones_is_shared_among_them():
    regions = np.array([[bits("t6")] * 4 + [bits("pelvis_left")] * 2])
    assigned = assign_pixels(regions, np.ones((1, 6), int), View.POSTERIOR)[0]
    names = [list(REGION_GROUPS)[place] for place in assigned]
    assert names == ["thoracic_spine"] * 4 + ["pelvis_left"] * 2
