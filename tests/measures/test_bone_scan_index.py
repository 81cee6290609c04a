"""The planar bone scan index, by hand."""

import dataclasses

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.labels import REGION_GROUPS, Label
from bonescan.measures.bone_scan_index import SPIERS_PERCENT, Merge, measure_bone_scan_index
from tests.measures.scans import SHAPE, draw_regions, make_scan, take_view, with_lesions

SUM = 100.1
"""Of the table, as printed."""


def test_table_is_that_of_spiers():
    assert set(SPIERS_PERCENT) == set(REGION_GROUPS)
    assert sum(SPIERS_PERCENT.values()) == pytest.approx(SUM)
    spine = ("cervical_spine", "thoracic_spine", "lumbar_spine", "sacrum")
    assert sum(SPIERS_PERCENT[name] for name in spine) == pytest.approx(8.3)
    pairs = ("clavicle", "scapula", "ribs", "humerus", "pelvis", "femur")
    sides = (f"{name}_{side}" for name in pairs for side in ("right", "left"))
    twelve = ("skull", "sternum", *spine, *sides)
    assert sum(SPIERS_PERCENT[name] for name in twelve) == pytest.approx(67.3)
    assert SPIERS_PERCENT["femur_left"] == 8.9
    assert SPIERS_PERCENT["forearm_right"] == pytest.approx(2.7)


FEMUR = (slice(20, 30), slice(3, 7))
REGIONS = draw_regions(
    femur_right=(0, *FEMUR),
    femur_left=(1, *FEMUR),
    l3=(1, slice(5, 10), slice(8, 12)),
)
"""40 pixels of each femur, in one view each, and 20 of the spine."""


def shares(index):
    return {bone.region: bone.involved_share for bone in index.bones if bone.involved_share}


def test_by_hand():
    scan = with_lesions((0, slice(20, 22), slice(3, 7)), scan=make_scan(regions=REGIONS))
    index = measure_bone_scan_index(scan)
    assert shares(index) == {"femur_right": pytest.approx(0.2)}
    assert index.involved_percent == pytest.approx(100 * 8.9 * 0.2 / SUM)
    assert index.merge is Merge.MAX
    weights = 8.9 + 8.9 + 8.3 * 0.33
    assert index.assessed_percent == pytest.approx(100 * weights / SUM)


def test_bones_that_no_view_shows_have_no_share():
    index = measure_bone_scan_index(make_scan(regions=REGIONS))
    (skull,) = [bone for bone in index.bones if bone.region == "skull"]
    assert (skull.involved_share, skull.assessed_share) == (None, 0)
    assert index.involved_percent == 0


def test_everything_involved_is_all_of_it():
    regions = np.full(SHAPE, -1, np.int64)
    everything = np.full(SHAPE, Label.METASTASIS, np.uint8)
    scan = make_scan(regions=REGIONS, label_map=everything)
    assert measure_bone_scan_index(scan).involved_percent == pytest.approx(
        measure_bone_scan_index(scan).assessed_percent
    )
    index = measure_bone_scan_index(make_scan(regions=regions))
    assert index.assessed_percent == pytest.approx(100)


def test_without_regions_there_is_no_index():
    assert measure_bone_scan_index(make_scan()) is None


def both_femora(**changes):
    regions = draw_regions(femur_right=(0, *FEMUR)) | draw_regions(
        femur_right=(1, slice(20, 30), slice(12, 17))
    )
    boxes = (0, slice(20, 22), slice(3, 7)), (1, slice(20, 26), slice(12, 17))
    return with_lesions(*boxes, scan=make_scan(regions=regions, **changes))


@pytest.mark.parametrize(
    ("merge", "share"), [(Merge.MAX, 0.6), (Merge.MEAN, 0.4), (Merge.PREFERRED, 0.6)]
)
def test_views_are_merged_and_never_added_up(merge, share):
    index = measure_bone_scan_index(both_femora(), merge=merge)
    assert shares(index) == {"femur_right": pytest.approx(share)}
    assert index.merge is merge


@pytest.mark.parametrize(("region", "share"), [("patella_left", 0.2), ("sacrum", 0.1)])
def test_preferred_view_is_the_one_that_a_bone_lies_nearer_to(region, share):
    regions = draw_regions(**{region: (0, *FEMUR)}) | draw_regions(**{region: (1, *FEMUR)})
    boxes = (0, slice(20, 22), slice(3, 7)), (1, slice(20, 21), slice(3, 7))
    scan = with_lesions(*boxes, scan=make_scan(regions=regions))
    assert shares(measure_bone_scan_index(scan, merge=Merge.PREFERRED)) == {
        region: pytest.approx(share)
    }


def test_one_view_has_its_own_share():
    index = measure_bone_scan_index(take_view(both_femora(), View.ANTERIOR))
    assert shares(index) == {"femur_right": pytest.approx(0.2)}


def test_what_was_not_assessed_lowers_the_coverage_and_not_the_area_of_the_bone():
    field_mask = np.zeros(SHAPE, bool)
    field_mask[:, 20:25] = True
    lesion = (0, slice(20, 22), slice(3, 7))
    scan = with_lesions(lesion, scan=make_scan(regions=REGIONS, field_mask=field_mask))
    index = measure_bone_scan_index(scan)
    assert shares(index) == {"femur_right": pytest.approx(0.2)}
    assert index.assessed_percent == pytest.approx(100 * 8.9 / SUM)


def test_a_lesion_counts_for_one_of_the_bones_behind_each_other():
    overlapping = draw_regions(sternum=(0, *FEMUR)) | draw_regions(t6=(0, *FEMUR))
    scan = with_lesions((0, slice(20, 25), slice(3, 7)), scan=make_scan(regions=overlapping))
    assert shares(measure_bone_scan_index(scan)) == {"sternum": pytest.approx(0.5)}


def test_other_weights():
    scan = with_lesions((0, slice(20, 22), slice(3, 7)), scan=make_scan(regions=REGIONS))
    index = measure_bone_scan_index(scan, weights_percent={"femur_right": 3.0, "femur_left": 1.0})
    assert index.involved_percent == pytest.approx(15)
    with pytest.raises(ValueError, match="group must be one of"):
        measure_bone_scan_index(scan, weights_percent={"thigh": 1.0})


def test_index_of_a_scan_does_not_depend_on_the_other_lesions():
    one = with_lesions((0, slice(20, 22), slice(3, 7)), scan=make_scan(regions=REGIONS))
    two = with_lesions((1, slice(5, 7), slice(8, 12)), scan=make_scan(regions=REGIONS))
    both = dataclasses.replace(
        one, label_map=np.maximum(one.label_map * (one.label_map == 1), two.label_map)
    )
    total = sum(measure_bone_scan_index(scan).involved_percent for scan in (one, two))
    assert measure_bone_scan_index(both).involved_percent == pytest.approx(total)
