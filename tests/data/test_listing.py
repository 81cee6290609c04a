"""The scans of a folder or datalist, by name."""

import json

import pytest

from bonescan.data.listing import list_scans
from bonescan.data.load import load_scan
from bonescan.dicom.scan import View
from tests.factories import BOTH, COLUMNS, ROWS, make_scan_file


@pytest.fixture
def folder(tmp_path):
    """Scans of two patients, one with a file for each view, and a file that is no scan."""
    make_scan_file(tmp_path / "p0" / "scan.dcm", study_uid="1.0")
    for view, name in zip(View, ("a", "b"), strict=True):
        make_scan_file(tmp_path / "p1" / f"{name}.dcm", {view: BOTH[view]}, study_uid="1.1")
    (tmp_path / "p2").mkdir()
    (tmp_path / "p2" / "scan.dcm").write_text("damaged")
    return tmp_path


def test_a_folder_is_listed_by_patient_and_file(folder):
    scans, failures = list_scans(folder)
    assert [scan.key for scan in scans] == ["p0_scan", "p1_a+b"]
    assert [scan.entry["patient"] for scan in scans] == ["p0", "p1"]
    assert {scan.section for scan in scans} == {"training"}
    (failure,) = failures
    assert failure.startswith("scan.dcm: not a DICOM file")
    for scan in scans:
        assert scan.size == (ROWS, COLUMNS)
        assert scan.facts == load_scan(scan.entry["image"]).facts


def test_a_datalist_keeps_its_sections_and_fields(folder):
    path = folder / "datalist.json"
    entry = {"image": "p0/scan.dcm", "patient": "P0", "age": 61}
    broken = {"image": "p2/scan.dcm", "patient": "P2"}
    path.write_text(json.dumps({"test": [entry], "training": [broken]}))
    (scan,), failures = list_scans(path)
    assert (scan.section, scan.entry["patient"], scan.entry["age"]) == ("test", "P0", 61)
    assert scan.key == "p0_scan"  # below the folder that all files lie in
    assert len(failures) == 1
