import pytest

from bonescan.dicom.header import ImageHeader
from bonescan.dicom.orientation import (
    lay_prone,
    require_one_position,
    require_side,
    require_upright,
)
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from tests.factories import BOTH, make_item, make_scan_file

A, P = View.ANTERIOR, View.POSTERIOR


@pytest.mark.parametrize(("coded", "position"), [(True, False), (False, True)])
def test_position_against_modifier_is_refused(coded, position):
    with pytest.raises(ScanError, match=r"PatientPosition says (prone|supine)"):
        require_one_position(ImageHeader(prone=coded, prone_by_position=position))


@pytest.mark.parametrize(
    ("coded", "position", "prone"),
    [(True, None, True), (None, True, True), (False, False, False), (None, None, None)],
)
def test_one_of_them_is_enough(coded, position, prone):
    header = ImageHeader(prone=coded, prone_by_position=position)
    require_one_position(header)
    assert lay_prone(header) is prone


@pytest.mark.parametrize("sides", [(), ("",), ("L", "F"), ("R", "F"), ("LP", "FA")])
def test_upright(sides):
    require_upright(ImageHeader(orientation=sides))


@pytest.mark.parametrize("sides", [("L", "H"), ("R", "H"), ("F", "L"), ("A", "F"), ("L", "")])
def test_turned_or_upside_down(sides):
    with pytest.raises(ScanError, match="PatientOrientation must run to L or R and down to F"):
        require_upright(ImageHeader(orientation=sides))


@pytest.mark.parametrize(("view", "side"), [(A, "L"), (P, "R")])
def test_a_view_has_its_side_at_the_right_edge(view, side):
    require_side(ImageHeader(orientation=(side, "F")), view)
    require_side(ImageHeader(), view)
    with pytest.raises(ScanError, match=f"the view is said to be {view.other}, which"):
        require_side(ImageHeader(orientation=(side, "F")), view.other)


def test_the_reader_checks(tmp_path):
    def turn(image):
        image.PatientOrientation = ["L", "H"]

    def mirror(image):
        image.PatientOrientation = ["R", "F"]

    def lay_both(image):
        orientation = make_item(("F-10450", "99SDM", "recumbent"))
        orientation.PatientOrientationModifierCodeSequence = [make_item(("F-10340", "SRT", ""))]
        image.PatientOrientationCodeSequence = [orientation]
        image.PatientPosition = "HFP"

    path = tmp_path / "scan.dcm"
    for by_hand in (None, A):
        with pytest.raises(ScanError, match="upside down"):
            read_scan(make_scan_file(path, edit=turn), view=by_hand)
    mirrored = make_scan_file(path, {A: BOTH[A]}, edit=mirror)
    with pytest.raises(ScanError, match="it is the other view or mirrored"):
        read_scan(mirrored)
    assert read_scan(mirrored, view=A).views == (A,)
    both = make_scan_file(path, edit=lay_both)
    with pytest.raises(ScanError, match="PatientOrientationCodeSequence says supine"):
        read_scan(both)
    assert read_scan(both, view=A).views == (A, P)
