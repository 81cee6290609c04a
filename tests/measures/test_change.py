"""Change between two scans of a body that is known."""

import dataclasses
from datetime import date

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from bonescan.labels import Label, region_bit
from bonescan.measures.change import LesionState, compare_scans
from bonescan.measures.progression import Reason, RuleState
from tests.measures.bodies import scan_body
from tests.measures.scans import take_view

FIRST, SECOND = date(2024, 1, 10), date(2024, 4, 9)
LEFT, RIGHT, LOW, HIGH = (400.0, 330.0), (450.0, 180.0), (1100.0, 250.0), (250.0, 260.0)


def states(change):
    return [lesion.state for lesion in change.lesions]


def test_the_same_scan_has_not_changed():
    scan = scan_body({LEFT: 80, RIGHT: 50})
    change = compare_scans(scan, [scan])
    assert states(change) == [LesionState.UNCHANGED] * 2
    assert [lesion.area_ratio for lesion in change.lesions] == [1, 1]
    assert [lesion.uptake_ratio for lesion in change.lesions] == [1, 1]
    assert (change.bstbi_points, change.planar_bsi_points) == (0, None)


def test_new_and_gone_on_another_camera():
    before = scan_body({LEFT: 80, LOW: 80}, acquired=FIRST)
    now = scan_body(
        {LEFT: 80, HIGH: 80}, spacing_mm=(5.0, 3.0), shift_mm=(60, -20), acquired=SECOND
    )
    change = compare_scans(now, [before])
    assert states(change) == [LesionState.NEW, LesionState.UNCHANGED, LesionState.GONE]
    new, kept, gone = change.lesions
    assert (new.earlier, gone.now, len(kept.earlier), len(kept.now)) == ((), (), 2, 2)
    assert change.days == 90
    assert change.count(LesionState.NEW) == 1
    back = compare_scans(dataclasses.replace(before, acquired=None), [now])
    assert states(back) == [LesionState.GONE, LesionState.UNCHANGED, LesionState.NEW]


def test_sides_are_not_mistaken():
    mirrored_place = 400.0, 190.0
    change = compare_scans(scan_body({LEFT: 80}), [scan_body({mirrored_place: 80})])
    assert sorted(states(change)) == [LesionState.GONE, LesionState.NEW]


@pytest.mark.parametrize(
    ("old", "new", "state"),
    [(15, 20, LesionState.GROWN), (20, 15, LesionState.SHRUNK), (15, 16, LesionState.UNCHANGED)],
)
def test_area(old, new, state):
    before, now = (scan_body({LEFT: 80}, radius_mm=radius) for radius in (old, new))
    change = compare_scans(now, [before])
    assert states(change) == [state]
    assert change.lesions[0].area_ratio == pytest.approx((new / old) ** 2, rel=0.15)


@pytest.mark.parametrize(
    ("old", "new", "state"),
    [(30, 200, LesionState.GROWN), (200, 30, LesionState.SHRUNK), (80, 85, LesionState.UNCHANGED)],
)
def test_uptake(old, new, state):
    change = compare_scans(scan_body({LEFT: new}), [scan_body({LEFT: old})])
    assert states(change) == [state]
    assert (change.lesions[0].uptake_ratio > 1) == (new > old)


def test_what_the_other_scan_did_not_assess_is_not_compared():
    field_mask = np.zeros(scan_body({}).counts.shape, bool)
    field_mask[:, :200] = True  # rows up to 800 mm
    before = scan_body({LEFT: 80}, field="thorax", field_mask=field_mask)
    change = compare_scans(scan_body({LEFT: 80, LOW: 80}), [before])
    assert states(change) == [LesionState.UNCHANGED, LesionState.NOT_COMPARED]
    assert change.bstbi_points is None
    gone = compare_scans(before, [scan_body({LEFT: 80, LOW: 80})])
    assert states(gone) == [LesionState.UNCHANGED, LesionState.NOT_COMPARED]


def test_a_view_that_the_earlier_scan_lacks_is_not_compared():
    both = scan_body({LEFT: 80, LOW: 80})
    label_map = both.label_map.copy()
    label_map[0, 200:] = Label.BACKGROUND  # the lower lesion shows from behind alone
    now = dataclasses.replace(both, label_map=label_map)
    before = take_view(scan_body({LEFT: 80}), View.ANTERIOR)
    assert states(compare_scans(now, [before])) == [
        LesionState.UNCHANGED, LesionState.NOT_COMPARED,
    ]  # fmt: skip


def test_burden():
    change = compare_scans(scan_body({LEFT: 80, LOW: 80}), [scan_body({LEFT: 80})])
    assert change.bstbi_points > 0


def test_small_changes_of_the_index_are_within_repeatability():
    regions = np.full(scan_body({}).counts.shape, region_bit("skull"))
    before, now = (scan_body({LEFT: 80}, regions=regions, radius_mm=r) for r in (15, 17))
    change = compare_scans(now, [before])
    assert 0 < change.planar_bsi_points < 0.3
    assert change.within_repeatability is True
    more = scan_body({LEFT: 80, LOW: 80, RIGHT: 80}, regions=regions, radius_mm=50)
    assert compare_scans(more, [before]).within_repeatability is False


def test_three_scans_meet_the_rule():
    scans = [
        scan_body({LEFT: 80}, acquired=date(2024, 1, 10)),
        scan_body({LEFT: 80, LOW: 80, HIGH: 80}, acquired=date(2024, 3, 10)),
        scan_body(
            {LEFT: 80, LOW: 80, HIGH: 80, RIGHT: 80, (900.0, 300.0): 80},
            acquired=date(2024, 5, 10),
        ),
    ]
    change = compare_scans(scans[2], scans[:2], therapy_start=date(2024, 1, 20))
    assert (change.pcwg3.state, change.pcwg3.reason) == (RuleState.MET, Reason.CONFIRMED)
    assert change.pcwg3.new_lesions == (0, 2, 2)
    assert change.pcwg3.days == (0, 60, 121)
    assert change.flare_possible is True
    assert change.days == 61


def test_no_lesion_in_either():
    change = compare_scans(scan_body({}), [scan_body({})])
    assert change.lesions == ()
    assert change.bstbi_points == 0
    assert change.pcwg3.reason is Reason.UNKNOWN_DATES
    assert change.flare_possible is None


def test_another_patient():
    before, now = (scan_body({}, patient_key=key) for key in ("8f3a", "77b0"))
    with pytest.raises(ScanError, match="same patient, got one of another") as caught:
        compare_scans(now, [before])
    assert "8f3a" not in str(caught.value)
    assert "8f3a" not in repr(before)
    assert compare_scans(now, [now]).same_patient is True
    assert compare_scans(now, [scan_body({})]).same_patient is None


def test_dates_in_the_wrong_order():
    before, now = scan_body({}, acquired=SECOND), scan_body({}, acquired=FIRST)
    with pytest.raises(ScanError, match="got one that was made 90 days after the next"):
        compare_scans(now, [before])


def test_what_does_not_fit_is_not_compared():
    scan = scan_body({})
    turned = scan_body({}, counts=scan.counts[:, ::-1].copy())
    with pytest.raises(ScanError, match="must fit on the present one, got a correlation of"):
        compare_scans(scan, [turned])


def test_no_earlier_scan():
    with pytest.raises(ValueError, match="at least one scan, got none"):
        compare_scans(scan_body({}), [])
