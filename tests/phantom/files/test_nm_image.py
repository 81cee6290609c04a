import io
import shutil
import subprocess
import warnings

import numpy as np
import pydicom
import pytest
from pydicom import config

from bonescan.dicom.scan import View
from bonescan.phantom.cameras import CAMERAS, PHOTOPEAK_WINDOW_KEV
from bonescan.phantom.files.nm_image import LAYOUTS, Examination, nm_image
from tests.phantom.fakes import fake_patient

BOTH = tuple(View)
ONE_FILE_EACH = [BOTH, (View.ANTERIOR,), (View.POSTERIOR,)]
cameras = pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.model)
contents = pytest.mark.parametrize("views", ONE_FILE_EACH, ids="+".join)
windows = pytest.mark.parametrize("scatter_window", [False, True], ids=["peak", "peak+scatter"])


def make(
    camera=CAMERAS[1],
    views=BOTH,
    number=7,
    origin="preset default, seed 3",
    scatter_window=False,
):
    patient = fake_patient(camera, scatter_window=scatter_window)
    examination = Examination(
        patient="SIM0007",
        number=number,
        origin=origin,
        person=patient.person,
        camera=camera,
        scan_velocity_mm_s=patient.scan_velocity_mm_s,
        duration_s=patient.duration_s,
    )
    counts = {view: patient.views[view].counts for view in views}
    scatter = {view: patient.views[view].scatter for view in views} if scatter_window else None
    return nm_image(examination, counts, scatter), counts


def as_bytes(image):
    file = io.BytesIO()
    image.save_as(file, enforce_file_format=True)
    return file.getvalue()


def test_every_camera_has_a_layout():
    assert {camera.model for camera in CAMERAS} == set(LAYOUTS)


@cameras
@contents
def test_file_reads_back_without_a_warning(camera, views, monkeypatch):
    image, counts = make(camera, views)
    monkeypatch.setattr(config.settings, "reading_validation_mode", config.RAISE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = pydicom.dcmread(io.BytesIO(as_bytes(image)))
        for element in again.iterall():
            str(element.value)
    pixels = again.pixel_array.reshape(len(views), *counts[views[0]].shape)
    np.testing.assert_array_equal(pixels, np.stack(list(counts.values())))
    assert again.PixelSpacing == [camera.pixel_mm] * 2
    assert again.CountsAccumulated == sum(view.sum() for view in counts.values())
    assert again.ImageType[2] == "WHOLE BODY"


@cameras
@contents
@windows
def test_file_passes_dciodvfy(camera, views, scatter_window, tmp_path):
    tool = shutil.which("dciodvfy")
    if tool is None:
        pytest.skip("dciodvfy is not installed (Debian package dicom3tools)")
    path = tmp_path / "scan.dcm"
    path.write_bytes(as_bytes(make(camera, views, scatter_window=scatter_window)[0]))
    done = subprocess.run([tool, path], capture_output=True, text=True, check=False)
    report = done.stdout + done.stderr
    assert "NMImage" in report
    assert "Error" not in report, report


@cameras
def test_header_says_that_it_is_simulated_and_names_no_maker(camera):
    image, _ = make(camera)
    assert image.Manufacturer.startswith("Simulated (")
    assert image.Manufacturer != camera.manufacturer
    for keyword in ("PatientName", "StudyDescription", "SeriesDescription", "ImageComments"):
        assert "SIMULATED" in str(image[keyword].value)
    assert image.ManufacturerModelName.startswith("Simulated ")


@cameras
@contents
def test_frames_of_the_scatter_window_follow_those_of_the_photopeak(camera, views):
    image, counts = make(camera, views, scatter_window=True)
    assert image.NumberOfFrames == 2 * len(views)
    assert image.NumberOfEnergyWindows == len(image.EnergyWindowInformationSequence) == 2
    vector, detectors = list(image.EnergyWindowVector), list(image.DetectorVector)
    assert vector == [1] * len(views) + [2] * len(views)
    assert detectors == [*range(1, len(views) + 1)] * 2
    limits = [
        (float(item.EnergyWindowLowerLimit), float(item.EnergyWindowUpperLimit))
        for window in image.EnergyWindowInformationSequence
        for item in window.EnergyWindowRangeSequence
    ]
    assert limits == [PHOTOPEAK_WINDOW_KEV, camera.scatter_window_kev]
    assert limits[1][1] <= limits[0][0]
    frames = image.pixel_array
    for index, view in enumerate(views):
        np.testing.assert_array_equal(frames[index], counts[view])
        np.testing.assert_array_equal(frames[index + len(views)], counts[view] // 3)


def test_windows_of_ge_are_named_as_ge_names_them():
    image, _ = make(CAMERAS[1], scatter_window=True)
    names = [window.EnergyWindowName for window in image.EnergyWindowInformationSequence]
    assert names == ["Tc99m_EM", "Tc99m_SC"]


def test_same_origin_gives_the_same_bytes():
    assert as_bytes(make()[0]) == as_bytes(make()[0])


def test_uids_depend_on_origin_and_view_and_join_what_belongs_together():
    anterior, posterior = (make(views=(view,))[0] for view in View)
    other = make(views=(View.ANTERIOR,), origin="preset default, seed 4")[0]
    assert anterior.StudyInstanceUID == posterior.StudyInstanceUID != other.StudyInstanceUID
    assert anterior.SeriesInstanceUID == posterior.SeriesInstanceUID != other.SeriesInstanceUID
    uids = {image.SOPInstanceUID for image in (anterior, posterior, other, make()[0])}
    assert len(uids) == 4
    assert (anterior.InstanceNumber, posterior.InstanceNumber) == (1, 2)


def test_older_ge_layout_names_the_view_of_a_single_frame_in_image_id_only():
    millennium = next(camera for camera in CAMERAS if camera.model == "Millennium MG")
    for view, suffix in ((View.ANTERIOR, "_E"), (View.POSTERIOR, "_F")):
        image, _ = make(millennium, (view,))
        assert image.ImageID.endswith(suffix)
        assert len(image.DetectorInformationSequence) == 0
    image, _ = make(millennium)
    assert [item.StartAngle for item in image.DetectorInformationSequence] == [180, 0]


def test_siemens_layout_codes_the_view():
    symbia = next(camera for camera in CAMERAS if camera.model == "Symbia")
    image, _ = make(symbia)
    meanings = [item.ViewCodeSequence[0].CodeMeaning for item in image.DetectorInformationSequence]
    assert meanings == ["Anterior projection", "Posterior projection"]
    assert [item.StartAngle for item in image.DetectorInformationSequence] == [180, 360]


def test_first_pixel_of_both_views_lies_at_opposite_sides_of_the_patient():
    image, counts = make()
    rows, columns = counts[View.ANTERIOR].shape
    pixel_mm = CAMERAS[1].pixel_mm
    for item, sign in zip(image.DetectorInformationSequence, (1, -1), strict=True):
        first = np.array(item.ImagePositionPatient, float)
        along_row = np.array(item.ImageOrientationPatient[:3], float)
        along_column = np.array(item.ImageOrientationPatient[3:], float)
        last = first + pixel_mm * ((columns - 1) * along_row + (rows - 1) * along_column)
        # x points to the patient's left, z to the head.
        assert np.sign(last[0] - first[0]) == sign
        assert last[2] < first[2]
        np.testing.assert_allclose(first, -last, atol=1e-5)


def test_study_date_follows_the_number_of_the_patient():
    assert make(number=1)[0].StudyDate == "20200102"
    assert make(number=31)[0].StudyDate == "20200201"
