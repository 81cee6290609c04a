"""Nothing that names a patient leaves the reader."""

import logging

import numpy as np
import pytest
from pydicom.dataset import Dataset

from bonescan.dicom.mapping import parse
from bonescan.dicom.read import read_header, read_scan
from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from tests.factories import BOTH, IDENTIFIERS, PRIVATE_NAME, make_dataset, make_scan_file

WORDS = {
    word.lower()
    for value in (*IDENTIFIERS.values(), PRIVATE_NAME)
    for word in value.replace("^", " ").replace(",", " ").split()
    if len(word) > 3
}


def assert_silent(text: str) -> None:
    assert not [word for word in WORDS if word in text.lower()]


def test_the_words_are_in_the_file(tmp_path):
    text = make_scan_file(tmp_path / "s.dcm").read_bytes().decode("latin-1").lower()
    assert all(word in text for word in WORDS)


def test_scan_and_header_do_not_show_them(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    path = make_scan_file(tmp_path / "s.dcm")
    scan = read_scan(path)
    uid = make_dataset().SOPInstanceUID
    for text in (repr(scan), repr(read_header(path)), caplog.text):
        assert_silent(text)
        assert uid not in text


def test_the_scan_holds_none_of_them(tmp_path):
    scan = read_scan(make_scan_file(tmp_path / "s.dcm"))
    fields = [*vars(scan.acquisition).values(), scan.scan_id, scan.spacing_mm]
    for source in scan.sources.values():
        fields += vars(source).values()
    assert_silent(" ".join(map(str, fields)))


def test_name_of_a_scan_does_not_depend_on_who_the_patient_is(tmp_path):
    def other(image: Dataset) -> None:
        image.PatientName, image.PatientID = "Other", "Another"

    first = read_scan(make_scan_file(tmp_path / "a.dcm"))
    second = read_scan(make_scan_file(tmp_path / "b.dcm", edit=other))
    assert first.scan_id == second.scan_id


@pytest.mark.parametrize("keyword", ["Modality", "Rows", "PixelData", "PixelSpacing"])
def test_errors_do_not_show_them(tmp_path, caplog, keyword):
    caplog.set_level(logging.DEBUG)
    path = make_scan_file(tmp_path / "s.dcm", edit=lambda image: delattr(image, keyword))
    with pytest.raises(ScanError) as caught:
        read_scan(path)
    assert_silent(str(caught.value) + caplog.text)


def test_a_damaged_name_is_not_quoted(tmp_path, caplog, recwarn):
    caplog.set_level(logging.DEBUG)
    path = make_scan_file(tmp_path / "s.dcm")
    data = path.read_bytes().replace(b"FFS", b"\xff\xfeS")
    path.write_bytes(data.replace(b"ID-4711-ZQ", b"ID-4711-\xff\n"))
    read_scan(path)
    assert_silent(caplog.text)
    assert not recwarn.list


def test_a_value_that_cannot_be_read_is_not_quoted(tmp_path):
    image = make_dataset()
    image["PixelSpacing"]._value = "Zwickelmann"
    with pytest.raises(ScanError, match="reading the header failed") as caught:
        parse(image, tmp_path / "s.dcm")
    assert_silent(str(caught.value))


def test_two_patients_error_names_neither(tmp_path):
    def other(image: Dataset) -> None:
        image.PatientID = "SECOND-ID"

    paths = [
        make_scan_file(tmp_path / f"{view}.dcm", {view: np.asarray(BOTH[view])}, edit=edit)
        for view, edit in zip(View, (None, other), strict=True)
    ]
    with pytest.raises(ScanError) as caught:
        read_scan(paths)
    assert_silent(str(caught.value))
    assert "SECOND-ID" not in str(caught.value)
