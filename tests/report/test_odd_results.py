"""Odd masks and poor headers, given to all writers of the configuration: a clear result of each."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from highdicom.sr import srread
from monai.bundle import ConfigParser

from bonescan import run_folder
from bonescan.data.load import load_scan
from bonescan.data.nifti import read_view_stack
from bonescan.dicom.scan import View, mirrored
from bonescan.labels import Label
from bonescan.report.scan_result import ScanResult
from tests.dicom.results.studies import verify
from tests.factories import assign, make_scan_file
from tests.report.scan_results import make_result
from tests.workflows import CONFIGS

DICOM = (run_folder.SEGMENTATION, run_folder.MEASUREMENTS, run_folder.SECONDARY_CAPTURE)


@pytest.fixture(scope="module")
def writers():
    """The writers of configs/inference.yaml, in its order."""
    parser = ConfigParser(ConfigParser.load_config_file(str(CONFIGS / "inference.yaml")))
    return parser.get_parsed_content("outputs")


def mirror_posterior(stack: np.ndarray) -> np.ndarray:
    return np.stack([mirrored(plane, view) for plane, view in zip(stack, View, strict=True)])


@pytest.fixture(scope="module")
def scan(tmp_path_factory) -> ScanResult:
    """A made-up scan of the whole body with its bladder and no lesion."""
    rng = np.random.default_rng(5)
    expected = np.full((2, 1024, 256), 0.2)
    expected[:, 100:900, 80:180] = 14
    expected[:, 100:900, 120:140] = 70
    expected[:, 450:470, 124:136] = 300
    planes = mirror_posterior(rng.poisson(expected).astype(np.uint16))
    path = make_scan_file(
        tmp_path_factory.mktemp("odd") / "scan.dcm",
        dict(zip(View, planes, strict=True)),
        spacing_mm=(2.4, 2.3),
        edit=assign(SeriesInstanceUID="1.2.5"),
    )
    image = load_scan(str(path))
    label_map = np.zeros(planes.shape, np.uint8)
    label_map[:, 450:470, 124:136] = Label.BLADDER
    label_map = mirror_posterior(label_map)
    return make_result(
        sources=image.sources,
        spacing_mm=image.spacing_mm,
        counts=image.stack(),
        label_map=label_map,
        prob=np.zeros(label_map.shape),
        field="whole body",
        field_mask=np.ones(label_map.shape, bool),
    )


def write(writers, result: ScanResult, output: Path) -> Path:
    """Let all writers write; return the folder of the scan."""
    folder = output / result.scan_id
    folder.mkdir()
    for writer in writers:
        writer(result, output)
    return folder


def with_lesions(scan: ScanResult, mask: np.ndarray) -> ScanResult:
    label_map = np.where(mask, Label.METASTASIS, scan.label_map).astype(np.uint8)
    return replace(scan, label_map=label_map, prob=np.where(mask, 0.875, 0.0))


def read_findings(folder: Path) -> dict:
    return json.loads((folder / run_folder.FINDINGS).read_text())


def read_row(output: Path) -> dict[str, str]:
    with (output / run_folder.SCAN_ROWS).open(newline="") as file:
        (row,) = csv.DictReader(file)
    return row


def read_segments(folder: Path) -> dict[str, np.ndarray]:
    """Return the mask of each segment (view, row, column), frames in the order of the views."""
    made = pydicom.dcmread(folder / run_folder.SEGMENTATION)
    frames = made.pixel_array.reshape(-1, made.Rows, made.Columns)
    names = {item.SegmentNumber: item.SegmentLabel for item in made.SegmentSequence}
    owners = [
        item.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        for item in made.PerFrameFunctionalGroupsSequence
    ]
    return {
        name: frames[[index for index, owner in enumerate(owners) if owner == number]].astype(bool)
        for number, name in names.items()
    }


def verify_dicom(folder: Path) -> None:
    for name in DICOM:
        if (folder / name).exists():
            verify(folder / name)


def test_no_lesion(writers, scan, tmp_path):
    folder = write(writers, scan, tmp_path)
    found = read_findings(folder)
    assert found["findings"] == []
    assert found["burden_of_assessed"]["bstbi"] == 0
    assert read_row(tmp_path)["lesions"] == "0"
    assert len(read_segments(folder)) == 1, "the bladder alone"
    report = srread(folder / run_folder.MEASUREMENTS).content
    assert report.get_planar_roi_measurement_groups() == []
    assert "No lesion was marked." in (folder / run_folder.REPORT_PAGE).read_text()
    verify_dicom(folder)


def test_nothing_marked_at_all(writers, scan, tmp_path):
    empty = replace(scan, label_map=np.zeros_like(scan.label_map))
    folder = write(writers, empty, tmp_path)
    assert not (folder / run_folder.SEGMENTATION).exists()
    assert not read_view_stack(folder / run_folder.label_map_name(scan.scan_id)).array.any()
    assert (folder / run_folder.ENCAPSULATED_PDF).exists()


def test_no_bladder(writers, scan, tmp_path):
    mask = np.zeros(scan.label_map.shape, bool)
    mask[0, 300:310, 120:126] = True
    without = with_lesions(replace(scan, label_map=np.zeros_like(scan.label_map)), mask)
    folder = write(writers, without, tmp_path)
    found = read_findings(folder)
    assert found["burden_of_assessed"]["bladder_excluded"] is False
    assert "no_bladder" in [flag["code"] for flag in found["flags"]]
    assert read_row(tmp_path)["bladder_excluded"] == "False"
    (segment,) = read_segments(folder).values()
    np.testing.assert_array_equal(segment, mask)
    assert "no bladder was marked there" in (folder / run_folder.REPORT_PAGE).read_text()


def test_a_mask_that_covers_everything(writers, scan, tmp_path):
    result = with_lesions(scan, np.ones(scan.label_map.shape, bool))
    folder = write(writers, result, tmp_path)
    found = read_findings(folder)
    assert len(found["findings"]) == 2
    assert all(finding["to_background"] is None for finding in found["findings"])
    assert found["burden_of_assessed"]["bstbi"] == pytest.approx(1)
    flags = {flag["code"]: flag for flag in found["flags"]}
    assert flags["lesions_everywhere"]["severity"] == "serious"
    assert "lesions_everywhere" in read_row(tmp_path)["flags"]
    (segment,) = read_segments(folder).values()
    assert segment.shape == scan.label_map.shape
    assert segment.all()
    assert "more likely a fault" in (folder / run_folder.REPORT_PAGE).read_text()
    verify_dicom(folder)


@pytest.mark.slow
def test_a_thousand_lesions(writers, scan, tmp_path):
    mask = np.zeros(scan.label_map.shape, bool)
    for top in range(20, 1000, 14):
        for left in range(10, 245, 16):
            mask[0, top : top + 3, left : left + 4] = True
    result = with_lesions(scan, mask & (scan.label_map == Label.BACKGROUND))
    assert 1000 <= len(result.findings) <= 1100
    folder = write(writers, result, tmp_path)
    found = read_findings(folder)
    assert len(found["findings"]) == len(result.findings)
    assert read_row(tmp_path)["lesions_anterior"] == str(len(result.findings))
    groups = srread(folder / run_folder.MEASUREMENTS).content.get_planar_roi_measurement_groups()
    assert len(groups) == len({group.tracking_uid for group in groups}) == len(result.findings)
    lesions, _ = read_segments(folder).values()
    np.testing.assert_array_equal(lesions, result.mask(Label.METASTASIS))
    page = (folder / run_folder.REPORT_PAGE).read_text()
    assert f"The 60 largest of {len(result.findings):,} lesions".replace(",", "") in page.replace(
        ",", ""
    )
    verify_dicom(folder)


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_a_study_that_nothing_can_refer_to(writers, scan, tmp_path, keyword):
    image = pydicom.dcmread(next(iter(scan.sources.values())).path)
    delattr(image, keyword)
    image.save_as(tmp_path / "poor.dcm")
    sources = load_scan(str(tmp_path / "poor.dcm")).sources
    poor = replace(scan, sources=sources)
    folder = tmp_path / poor.scan_id
    folder.mkdir()
    refused = {}
    for writer in writers:
        try:
            writer(poor, tmp_path)
        except ValueError as err:
            refused[type(writer).__name__] = str(err)
    assert len(refused) == 4, "all DICOM results, and nothing else"
    expected = f"poor.dcm: {keyword} must be there for DICOM results to refer to it, got none"
    assert all(reason.startswith(expected) for reason in refused.values())
    assert sorted(path.suffix for path in folder.iterdir()) == [
        ".gz", ".html", ".json", ".pdf", ".png",
    ]  # fmt: skip
