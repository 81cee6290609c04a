import re
from pathlib import Path

import pytest

from bonescan.data.scan_reference import ScanReference, make_reference, parse_reference
from bonescan.dicom.scan import View
from bonescan.errors import ScanError


@pytest.mark.parametrize(
    "reference",
    [
        ScanReference(Path("a b/scan.dcm")),
        ScanReference(Path("scan.dcm"), View.POSTERIOR),
        ScanReference(Path("scan.dcm"), None, (2.4, 1.9)),
        ScanReference(Path("x#y/scan"), View.ANTERIOR, (2.4, 1.9)),
    ],
)
def test_text_and_back(reference):
    assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize("name", ["a#b.dcm", "scan#1", "a#view=anterior/scan.dcm"])
def test_names_with_a_hash_are_names(name):
    assert parse_reference(name) == ScanReference(Path(name))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s.dcm#view=left", "s.dcm: view must be one of anterior, posterior, got 'left'"),
        ("s.dcm#spacing_mm=2.4", "s.dcm: spacing_mm must be two numbers, row and column, got"),
        ("s.dcm#spacing_mm=a,b", "s.dcm: spacing_mm must be two numbers, row and column, got"),
        ("s.dcm#spacing_mm=-2.4,1.9", "s.dcm: spacing_mm must be that of a whole-body scan, in mm"),
        ("s.dcm#spacing_mm=2.4,nan", "s.dcm: spacing_mm must be that of a whole-body scan, in mm"),
        ("s.dcm#view=anterior&x=1", "s.dcm: hints must be view or spacing_mm, got ['x']"),
    ],
)
def test_impossible_hints(text, expected):
    with pytest.raises(ScanError, match=re.escape(expected)):
        parse_reference(text)


def test_spacing_from_a_datalist():
    assert make_reference("s.dcm", spacing_mm=[2.4, 1.9]).spacing_mm == (2.4, 1.9)
    with pytest.raises(ScanError, match="spacing_mm must be two numbers"):
        make_reference("s.dcm", spacing_mm=2.4)
