import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from pydicom import dcmread

from bonescan.data.nifti import read_view_stack
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from bonescan.phantom.cameras import CAMERAS
from bonescan.phantom.files.annotators import ANNOTATORS
from bonescan.phantom.files.patient_files import (
    PatientOrigin,
    read_truth,
    write_follow_up,
    write_patient,
)
from bonescan.phantom.follow_up import Fate, FollowUp, LesionFate
from bonescan.phantom.presets import LIU_STUDY, PRESETS, Preset
from tests.phantom.fakes import fake_patient

ONE_FILE = Preset(name="one", patients=5, two_file_share=0.0)
TWO_FILES = Preset(name="two", patients=5, two_file_share=1.0)


@pytest.fixture
def write(tmp_path):
    def write(patient, preset=ONE_FILE, *, name="sim", seed=3, number=7):
        folder = tmp_path / name
        folder.mkdir()
        write_patient(patient, PatientOrigin(preset, seed, number), folder)
        return folder

    return write


def names(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def contents(folder):
    return {name: (folder / name).read_bytes() for name in names(folder)}


@pytest.mark.parametrize(
    ("preset", "views", "files"),
    [
        (ONE_FILE, tuple(View), {"scan.dcm"}),
        (TWO_FILES, tuple(View), {"anterior.dcm", "posterior.dcm"}),
        (ONE_FILE, (View.POSTERIOR,), {"posterior.dcm"}),
        (TWO_FILES, (View.ANTERIOR,), {"anterior.dcm"}),
    ],
)
def test_folder_holds_what_it_should(write, preset, views, files):
    folder = write(fake_patient(views=views), preset)
    outlines = {
        f"labelme/{view}_{annotator.name}.json" for view in views for annotator in ANNOTATORS
    }
    maps = {"label.nii.gz", "instances.nii.gz", "benign.nii.gz", "regions.nii.gz"}
    assert names(folder) == files | maps | outlines | {"truth.json"}
    assert set(read_truth(folder)["images"]) == files


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.model)
@pytest.mark.parametrize("preset", [ONE_FILE, TWO_FILES], ids=lambda preset: preset.name)
@pytest.mark.parametrize("views", [tuple(View), *((view,) for view in View)], ids="+".join)
@pytest.mark.parametrize("scatter_window", [False, True], ids=["peak", "peak+scatter"])
def test_our_reader_reads_the_scan_back(write, camera, preset, views, scatter_window, caplog):
    patient = fake_patient(camera, views, scatter_window=scatter_window)
    folder = write(patient, preset)
    scan = read_scan(sorted(folder.glob("*.dcm")))
    assert scan.views == views
    for view in views:
        np.testing.assert_array_equal(scan.counts[view], patient.views[view].counts)
    assert scan.spacing_mm == (camera.pixel_mm, camera.pixel_mm)
    assert scan.acquisition.simulated
    assert scan.acquisition.duration_s == patient.duration_s
    assert scan.acquisition.scan_velocity_mm_s == patient.scan_velocity_mm_s
    assert not caplog.records  # the view was told, not guessed


@pytest.mark.parametrize("views", [tuple(View), (View.POSTERIOR,)], ids="+".join)
def test_maps_read_back(write, views):
    patient = fake_patient(views=views)
    folder = write(patient)
    maps = {"label": np.uint8, "instances": np.uint16, "benign": np.uint16, "regions": np.int64}
    for name, dtype in maps.items():
        stack = read_view_stack(folder / f"{name}.nii.gz")
        assert stack.views == views
        assert stack.array.dtype == dtype
        assert stack.spacing_mm == pytest.approx((2.401, 2.401))
        for plane, view in zip(stack.array, views, strict=True):
            np.testing.assert_array_equal(plane, getattr(patient.views[view], name))


