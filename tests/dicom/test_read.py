import logging
import re

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from bonescan.dicom.read import is_dicom_image, read_scan
from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from tests.factories import (
    BOTH,
    COLUMNS,
    ROWS,
    SPACING_MM,
    assert_both_views,
    assign,
    delete,
    hide_views,
    make_item,
    make_scan_file,
)

A, P = View.ANTERIOR, View.POSTERIOR
REVERSED = {P: BOTH[P], A: BOTH[A]}


def alone(view: View) -> dict:
    return {view: BOTH[view]}


# --- variants ---


def test_one_file_with_both_views(tmp_path):
    path = make_scan_file(tmp_path / "scan.dcm")
    scan = read_scan(path)
    assert_both_views(scan)
    assert scan.stack().shape == (2, ROWS, COLUMNS)
    assert scan.spacing_mm == SPACING_MM
    assert {view: (scan.sources[view].path, scan.sources[view].frame) for view in View} == {
        A: (path, 0),
        P: (path, 1),
    }
    assert scan.acquisition.scan_velocity_mm_s == 2.5
    assert scan.acquisition.duration_s == 760.0
    assert scan.acquisition.collimator == "LEHR"
    assert not scan.acquisition.simulated


def test_posterior_first(tmp_path):
    scan = read_scan(make_scan_file(tmp_path / "scan.dcm", REVERSED))
    assert_both_views(scan)
    assert scan.sources[P].frame == 0


def test_scan_is_the_same_whichever_way_its_frames_are_stored(tmp_path):
    def same_uid(image: Dataset) -> None:
        image.SOPInstanceUID = "1.2.3"

    forth = read_scan(make_scan_file(tmp_path / "a.dcm", edit=same_uid))
    back = read_scan(make_scan_file(tmp_path / "b.dcm", REVERSED, edit=same_uid))
    assert forth.scan_id == back.scan_id


@pytest.mark.parametrize("view", View)
def test_one_view_alone(tmp_path, view):
    scan = read_scan(make_scan_file(tmp_path / "scan.dcm", alone(view)))
    assert scan.views == (view,)
    np.testing.assert_array_equal(scan.stack(), BOTH[view][None])


def test_folder_with_other_files(tmp_path, caplog):
    folder = tmp_path / "patient 7"
    for view in View:
        make_scan_file(folder / f"{view} view", alone(view))  # no extension, a space
    make_scan_file(folder / "ct.dcm", edit=assign(Modality="CT"))
    (folder / "notes.txt").write_text("not DICOM")
    assert_both_views(read_scan(folder))
    assert "left out: ct.dcm: modality must be NM (nuclear medicine), got CT" in caplog.text


def test_implicit_vr(tmp_path):
    path = make_scan_file(tmp_path / "scan", syntax=ImplicitVRLittleEndian)
    assert_both_views(read_scan(path))


def test_vectors_are_scalars_when_there_is_one_frame(tmp_path):
    edit = assign(EnergyWindowVector=1, DetectorVector=1, FrameIncrementPointer=0x00540010)
    scan = read_scan(make_scan_file(tmp_path / "scan.dcm", alone(P), edit=edit))
    assert scan.views == (P,)


def test_no_detector_and_no_energy_window_items(tmp_path, caplog):
    edit = delete(
        "DetectorInformationSequence",
        "DetectorVector",
        "NumberOfDetectors",
        "EnergyWindowInformationSequence",
        "EnergyWindowVector",
        "NumberOfEnergyWindows",
    )
    assert_both_views(read_scan(make_scan_file(tmp_path / "scan.dcm", edit=edit)))
    assert "a guess from the order of the detectors" in caplog.text


def test_secondary_capture_class_with_nm_modality(tmp_path):
    edit = assign(SOPClassUID="1.2.840.10008.5.1.4.1.1.7", ConversionType="WSD")
    assert_both_views(read_scan(make_scan_file(tmp_path / "scan.dcm", edit=edit)))


@pytest.mark.parametrize(
    ("keyword", "label"),
    [("ImageID", "WHOLE BODY_F"), ("ImageID", "WB POST"), ("SeriesDescription", "WB POST")],
)
def test_label_of_a_file_with_one_view(tmp_path, keyword, label):
    def edit(image: Dataset) -> None:
        hide_views(image)
        image.Manufacturer = "GE MEDICAL SYSTEMS"
        setattr(image, keyword, label)

    assert read_scan(make_scan_file(tmp_path / "s.dcm", alone(P), edit=edit)).views == (P,)


