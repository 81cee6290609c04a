"""All results of one scan say the same."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from highdicom.sr import srread

from bonescan import run_folder
from bonescan.data.datalist import load_items
from bonescan.data.load import load_scan, load_scan_or_map
from bonescan.labels import Label
from bonescan.metrics.calibration import Calibration, Recalibration
from bonescan.report.dicom_writers import StructuredReportWriter
from bonescan.report.overlay import draw_overlay
from bonescan.report.page.document import make_document
from bonescan.report.page.model import Document
from bonescan.report.scan_result import ScanResult
from bonescan.report.writers import FindingsWriter, SummaryWriter
from tests.report.scan_results import make_result

CALIBRATION = Calibration(
    lesion=Recalibration(slope=1.0, intercept=-0.5, number=9, true=4),
    scan=Recalibration(slope=0.5, intercept=0.25, number=8, true=3),
)


@pytest.fixture
def result(cohort) -> ScanResult:
    """A simulated scan with its true lesions, some of them in both views."""
    for entry in load_items(cohort / "datalist.json"):
        label_map = load_scan_or_map([entry["label"]])[1].astype(np.uint8)
        lesion_mask = label_map == Label.METASTASIS
        if lesion_mask.shape[0] == 2 and lesion_mask.any(axis=(1, 2)).all():
            scan = load_scan(entry["image"])
            found = make_result(
                sources=scan.sources,
                spacing_mm=scan.spacing_mm,
                counts=scan.stack(),
                label_map=label_map,
                prob=np.where(lesion_mask, 0.875, 0.125),
                field="head to knees",
                field_mask=np.ones(label_map.shape, bool),
                calibration=CALIBRATION,
            )
            if found.burden.lesions < len(found.findings):
                return found
    pytest.fail("the cohort has no scan with a lesion in both views")


def read_report(result: ScanResult, output: Path) -> tuple[dict, list[dict]]:
    """Return the measurements of the scan, and those of each finding with its place and UID."""
    StructuredReportWriter()(result, output)
    report = srread(output / result.scan_id / run_folder.MEASUREMENTS).content
    (scan,) = report.get_image_measurement_groups()
    rows = [
        {
            "name": group.tracking_identifier,
            "uid": group.tracking_uid,
            **values_of(group),
        }
        for group in report.get_planar_roi_measurement_groups()
    ]
    return values_of(scan), rows


def values_of(group) -> dict[str, float]:
    """Return the measurements of a group by code and derivation."""
    return {
        " ".join(filter(None, [each.name.value, each.derivation and each.derivation.meaning])): (
            each.value
        )
        for each in group.get_measurements()
    }


def facts_of(document: Document) -> dict[str, str]:
    return {fact.name: fact.value for part in document.sections for fact in part.facts}


def lines_of(document: Document) -> list[tuple[str, ...]]:
    """Return number and cells of each finding in the table of lesions."""
    (part,) = [part for part in document.sections if part.key == "lesions"]
    return [(row.head[0], *line) for row in part.tables[0].rows for line in row.lines]


def test_list_row_report_and_dicom_have_the_same_numbers(result, tmp_path):
    (tmp_path / result.scan_id).mkdir()
    FindingsWriter()(result, tmp_path)
    SummaryWriter()(result, tmp_path)
    written = json.loads((tmp_path / result.scan_id / run_folder.FINDINGS).read_text())
    with (tmp_path / run_folder.SCAN_ROWS).open(newline="") as file:
        (row,) = csv.DictReader(file)
    scan, groups = read_report(result, tmp_path)
    report = make_document(result)
    burden, findings = written["burden_of_assessed"], written["findings"]

    lesions = len({each["lesion"] for each in findings})
    assert lesions == burden["lesions"] == int(row["lesions"]) == scan["246206008"]
    assert facts_of(report)["Lesions"] == str(lesions)
    assert scan["BSTBI"] == pytest.approx(burden["bstbi"], abs=5e-5)
    assert float(row["bstbi_head_to_knees"]) == burden["bstbi"]
    assert scan["UPTAKE_SHARE"] == pytest.approx(100 * burden["uptake_share"], abs=5e-5)
    assert scan["SCAN_PROB"] == pytest.approx(written["probability"], abs=5e-4)
    percent = f"{100 * written['probability']:.0f} %"
    assert facts_of(report)["Probability of metastasis, head to knees"] == percent

    in_report = {(line[0], line[1]): line for line in lines_of(report)}
    in_dicom = {group["name"]: group for group in groups}
    assert len(findings) == len(in_report) == len(in_dicom)
    for each in findings:
        line = in_report[str(each["lesion"]), each["view"]]
        group = in_dicom[f"Lesion {each['lesion']}, {each['view']}"]
        assert line[2] == f"{each['area_mm2']:,.0f}"
        assert group["42798000"] == pytest.approx(each["area_mm2"], abs=5e-4)
        assert line[3] == f"{each['max_counts']:,.0f}"
        assert group["COUNTS Maximum"] == each["max_counts"]
        assert group["LESION_PROB"] == pytest.approx(each["probability"], abs=5e-4)
        assert line[6] == f"{100 * each['probability']:.0f} %"
    for view in written["views"]:
        of_view = [each for each in findings if each["view"] == view]
        assert len(of_view) == int(row[f"lesions_{view}"])
    assert len({group["uid"] for group in groups}) == lesions


def test_pictures_have_the_numbers_of_the_list(result):
    figure = draw_overlay(result)
    pictures = make_document(result).pictures
    for axes, view, picture in zip(figure.axes, result.views, pictures, strict=False):
        of_view = {str(each.lesion) for each in result.findings if each.view == view}
        overlay = {text.get_text().strip("*") for text in axes.texts}
        assert {text for text in overlay if text.isdigit()} <= of_view
        assert {mark.text.strip("*") for mark in picture.marks} <= of_view
        assert {mark.text.strip("*") for mark in picture.marks}
