import dataclasses
import logging
import re

import pytest
from pydicom.dataset import Dataset

from bonescan.dicom.scan import Source, View
from bonescan.report.page.writer import ReportWriter, make_report
from tests.factories import IDENTIFIERS, make_dataset, save
from tests.privacy import assert_silent
from tests.report.page.scans import HOSTILE, make_scan

RIB = ("anterior", 50, 20, 0.9)


@pytest.fixture
def header() -> Dataset:
    header = make_dataset()
    for keyword, value in IDENTIFIERS.items():
        setattr(header, keyword, value)
    header.StudyDate = "20240203"
    return header


@pytest.fixture
def write(tmp_path, header):
    """Return the function that writes the report of a scan whose file names a person."""

    def write_report(**settings) -> dict[str, bytes]:
        path = save(header, tmp_path / "scan.dcm")
        sources = {view: Source(path, frame) for frame, view in enumerate(View)}
        scan = dataclasses.replace(make_scan(RIB), sources=sources)
        folder = tmp_path / scan.scan_id
        folder.mkdir(exist_ok=True)
        ReportWriter(**settings)(scan, tmp_path)
        return {each.name: each.read_bytes() for each in folder.iterdir()}

    return write_report


def test_a_report_is_a_page_and_a_pdf_named_without_the_patient(write):
    assert sorted(write()) == ["report.html", "report.pdf"]
    assert sorted(write(identified=True)) == ["report.html", "report.pdf"]


def test_a_report_names_nobody_unless_told_to(write):
    # without pictures, whose letters are anything, and style, which is of no scan
    text = re.sub(r"base64,[^\"]+|(?s:<style>.*?</style>)", "", write()["report.html"].decode())
    assert_silent(text)
    assert "1933" not in text


def test_an_identified_report_names_patient_and_dates_and_the_log_does_not(write, caplog):
    with caplog.at_level(logging.DEBUG):
        text = write(identified=True)["report.html"].decode()
    # 29 February 1933 was no day: it stays as the header has it
    for value in ("Zwickelmann Ottokar", "ID-4711-ZQ", "19330229", "2024-02-03"):
        assert value in text
    assert "ACC-99-XYZ" not in text
    assert_silent(caplog.text)


def test_a_hostile_name_stays_a_text(write, header):
    header.PatientName = HOSTILE
    text = write(identified=True)["report.html"].decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_a_name_in_several_scripts_is_written_in_latin(write, header):
    header.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    header.PatientName = "Yamada^Tarou=山田^太郎"
    text = write(identified=True)["report.html"].decode()
    assert "Yamada Tarou" in text
    assert "山田" not in text


def test_a_scan_without_header_has_no_identity(tmp_path):
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(b"no DICOM")
    scan = dataclasses.replace(make_scan(), sources={view: Source(path, 0) for view in View})
    assert make_report(scan, identified=True).identity == ()


def test_a_language_that_is_not_there_is_refused_before_the_first_scan():
    with pytest.raises(ValueError, match="language must be one of en"):
        ReportWriter(language="tlh")
