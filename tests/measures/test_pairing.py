"""Findings of both views that are one lesion."""

import time

import numpy as np
import pytest

from bonescan.dicom.scan import View
from tests.measures.scans import SHAPE, draw_regions, make_scan, take_view, with_lesions

COLUMNS = SHAPE[2]


def box(view: int, row: int, column: int, rows: int = 2, columns: int = 2):
    """Return a box whose columns are those of the anterior view, also in the posterior one."""
    first = column if view == 0 else COLUMNS - column - columns
    return view, slice(row, row + rows), slice(first, first + columns)


def lesions_of(*boxes, **changes):
    """Return the numbers of the lesions by view, in the order of the findings."""
    findings = with_lesions(*boxes, scan=make_scan(**changes)).findings
    return {view: [finding.lesion for finding in findings if finding.view is view] for view in View}


def test_one_place_in_both_views_is_one_lesion():
    assert lesions_of(box(0, 10, 4), box(1, 10, 4)) == {View.ANTERIOR: [1], View.POSTERIOR: [1]}


def test_opposite_sides_are_two_lesions():
    assert lesions_of(box(0, 10, 3), box(1, 10, 15)) == {View.ANTERIOR: [1], View.POSTERIOR: [2]}


def test_numbered_from_head_to_foot_across_the_views():
    found = lesions_of(box(0, 30, 4), box(1, 5, 12), box(0, 12, 4), box(1, 12, 5))
    assert found == {View.ANTERIOR: [2, 3], View.POSTERIOR: [1, 2]}


def test_no_further_apart_than_a_lesion_can_look():
    # 7 rows of 2 mm are 14 mm, 8 are 16; 5 columns of 3 mm are 15.
    assert lesions_of(box(0, 10, 4), box(1, 17, 4))[View.POSTERIOR] == [1]
    assert lesions_of(box(0, 10, 4), box(1, 18, 4))[View.POSTERIOR] == [2]
    assert lesions_of(box(0, 10, 4), box(1, 10, 9))[View.POSTERIOR] == [1]
    assert lesions_of(box(0, 10, 4), box(1, 11, 9))[View.POSTERIOR] == [2]


def test_a_large_lesion_that_each_view_shows_in_part():
    assert lesions_of(box(0, 5, 4, rows=30), box(1, 27, 4, rows=8))[View.POSTERIOR] == [1]


def test_one_to_one_and_the_nearest():
    found = lesions_of(box(0, 10, 4), box(1, 10, 4), box(1, 14, 4))
    assert found == {View.ANTERIOR: [1], View.POSTERIOR: [1, 2]}
    found = lesions_of(box(0, 10, 4), box(0, 14, 4), box(1, 12, 4), box(1, 16, 4))
    assert found == {View.ANTERIOR: [1, 2], View.POSTERIOR: [1, 2]}, "as many pairs as can be"


def test_the_view_that_shows_a_lesion_better_names_it():
    regions = draw_regions(
        sternum=(0, slice(8, 14), slice(3, 8)), t6=(1, slice(8, 14), slice(12, 17))
    )
    for bright, name in ((0, "sternum"), (1, "thoracic_spine")):
        scan = with_lesions(box(0, 10, 4), box(1, 10, 4), scan=make_scan(regions=regions))
        scan.counts[box(bright, 10, 4)] = 60
        assert [finding.region for finding in scan.findings] == [name, name]


def test_a_finding_on_no_known_bone_takes_the_name_of_its_partner():
    regions = draw_regions(ribs_left=(1, slice(8, 14), slice(12, 17)))
    scan = with_lesions(
        box(0, 10, 4), box(1, 10, 4), box(0, 30, 4), scan=make_scan(regions=regions)
    )
    assert [finding.region for finding in scan.findings] == ["ribs_left", None, "ribs_left"]


@pytest.mark.parametrize("view", View)
def test_one_view_alone(view):
    scan = take_view(with_lesions(box(0, 10, 4), box(1, 10, 4), box(1, 30, 4)), view)
    assert [finding.lesion for finding in scan.findings] == list(range(1, len(scan.findings) + 1))


def test_a_thousand_lesions_are_numbered_in_a_moment():
    shape = (2, 600, 250)
    label_map = np.zeros(shape, np.uint8)
    label_map[0, 5:595:12, 5:245:12] = 1
    label_map[1] = label_map[0, :, ::-1]
    blank = np.zeros(shape, np.float32)
    scan = make_scan(
        counts=blank, prob=blank, label_map=label_map, field_mask=np.ones(shape, bool),
        regions=np.ones(shape, np.int64),
    )  # fmt: skip
    began = time.process_time()
    findings = scan.findings
    assert time.process_time() - began < 5
    assert len(findings) == 2000
    assert len({finding.lesion for finding in findings}) == 1000
