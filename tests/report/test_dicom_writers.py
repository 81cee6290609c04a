import dataclasses
import logging
import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from highdicom.sr import srread
from PIL import Image
from pydicom import dcmread

from bonescan import run_folder
from bonescan.data.origin import Origin
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import Source, View
from bonescan.errors import ScanError
from bonescan.labels import REPORT_SITES, Label, region_bit, region_group_bits
from bonescan.metrics.calibration import Calibration, Recalibration
from bonescan.report.dicom_writers import (
    EncapsulatedPdfWriter,
    SecondaryCaptureWriter,
    SegmentationWriter,
    StructuredReportWriter,
)
from bonescan.report.scan_result import ScanResult
from bonescan.report.writers import OverlayWriter
from tests.factories import IDENTIFIERS, assign, make_scan_file
from tests.privacy import assert_silent
from tests.report.scan_results import HOT_COLUMN, HOT_ROW, SHAPE, SPACING_MM, make_result

WRITERS = {
    run_folder.SEGMENTATION: SegmentationWriter,
    run_folder.MEASUREMENTS: StructuredReportWriter,
    run_folder.SECONDARY_CAPTURE: SecondaryCaptureWriter,
    run_folder.ENCAPSULATED_PDF: EncapsulatedPdfWriter,
}


@pytest.fixture
def output(tmp_path) -> Path:
    """The output, with what another writer has left in the folder of the scan."""
    folder = tmp_path / "output" / make_result().scan_id
    folder.mkdir(parents=True)
    (folder / run_folder.REPORT_PDF).write_bytes(b"%PDF-1.4 x")
    return folder.parent


@pytest.fixture
def result(tmp_path) -> ScanResult:
    """The scan of tests.report.scan_results as a file whose first frame is the posterior view."""
    shape = SHAPE[1:]
    counts = {view: np.arange(1, 1 + np.prod(shape)).reshape(shape) for view in View}
    counts = {
        view: (counts[view] + 50_000 * (view == View.ANTERIOR)).astype(np.uint16)
        for view in reversed(View)
    }
    path = make_scan_file(
        tmp_path / "scan.dcm", counts, spacing_mm=SPACING_MM, edit=assign(SeriesInstanceUID="1.2.5")
    )
    return make_result(sources=read_scan(path).sources, simulated=False)


def path_of(output: Path, name: str) -> Path:
    return output / make_result().scan_id / name


def evaluations_of(group) -> dict[str, str]:
    return {each.name.value: each.value.value for each in group.get_qualitative_evaluations()}


@pytest.mark.parametrize("name", WRITERS)
def test_results_name_nobody_by_default(result, output, name, caplog):
    caplog.set_level(logging.DEBUG)
    WRITERS[name]()(result, output)
    assert_silent(path_of(output, name).read_bytes().decode("latin-1") + caplog.text)
    assert dcmread(path_of(output, name)).PatientID == result.scan_id


@pytest.mark.parametrize("name", WRITERS)
def test_identified_results_belong_to_the_study_and_to_nothing_else(result, output, name, caplog):
    caplog.set_level(logging.DEBUG)
    WRITERS[name](identified=True)(result, output)
    made = dcmread(path_of(output, name))
    assert made.StudyInstanceUID == "1.2.3.4"
    assert made.PatientID == IDENTIFIERS["PatientID"]
    assert made.PatientName == IDENTIFIERS["PatientName"]
    assert made.SeriesInstanceUID != "1.2.5"
    assert_silent(caplog.text + " ".join(str(path) for path in output.rglob("*")))


def test_segmentation_is_the_label_map_in_the_geometry_of_the_acquisition(result, output):
    SegmentationWriter()(result, output)
    frames = dcmread(path_of(output, run_folder.SEGMENTATION)).pixel_array
    assert frames[0, HOT_ROW, HOT_COLUMN] == 1  # of the anterior view, on the image's left
    masks = [result.mask(label) for label in (Label.METASTASIS, Label.BLADDER)]
    np.testing.assert_array_equal(frames, np.concatenate(masks))


def test_bones_are_written_where_they_are_asked_for_and_known(result, output):
    regions = np.zeros(SHAPE, np.int64)
    regions[1, 3:8, 2:5] = region_bit("hand_left")  # seen from behind, on the image's left
    known = make_result(sources=result.sources, regions=regions)
    path = path_of(output, run_folder.BONE_SEGMENTATION)
    SegmentationWriter()(known, output)
    SegmentationWriter(bones=True)(result, output)
    assert not path.exists()
    SegmentationWriter(bones=True)(known, output)
    np.testing.assert_array_equal(dcmread(path).pixel_array, regions != 0)