def test_truth_holds_the_lesions_and_facts(write):
    patient = fake_patient()
    truth = read_truth(write(patient))
    assert truth["simulated"] is True
    assert truth["folder"] == "sim-0007"
    assert truth["clinical"]["patient"] == "SIM0007"
    assert truth["tumour_burden"] == patient.tumour_burden
    assert truth["camera"]["model"] == patient.camera.model
    assert truth["variants"] == ["osteophyte"]
    assert [lesion["number"] for lesion in truth["lesions"]] == [1, 2]
    assert truth["lesions"][0]["area_px"] == dict(patient.lesions[0].area_px)
    counts = truth["views"]["posterior"]["counts"]
    assert counts == patient.views[View.POSTERIOR].counts.sum()


def test_outlines_name_their_image(write):
    folder = write(fake_patient(), TWO_FILES)
    for path in (folder / "labelme").iterdir():
        image = json.loads(path.read_text())["imagePath"]
        assert (path.parent / image).resolve() == folder / f"{path.name.split('_')[0]}.dcm"


def test_same_origin_same_bytes_another_origin_others(write):
    first = contents(write(fake_patient(), name="first"))
    assert contents(write(fake_patient(), name="second")) == first
    other = contents(write(fake_patient(), name="third", seed=4))
    assert {name for name in first if other[name] != first[name]} == {
        name for name in first if not name.endswith(".nii.gz")
    }


def test_share_of_patients_with_two_files_is_that_of_the_preset():
    preset = PRESETS["default"]
    draws = [PatientOrigin(preset, 1, number).generator(1).random() for number in range(1, 401)]
    assert np.mean(np.array(draws) < preset.two_file_share) == pytest.approx(0.2, abs=0.05)


def test_broken_facts_are_refused(tmp_path):
    (tmp_path / "truth.json").write_text("{")
    with pytest.raises(ValueError, match=r"truth\.json must hold the facts of a simulated patient"):
        read_truth(tmp_path)
    with pytest.raises(ValueError, match="delete its folder and run the simulation again"):
        read_truth(tmp_path / "nowhere")


def test_a_study_changes_nothing_but_what_is_known(write):
    """Its draws have a stream of their own: neither scan nor outlines may change."""
    preset = PRESETS["liu2021"]
    plain = replace(preset, study=None, groups=())
    studied, alone = (
        write(fake_patient(), each, name=name, number=1)
        for name, each in (("studied", preset), ("alone", plain))
    )
    first, second = contents(studied), contents(alone)
    assert {name for name in first if first[name] != second[name]} == {"truth.json"}
    truth, other = read_truth(studied), read_truth(alone)
    assert set(truth["study"]) == {
        "metastases", "visit", "days", *(f"reading_{each.name}" for each in LIU_STUDY.readers)
    }  # fmt: skip
    assert truth.pop("clinical")["alp_u_l"] != other.pop("clinical")["alp_u_l"]
    del truth["study"]
    assert truth == other


def test_second_scan_is_of_the_same_patient_at_a_later_date(write, tmp_path):
    preset = PRESETS["liu2021"]
    first = write(fake_patient(), preset, number=1)
    fates = (LesionFate(1, 2, Fate.GROWN, heals=False), LesionFate(2, None, Fate.GONE, heals=False))
    follow_up = FollowUp(fake_patient(seed=8), "mixed", 100, 12, fates)
    origin = PatientOrigin(preset, 3, 1, visit=2)
    later = tmp_path / origin.folder
    later.mkdir()
    write_follow_up(follow_up, origin, later)
    headers = [dcmread(next(folder.glob("*.dcm"))) for folder in (first, later)]
    dates = [date.fromisoformat(header.StudyDate) for header in headers]
    assert dates[1] - dates[0] == timedelta(days=100)
    assert headers[0].PatientID == headers[1].PatientID == "SIM0001"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert headers[0][keyword].value != headers[1][keyword].value
    truth = read_truth(later)
    assert truth["study"] == {
        "metastases": 1, "visit": 2, "days": 100, "therapy_days": 12, "course": "mixed"
    }  # fmt: skip
    assert truth["clinical"]["alp_u_l"] is None
    assert truth["fates"][1] == {"earlier": 2, "later": None, "fate": "gone", "heals": False}
    assert (truth["folder"], origin.folder) == ("sim-0001-visit2",) * 2