@pytest.mark.parametrize("element", [0x12, 0x30])
def test_private_ge_label(tmp_path, element):
    def edit(image: Dataset) -> None:
        hide_views(image)
        image.private_block(0x0011, "GEMS_GENIE_1", create=True).add_new(element, "LO", "WB_F")

    assert read_scan(make_scan_file(tmp_path / "s.dcm", alone(P), edit=edit)).views == (P,)


def test_label_of_a_file_with_both_views_names_neither(tmp_path, caplog):
    def edit(image: Dataset) -> None:
        hide_views(image)
        image.ImageID = "POST"

    assert_both_views(read_scan(make_scan_file(tmp_path / "scan.dcm", edit=edit)))
    assert "a guess" in caplog.text


def test_equal_start_angles_fall_back_on_the_detectors(tmp_path, caplog):
    def edit(image: Dataset) -> None:  # as in files of a GE Discovery 670
        hide_views(image)
        for item in image.DetectorInformationSequence:
            item.StartAngle = 180

    assert_both_views(read_scan(make_scan_file(tmp_path / "scan.dcm", edit=edit)))
    assert "a guess" in caplog.text


@pytest.mark.parametrize("position", ["FFP", "modifier", "meaning"])
def test_prone_patient_turns_the_angles(tmp_path, position):
    def edit(image: Dataset) -> None:
        hide_views(image)
        for item, angle in zip(image.DetectorInformationSequence, (0, 180), strict=True):
            item.StartAngle = angle
        if position == "FFP":
            image.PatientPosition = "FFP"
        else:
            del image.PatientPosition
            code = ("F-10310", "99SDM", "") if position == "modifier" else ("1", "L", "Prone pos.")
            orientation = make_item(("F-10450", "99SDM", "recumbent"))
            orientation.PatientOrientationModifierCodeSequence = [make_item(code)]
            image.PatientOrientationCodeSequence = [orientation]

    assert_both_views(read_scan(make_scan_file(tmp_path / "scan.dcm", edit=edit)))


def test_empty_and_broken_view_code_sequences(tmp_path):
    def edit(image: Dataset) -> None:
        first, second = image.DetectorInformationSequence
        first.ViewCodeSequence = []
        second.ViewCodeSequence = [make_item(("FACE POST", "99NMG", "FACE POST"))]

    assert_both_views(read_scan(make_scan_file(tmp_path / "scan.dcm", edit=edit)))


def test_view_by_hand(tmp_path):
    path = make_scan_file(tmp_path / "scan.dcm", REVERSED, edit=hide_views)
    assert_both_views(read_scan(path, view="posterior"))
    assert_both_views(read_scan(path, view=P))
    with pytest.raises(ScanError, match="view must be one of anterior, posterior, got 'left'"):
        read_scan(path, view="left")


# --- energy windows ---


@pytest.mark.parametrize(
    ("keyword", "vector", "said"),
    [
        ("DetectorVector", [0, 1], "2 from 0 to 1"),
        ("DetectorVector", [3, 1], "2 from 1 to 3"),
        ("DetectorVector", [2, 3], "2 from 2 to 3"),
        ("DetectorVector", [65535, 1], "2 from 1 to 65535"),
        ("DetectorVector", [1, 2, 1], "3 from 1 to 2"),
        ("DetectorVector", [2], "1 from 2 to 2"),
        ("EnergyWindowVector", [1, 2], "2 from 1 to 2"),
        ("EnergyWindowVector", [0, 0], "2 from 0 to 0"),
        ("EnergyWindowVector", [1, 1, 1], "3 from 1 to 1"),
    ],
)
def test_a_vector_that_does_not_fit_the_frames_is_refused(tmp_path, keyword, vector, said):
    path = make_scan_file(tmp_path / "scan.dcm", edit=assign(**{keyword: vector}))
    with pytest.raises(ScanError, match=rf"scan\.dcm: {keyword} must have .*, got {said}; export"):
        read_scan(path)


def test_a_vector_in_another_order_is_followed(tmp_path):
    path = make_scan_file(tmp_path / "scan.dcm", edit=assign(DetectorVector=[2, 1]))
    assert read_scan(path).sources[P].frame == 0


# --- spacing ---


def test_missing_spacing_says_how_to_give_it(tmp_path):
    path = make_scan_file(tmp_path / "scan.dcm", spacing_mm=None)
    expected = (
        "scan.dcm: PixelSpacing is missing or impossible; give it in mm: "
        'spacing_mm=(row, column), the datalist field "spacing_mm": [row, column], or the name '
        '"scan.dcm#spacing_mm=2.4,2.4"'
    )
    with pytest.raises(ScanError, match=re.escape(expected)):
        read_scan(path)
    assert read_scan(path, spacing_mm=(3.0, 2.0)).spacing_mm == (3.0, 2.0)