def test_report_measures_each_lesion(result, output):
    StructuredReportWriter()(result, output)
    report = srread(path_of(output, run_folder.MEASUREMENTS)).content
    (group,) = report.get_planar_roi_measurement_groups()
    corners = group.roi.value
    assert corners.min(axis=0).tolist() == [HOT_COLUMN - 3, HOT_ROW - 3]
    assert corners.max(axis=0).tolist() == [HOT_COLUMN + 4, HOT_ROW + 4]
    values = {
        (each.name.value, each.derivation and each.derivation.meaning): each.value
        for each in group.get_measurements()
    }
    assert values == {
        ("42798000", None): pytest.approx(49 * 2.4 * 1.9),
        ("COUNTS", "Maximum"): 400,
        ("COUNTS", "Mean"): 400,
        ("TO_BACKGROUND", None): pytest.approx(result.findings[0].to_background),
        ("SCORE", None): 0.75,
    }
    (scan,) = report.get_image_measurement_groups()
    assert scan.tracking_identifier == "Scan, assessed: thorax only"
    named = {each.name.value: each.value for each in scan.get_measurements()}
    assert named["246206008"] == 1
    assert named["BSTBI"] == pytest.approx(result.burden.bstbi)
    assert named["UPTAKE_SHARE"] == pytest.approx(100 * result.burden.uptake_share)
    assert "PLANAR_BSI" not in named


def test_report_says_what_has_changed(result, output):
    label_map = result.label_map.copy()
    label_map[0, 60:64, 20:24] = Label.METASTASIS
    earlier = dataclasses.replace(result, scan_id="other", acquired=date(2024, 1, 10))
    now = dataclasses.replace(
        result, label_map=label_map, earlier=[earlier], acquired=date(2024, 4, 9),
        therapy_start=date(2024, 1, 20),
    )  # fmt: skip
    StructuredReportWriter()(now, output)
    path = path_of(output, run_folder.MEASUREMENTS)
    report = srread(path).content
    first, second = report.get_planar_roi_measurement_groups()
    name = "LESION_CHANGE"
    assert [evaluations_of(group)[name] for group in (first, second)] == ["UNCHANGED", "NEW"]
    _, change = report.get_image_measurement_groups()
    assert change.tracking_identifier == "Change since the last earlier scan"
    named = {each.name.value: (each.value, each.unit.value) for each in change.get_measurements()}
    assert named["DAYS_SINCE"] == (90, "d")
    assert (named["LES_NEW"], named["LES_UNCHANGED"]) == ((1, "1"), (1, "1"))
    assert named["BSTBI_CHANGE"] == (pytest.approx(now.change.bstbi_points), "%")
    assert "BSI_CHANGE" not in named
    assert evaluations_of(change)["PCWG3_2_PLUS_2"] == "NOT_MET"
    content = path.read_bytes()
    assert b"healing bone" in content
    assert not re.findall(rb"2024-?0[14]", content)


def test_report_takes_calibrated_probabilities_where_they_are_known(result, output):
    part = {"intercept": 0.0, "number": 9, "true": 4}
    calibration = Calibration(lesion=Recalibration(1.0, **part), scan=Recalibration(2.0, **part))
    StructuredReportWriter()(make_result(sources=result.sources, calibration=calibration), output)
    report = srread(path_of(output, run_folder.MEASUREMENTS)).content
    (lesion,) = report.get_planar_roi_measurement_groups()
    (scan,) = report.get_image_measurement_groups()
    of_lesion, of_scan = (
        {each.name.value: each.value for each in group.get_measurements()}
        for group in (lesion, scan)
    )
    assert of_lesion["LESION_PROB"] == pytest.approx(3 / 4)
    assert of_scan["SCAN_PROB"] == pytest.approx(9 / 10)
    assert "SCORE" not in of_lesion


def test_report_says_what_a_classifier_says_of_the_scan_and_its_sites(result, output):
    probs = dict(zip(REPORT_SITES, (0.97, 0.0, 0.31, 0.5, 0.02, 0.125), strict=True))
    decided = dataclasses.replace(result, scan_prob=0.83, site_probs=probs)
    StructuredReportWriter()(decided, output)
    report = srread(path_of(output, run_folder.MEASUREMENTS)).content
    (scan,) = report.get_image_measurement_groups()
    named = {each.name.value: each.value for each in scan.get_measurements()}
    assert named["METASTASIS_PROB"] == pytest.approx(0.83)
    assert "SCAN_PROB" not in named, "that is the calibrated one of the map"
    for site, prob in probs.items():
        assert named[f"PROB_{site.upper()}"] == pytest.approx(prob)


def test_report_names_the_bone_and_weighs_it_where_regions_are_known(result, output):
    regions = np.full(SHAPE, region_group_bits("scapula_right"))
    known = make_result(sources=result.sources, regions=regions)
    StructuredReportWriter()(known, output)
    report = srread(path_of(output, run_folder.MEASUREMENTS)).content
    (group,) = report.get_planar_roi_measurement_groups()
    (site,) = group.finding_sites
    assert (site.value.meaning, site.laterality.meaning) == ("Scapula", "Right")
    (scan,) = report.get_image_measurement_groups()
    named = {each.name.value: each.value for each in scan.get_measurements()}
    assert named["PLANAR_BSI"] == pytest.approx(known.burden.planar_bsi.involved_percent)
    assert named["PLANAR_BSI_OF"] == pytest.approx(known.burden.planar_bsi.assessed_percent)


