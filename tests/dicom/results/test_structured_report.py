import dataclasses
import shutil
import subprocess

import numpy as np
import pytest
from highdicom.sr import srread
from pydicom import dcmread

from bonescan.dicom import codes
from bonescan.dicom.results.objects import save_object
from bonescan.dicom.results.structured_report import (
    Measure,
    MeasuredChange,
    MeasuredLesion,
    MeasuredScan,
    make_structured_report,
)
from bonescan.dicom.scan import View
from tests.dicom.results.studies import ALGORITHM, study_of, write_one_file, write_two_files

SCAN = MeasuredScan(
    scope="thorax only",
    measures=[
        Measure(codes.NUMBER_OF_LESIONS, 2, codes.NO_UNITS),
        Measure(codes.UPTAKE_SHARE, 12.5, codes.PERCENT),
    ],
    comments=["Serious: views guessed"],
)
SQUARE = np.array([[3.0, 5.0], [7.0, 5.0], [7.0, 8.0], [3.0, 8.0], [3.0, 5.0]])
LESION = MeasuredLesion(
    view=View.POSTERIOR,
    name="Lesion 3, posterior",
    lesion=3,
    outline=SQUARE,
    region="ribs_left",
    measures=[
        Measure(codes.AREA, 54.72, codes.SQUARE_MILLIMETRE),
        Measure(codes.COUNTS, 400.0, codes.COUNTS_UNIT, codes.MAXIMUM),
        Measure(codes.COUNTS, 320.5, codes.COUNTS_UNIT, codes.MEAN),
    ],
)
SAME_LESION = dataclasses.replace(LESION, view=View.ANTERIOR, name="Lesion 3, anterior")
OTHER_LESION = dataclasses.replace(LESION, name="Lesion 4, posterior", lesion=4, region=None)


@pytest.fixture
def study(tmp_path):
    return study_of(write_one_file(tmp_path))


def write(study, lesions, folder, scan=SCAN):
    path = folder / "sr.dcm"
    save_object(make_structured_report(study, ALGORITHM, scan, lesions), path)
    return path


def values_of(group) -> list[tuple[str, str, float, str]]:
    return [
        (
            measurement.name.value,
            "" if measurement.derivation is None else measurement.derivation.meaning,
            measurement.value,
            measurement.unit.value,
        )
        for measurement in group.get_measurements()
    ]


def evaluations_of(group) -> dict[str, str]:
    return {each.name.meaning: each.value.meaning for each in group.get_qualitative_evaluations()}


def test_a_lesion_comes_back_with_all_that_was_measured(study, tmp_path):
    report = srread(write(study, [LESION], tmp_path)).content
    (group,) = report.get_planar_roi_measurement_groups()
    assert values_of(group) == [
        ("42798000", "", 54.72, "mm2"),
        ("COUNTS", "Maximum", 400.0, "{counts}"),
        ("COUNTS", "Mean", 320.5, "{counts}"),
    ]
    assert group.tracking_identifier == "Lesion 3, posterior"
    assert group.finding_type.value == "14799000"
    (site,) = group.finding_sites
    assert (site.value.meaning, site.laterality.meaning) == ("Rib", "Left")


def test_a_lesion_is_outlined_on_the_frame_that_shows_it(study, tmp_path):
    report = srread(write(study, [LESION, SAME_LESION], tmp_path)).content
    frames = []
    for group in report.get_planar_roi_measurement_groups():
        np.testing.assert_array_equal(group.roi.value, SQUARE)
        (image,) = group.roi.ContentSequence
        (reference,) = image.ReferencedSOPSequence
        frames.append(reference.ReferencedFrameNumber)
    assert frames == [1, 2]  # the file begins with the posterior view


def test_views_of_one_lesion_share_what_tracks_it(study, tmp_path):
    report = srread(write(study, [LESION, SAME_LESION, OTHER_LESION], tmp_path)).content
    first, same, other = (
        group.tracking_uid for group in report.get_planar_roi_measurement_groups()
    )
    assert first == same != other