@pytest.mark.parametrize("spacing_mm", [(0.0, 2.4), (-2.4, 2.4), (2.4, 900.0)])
def test_impossible_spacing(tmp_path, spacing_mm):
    path = make_scan_file(tmp_path / "scan.dcm", spacing_mm=spacing_mm)
    with pytest.raises(ScanError, match="PixelSpacing is missing or impossible"):
        read_scan(path)
    with pytest.raises(ScanError, match=re.escape(f"(row, column) in mm, got {spacing_mm}")):
        read_scan(path, spacing_mm=spacing_mm)


# --- views that do not belong together ---


def test_what_told_the_views_is_said(tmp_path):
    path = make_scan_file(tmp_path / "scan.dcm")
    assert read_scan(path).view_source == "code"
    assert read_scan(path, view=A).view_source == "by hand"
    path = make_scan_file(tmp_path / "scan.dcm", edit=hide_views)
    assert read_scan(path).view_source == "guess"


def test_too_many_frames(tmp_path):
    paths = [make_scan_file(tmp_path / f"{name}.dcm") for name in "ab"]
    with pytest.raises(ScanError, match=r"one scan must have 1 or 2 views, got 4 frames"):
        read_scan(paths)

    def edit(image: Dataset) -> None:
        image.NumberOfFrames = 3
        image.EnergyWindowVector, image.DetectorVector = [1, 1, 1], [1, 2, 1]
        image.PixelData += image.PixelData[: len(image.PixelData) // 2]

    three = make_scan_file(tmp_path / "three.dcm", edit=edit)
    expected = r"three\.dcm: must have 1 or 2 views, got 3 frames in one energy window"
    with pytest.raises(ScanError, match=expected):
        read_scan(three)
    many = make_scan_file(tmp_path / "many.dcm", edit=assign(NumberOfFrames=2_000_000_000))
    with pytest.raises(ScanError, match=r"many\.dcm: must have 1 or 2 views, got 2000000000"):
        read_scan(many)


# --- refusals ---


@pytest.mark.parametrize("empty", View)
def test_frame_without_counts(tmp_path, empty):
    counts = {view: BOTH[view] * (view is not empty) for view in View}
    number = 1 if empty is A else 2
    with pytest.raises(ScanError, match=rf"scan\.dcm: frame {number} holds no counts at all"):
        read_scan(make_scan_file(tmp_path / "scan.dcm", counts))


def test_long_static_image_is_taken_with_a_warning(tmp_path, caplog):
    path = make_scan_file(
        tmp_path / "scan.dcm", edit=assign(ImageType=["ORIGINAL", "PRIMARY", "STATIC", "EMISSION"])
    )
    assert_both_views(read_scan(path))
    assert "ImageType does not say WHOLE BODY; taken for one by its 60 x 26 pixels" in caplog.text


def test_no_dicom(tmp_path):
    path = tmp_path / "scan.dcm"
    path.write_bytes(b"hello" * 100)
    with pytest.raises(ScanError, match=r"scan\.dcm: not a DICOM file"):
        read_scan(path)
    with pytest.raises(ScanError, match=r"gone\.dcm: no such file in"):
        read_scan(tmp_path / "gone.dcm")
    with pytest.raises(ScanError, match="no file was given"):
        read_scan([])
    with pytest.raises(ScanError, match="no DICOM file in this folder"):
        read_scan(tmp_path)


def test_folder_of_refused_files_gives_the_first_reason(tmp_path):
    for name in ("a.dcm", "b.dcm"):
        make_scan_file(tmp_path / name, edit=assign(Modality="CT"))
    with pytest.raises(ScanError, match=r"^a\.dcm: modality must be NM"):
        read_scan(tmp_path)


def test_is_dicom_image(tmp_path):
    assert is_dicom_image(make_scan_file(tmp_path / "scan"))
    text = tmp_path / "text"
    text.write_text("DICM")
    assert not is_dicom_image(text)
    assert not is_dicom_image(tmp_path)
    edit = assign(SOPClassUID="1.2.840.10008.1.3.10")
    assert not is_dicom_image(make_scan_file(tmp_path / "DICOMDIR", edit=edit))


def test_simulated_is_said(tmp_path):
    path = make_scan_file(tmp_path / "s.dcm", edit=assign(ImageComments="Simulated, no patient"))
    assert read_scan(path).acquisition.simulated


def test_library_chatter_is_kept_quiet(tmp_path, caplog, recwarn):
    caplog.set_level(logging.DEBUG)
    path = make_scan_file(tmp_path / "scan.dcm")
    path.write_bytes(path.read_bytes().replace(b"FFS", b"f s", 1))  # an impossible code string
    assert_both_views(read_scan(path))
    assert not recwarn.list
    assert not caplog.text
