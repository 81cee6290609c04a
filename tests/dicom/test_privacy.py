"""Nothing that names a patient leaves the reader."""

import logging
import re

import numpy as np
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from bonescan.dicom.mapping import parse
from bonescan.dicom.read import read_header, read_scan
from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from tests.factories import BOTH, assign, make_dataset, make_scan_file, save
from tests.privacy import IDENTIFYING_WORDS, assert_silent


def test_the_words_are_in_the_file(tmp_path):
    text = make_scan_file(tmp_path / "s.dcm").read_bytes().decode("latin-1").lower()
    assert all(word in text for word in IDENTIFYING_WORDS)


def test_scan_and_header_do_not_show_them(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    path = make_scan_file(tmp_path / "s.dcm", edit=assign(AcquisitionDate="20240305"))
    scan, header = read_scan(path), read_header(path)
    uid = make_dataset().SOPInstanceUID
    for text in (repr(scan), repr(scan.facts), repr(header), caplog.text):
        assert_silent(text)
        assert uid not in text
        assert scan.patient_key not in text
        assert header.birth_digest not in text
        assert not re.search(r"2024-?03-?05|2024, 3, 5", text)


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
    tag = image["PixelSpacing"].tag
    image[tag] = RawDataElement(tag, "DS", 11, b"Zwickelmann", 0, False, True)
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


def put_raw(image: Dataset, tag: BaseTag, vr: str, value: bytes) -> None:
    """Put bytes into a header as they are, which pydicom would warn of."""
    image[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)


@pytest.mark.parametrize(
    ("keyword", "told"),
    [
        ("Modality", "modality must be NM (nuclear medicine), got something else"),
        ("ImageType", "ImageType value 3 must be WHOLE BODY, got something else"),
        ("PhotometricInterpretation", "PhotometricInterpretation must be one of"),
    ],
)
def test_text_of_the_header_is_not_quoted(tmp_path, caplog, keyword, told):
    image = make_dataset()
    before = b"ORIGINAL\\PRIMARY\\" if keyword == "ImageType" else b""
    put_raw(image, image[keyword].tag, "CS", before + b"Zwickelmann\0Ottokar ID-4711-ZQ")
    with pytest.raises(ScanError, match=re.escape(told)) as caught:
        read_scan(save(image, tmp_path / "s.dcm"))
    assert_silent(str(caught.value) + caplog.text)


def test_an_image_kind_of_the_standard_is_quoted(tmp_path):
    image = make_dataset()
    image.ImageType = ["ORIGINAL", "PRIMARY", "TOMO"]
    with pytest.raises(ScanError, match="must be WHOLE BODY, got TOMO "):
        read_scan(save(image, tmp_path / "s.dcm"))


@pytest.mark.parametrize(("tag", "vr"), [(0x00280100, "LO"), (0x00280103, "LO")])
def test_text_in_place_of_a_number_is_not_quoted(tmp_path, tag, vr):
    image = make_dataset()
    put_raw(image, Tag(tag), vr, b"Zwickelmann ")
    with pytest.raises(ScanError) as caught:
        read_scan(save(image, tmp_path / "s.dcm"))
    assert_silent(str(caught.value))