def test_bones_without_a_side_and_unknown_bones_have_no_laterality(study, tmp_path):
    sacrum = dataclasses.replace(LESION, region="sacrum")
    report = srread(write(study, [sacrum, OTHER_LESION], tmp_path)).content
    sites = [group.finding_sites[0] for group in report.get_planar_roi_measurement_groups()]
    assert [site.value.meaning for site in sites] == ["Sacrum", "Bone"]
    assert [site.laterality for site in sites] == [None, None]


def test_the_scan_says_what_was_assessed_and_what_is_doubted(study, tmp_path):
    path = write(study, [], tmp_path)
    (group,) = srread(path).content.get_image_measurement_groups()
    assert values_of(group) == [("246206008", "", 2, "1"), ("UPTAKE_SHARE", "", 12.5, "%")]
    assert group.tracking_identifier == "Scan, assessed: thorax only"
    comments = [item.value for item in group[0].ContentSequence if item.name.value == "121106"]
    assert comments == ["Research use only, not for diagnosis", "Serious: views guessed"]


def test_what_has_changed_comes_back(study, tmp_path):
    new = dataclasses.replace(LESION, change=codes.LESION_CHANGES["new"])
    change = MeasuredChange(
        measures=[
            Measure(codes.DAYS_SINCE, 90, codes.DAY),
            *(Measure(code, 2, codes.NO_UNITS) for code in codes.NUMBERS_OF_CHANGE.values()),
            Measure(codes.PLANAR_BSI_CHANGE, -0.25, codes.PERCENT),
        ],
        rule=codes.PCWG3_STATES["cannot tell"],
        comments=["healing bone"],
    )
    path = tmp_path / "sr.dcm"
    save_object(make_structured_report(study, ALGORITHM, SCAN, [new, LESION], change), path)
    first, second = srread(path).content.get_planar_roi_measurement_groups()
    name = "Change of the lesion since the last earlier scan"
    assert evaluations_of(first)[name] == "New"
    assert name not in evaluations_of(second)
    _, group = srread(path).content.get_image_measurement_groups()
    assert values_of(group)[0] == ("DAYS_SINCE", "", 90, "d")
    assert values_of(group)[-1] == ("BSI_CHANGE", "", -0.25, "%")
    assert evaluations_of(group)["2+2 rule of PCWG3 on new lesions"] == "Cannot be told"


def test_a_report_without_lesions_says_so(study, tmp_path):
    none = dataclasses.replace(SCAN, measures=[Measure(codes.NUMBER_OF_LESIONS, 0, codes.NO_UNITS)])
    path = write(study, [], tmp_path, none)
    report = srread(path).content
    assert not report.get_planar_roi_measurement_groups()
    assert values_of(report.get_image_measurement_groups()[0]) == [("246206008", "", 0, "1")]
    assert codes.METASTASIS.value.encode() not in path.read_bytes()


def test_the_observer_is_the_algorithm_and_nobody_has_verified_it(study, tmp_path):
    path = write(study, [LESION], tmp_path)
    report = dcmread(path)
    assert report.VerificationFlag == "UNVERIFIED"
    assert report.PreliminaryFlag == "PRELIMINARY"
    assert report.ContentQualification == "RESEARCH"
    (context,) = srread(path).content.get_observer_contexts()
    assert context.observer_identifying_attributes.name == "U-Net"
    text = str(report)
    assert "threshold=0.5" in text
    assert "12345678" in text


def test_evidence_names_both_files(tmp_path):
    study = study_of(write_two_files(tmp_path))
    named = srread(write(study, [LESION], tmp_path)).get_evidence()
    assert [uid for _, _, uid, _ in named] == [
        image.sop_instance_uid for image in study.images.values()
    ]


def test_dcmtk_makes_a_page_of_it(study, tmp_path):
    tool = shutil.which("dsr2html")
    if tool is None:
        pytest.skip("dsr2html is not installed (Debian package dcmtk)")
    path = write(study, [LESION], tmp_path)
    done = subprocess.run([tool, path], capture_output=True, text=True, check=True)
    assert "Imaging Measurement Report" in done.stdout
    assert not done.stderr
