import re
from datetime import date

import pytest

from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from tests.factories import BOTH, ROWS, assert_both_views, assign, make_counts, make_scan_file

A, P = View.ANTERIOR, View.POSTERIOR


def alone(view: View) -> dict:
    return {view: BOTH[view]}


@pytest.mark.parametrize("order", [(A, P), (P, A)])
def test_two_files(tmp_path, order):
    paths = [make_scan_file(tmp_path / f"{view}.dcm", alone(view)) for view in order]
    scan = read_scan([str(path) for path in paths])
    assert_both_views(scan)
    assert [scan.sources[view].path.stem for view in scan.views] == ["anterior", "posterior"]


def test_two_studies(tmp_path):
    paths = [
        make_scan_file(tmp_path / f"{view}.dcm", alone(view), study_uid=f"1.2.{index}")
        for index, view in enumerate(View)
    ]
    expected = r"anterior\.dcm and posterior\.dcm: the files belong to two different studies$"
    with pytest.raises(ScanError, match=expected):
        read_scan(paths)


def test_two_patients(tmp_path):
    first = make_scan_file(tmp_path / "a.dcm", alone(A))
    second = make_scan_file(tmp_path / "b.dcm", alone(P), edit=assign(PatientID="ANOTHER"))
    with pytest.raises(ScanError, match=r"a\.dcm and b\.dcm: .* two different patients$"):
        read_scan([first, second])


def test_who_was_scanned_when(tmp_path):
    first = read_scan(make_scan_file(tmp_path / "a.dcm", edit=assign(AcquisitionDate="20240305")))
    later = read_scan(make_scan_file(tmp_path / "b.dcm", study_uid="1.9"))
    other = read_scan(make_scan_file(tmp_path / "c.dcm", edit=assign(PatientID="ID-4712-ZQ")))
    nobody = read_scan(make_scan_file(tmp_path / "d.dcm", edit=assign(PatientID="")))
    assert first.acquired == date(2024, 3, 5)
    assert later.acquired is None
    assert first.patient_key == later.patient_key
    assert len({first.patient_key, other.patient_key, nobody.patient_key}) == 3
    assert nobody.patient_key == ""
    assert (first.facts.acquired, first.facts.patient_key) == (first.acquired, first.patient_key)


def test_two_files_say_it_together(tmp_path):
    edits = {View.ANTERIOR: assign(PatientID=""), View.POSTERIOR: assign(StudyDate="20240305")}
    paths = [
        make_scan_file(tmp_path / f"{view}.dcm", {view: BOTH[view]}, edit=edit)
        for view, edit in edits.items()
    ]
    scan = read_scan(paths)
    assert scan.acquired == date(2024, 3, 5)
    assert scan.patient_key == read_scan(make_scan_file(tmp_path / "both.dcm")).patient_key


def test_two_sizes(tmp_path):
    first = make_scan_file(tmp_path / "a.dcm", alone(A))
    second = make_scan_file(tmp_path / "b.dcm", {P: make_counts(P, (ROWS, 30))})
    with pytest.raises(ScanError, match=re.escape("one size, got [(60, 26), (60, 30)]")):
        read_scan([first, second])


def test_two_spacings(tmp_path):
    first = make_scan_file(tmp_path / "a.dcm", alone(A))
    second = make_scan_file(tmp_path / "b.dcm", alone(P), spacing_mm=(1.9, 2.4))
    with pytest.raises(ScanError, match="views of one scan must have one pixel spacing in mm, got"):
        read_scan([first, second])


def test_same_view_twice(tmp_path):
    paths = [
        make_scan_file(tmp_path / f"{number}.dcm", {A: BOTH[A] + number}) for number in range(2)
    ]
    with pytest.raises(ScanError, match="cannot tell anterior from posterior"):
        read_scan(paths)


def test_the_same_image_twice(tmp_path):
    with pytest.raises(ScanError, match="both views hold the same counts, pixel by pixel"):
        read_scan(make_scan_file(tmp_path / "scan.dcm", {A: BOTH[A], P: BOTH[A]}))


def test_files_of_two_people_or_times(tmp_path, caplog):
    files = [
        make_scan_file(tmp_path / f"{view}.dcm", alone(view), edit=assign(PatientSex=sex))
        for view, sex in zip(View, "FM", strict=True)
    ]
    with pytest.raises(ScanError, match="the files differ in the patient's sex or age"):
        read_scan(files)
    files = [
        make_scan_file(tmp_path / f"{view}.dcm", alone(view), edit=assign(AcquisitionTime=time))
        for view, time in zip(View, ("080000", "113000"), strict=True)
    ]
    assert_both_views(read_scan(files))
    assert "the views were not taken at the same time" in caplog.text
