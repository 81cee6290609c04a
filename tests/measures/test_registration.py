"""Two scans of one body laid on each other."""

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from bonescan.measures.registration import register_scans
from tests.measures.bodies import scan_body
from tests.measures.scans import take_view

PLACES = [(300.0, 220.0), (700.0, 310.0), (1000.0, 280.0)]


def test_a_scan_lies_on_itself():
    scan = scan_body({})
    registration = register_scans(scan, scan)
    assert registration.correlation == pytest.approx(1)
    for place in PLACES:
        assert registration.find(place) == pytest.approx(place, abs=0.5)


def test_another_place_on_the_bed_another_camera_and_other_lesions():
    before = scan_body({(500, 250): 300})
    now = scan_body({(900, 300): 300}, spacing_mm=(5.0, 3.0), shift_mm=(70, -30))
    registration = register_scans(now, before)
    for row, column in PLACES:
        here = row + 70, column - 30
        assert np.hypot(*np.subtract(registration.find(here), (row, column))) < 6
        assert np.hypot(*np.subtract(registration.find_back((row, column)), here)) < 6


def test_part_of_the_body():
    before = scan_body({}, rows_mm=(0, 900))
    now = scan_body({}, shift_mm=(40, 20))
    registration = register_scans(now, before)
    for row, column in PLACES[:2]:
        found = registration.find((row + 40, column + 20))
        assert np.hypot(*np.subtract(found, (row, column))) < 8


def test_one_view_is_enough_if_both_scans_have_it():
    before = take_view(scan_body({}), View.POSTERIOR)
    registration = register_scans(scan_body({}, shift_mm=(0, 25)), before)
    assert registration.find((700, 310)) == pytest.approx((700, 285), abs=6)


def test_no_common_view():
    before, now = (take_view(scan_body({}), view) for view in View)
    with pytest.raises(ScanError, match="got anterior alone instead of posterior; leave it out"):
        register_scans(now, before)


def test_nothing_to_lay_on():
    scan = scan_body({})
    blank = scan_body({}, counts=np.zeros_like(scan.counts))
    with pytest.raises(ScanError, match=r"must show a body .* got no counts"):
        register_scans(scan, blank)