@pytest.mark.parametrize("is_cut", [True, False])
def test_report_says_of_how_much_of_the_skeleton_an_index_can_be(result, output, is_cut):
    regions = np.full(SHAPE, region_group_bits("scapula_right"))
    known = make_result(sources=result.sources, regions=regions)  # recorded as far as the body goes
    if not is_cut:
        known.counts[:, [0, -1], [0, -1]] = 1
    StructuredReportWriter()(known, output)
    text = path_of(output, run_folder.MEASUREMENTS).read_bytes().decode("latin-1")
    assert ("share of the skeleton that was assessed is at most the one given" in text) == is_cut


def test_report_says_what_is_doubted(result, output):
    doubted = make_result(sources=result.sources, content_check="contradicts", view_source="guess")
    StructuredReportWriter()(doubted, output)
    text = path_of(output, run_folder.MEASUREMENTS).read_bytes().decode("latin-1")
    assert "Serious: The images contradict what is said of their views." in text
    assert "Assessed: thorax only; nothing is said of the rest." in text


def test_objects_say_what_was_trained_on(result, output):
    provenance = dataclasses.replace(result.provenance, trained_on=Origin.SIMULATED)
    SegmentationWriter()(dataclasses.replace(result, provenance=provenance), output)
    StructuredReportWriter()(dataclasses.replace(result, provenance=provenance), output)
    text = path_of(output, run_folder.MEASUREMENTS).read_bytes().decode("latin-1")
    assert "This system was trained on simulated scans only." in text
    for name in (run_folder.SEGMENTATION, run_folder.MEASUREMENTS):
        equipment = dcmread(path_of(output, name)).ContributingEquipmentSequence[-1]
        assert "; trained_on=simulated;" in equipment.ContributionDescription


def test_a_scan_without_lesions_has_a_report_and_no_segmentation(result, output):
    nothing = make_result(sources=result.sources, label_map=np.zeros(SHAPE, np.uint8))
    SegmentationWriter()(nothing, output)
    StructuredReportWriter()(nothing, output)
    assert not path_of(output, run_folder.SEGMENTATION).exists()
    report = srread(path_of(output, run_folder.MEASUREMENTS)).content
    assert not report.get_planar_roi_measurement_groups()
    (scan,) = report.get_image_measurement_groups()
    assert scan.get_measurements()[0].value == 0


def test_lesions_that_touch_have_outlines_of_their_own(result, output):
    label_map = np.zeros(SHAPE, np.uint8)
    label_map[1, 50:54, 30:38] = Label.METASTASIS
    instances = np.zeros(SHAPE, np.int32)
    instances[1, 50:54, 30:33], instances[1, 50:54, 33:38] = 7, 2
    touching = make_result(sources=result.sources, label_map=label_map, instances=instances)
    StructuredReportWriter()(touching, output)
    groups = srread(
        path_of(output, run_folder.MEASUREMENTS)
    ).content.get_planar_roi_measurement_groups()
    assert [np.ptp(group.roi.value[:, 0]) for group in groups] == [3, 5]


def test_capture_shows_the_picture(result, output):
    OverlayWriter()(result, output)
    SecondaryCaptureWriter()(result, output)
    with Image.open(path_of(output, run_folder.OVERLAY)) as image:
        picture = np.asarray(image.convert("RGB"))
    made = dcmread(path_of(output, run_folder.SECONDARY_CAPTURE))
    np.testing.assert_array_equal(made.pixel_array, picture)


def test_a_report_that_has_not_been_written_cannot_be_wrapped(result, output):
    path_of(output, run_folder.REPORT_PDF).unlink()
    with pytest.raises(FileNotFoundError, match=r"report\.pdf must have been written before"):
        EncapsulatedPdfWriter()(result, output)


@pytest.mark.parametrize("name", WRITERS)
def test_a_source_that_is_gone_fails_the_writer(result, output, name):
    result.files[0].unlink()
    with pytest.raises(ScanError, match=r"scan\.dcm: no such file"):
        WRITERS[name]()(result, output)
    assert not path_of(output, name).exists()


@pytest.mark.parametrize("name", WRITERS)
def test_scans_without_a_study_have_no_dicom_results(result, output, name):
    nifti = {view: Source(Path("scan.nii.gz"), frame) for frame, view in enumerate(View)}
    for changes in ({"sources": nifti}, {"sources": result.sources, "mirrored_copy": True}):
        WRITERS[name]()(make_result(**changes), output)
        assert not path_of(output, name).exists()
