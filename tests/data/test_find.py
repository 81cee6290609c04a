import logging
import os
import re

import numpy as np
import pytest

from bonescan.data.find import find_scans
from bonescan.data.nifti import write_view_stack
from bonescan.dicom.codes import MANUFACTURER
from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from tests.factories import BOTH, assign, hide_views, make_datalist, make_scan_file

A, P = View.ANTERIOR, View.POSTERIOR


def single(path, view, study_uid="1.2", edit=None):
    return make_scan_file(path, {view: BOTH[view]}, study_uid=study_uid, edit=edit)


def images(path):
    return [entry["image"] for entry in find_scans(path)]


def test_file(tmp_path):
    path = make_scan_file(tmp_path / "scan")
    assert find_scans(path) == [{"image": str(path)}]
    assert find_scans(f"{path}#view=anterior") == [{"image": f"{path}#view=anterior"}]


def test_folder(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    both = make_scan_file(tmp_path / "b" / "scan", study_uid="1.1")
    front = single(tmp_path / "a" / "front.dcm", A, "1.2")
    back = single(tmp_path / "c" / "back.dcm", P, "1.2")
    alone = single(tmp_path / "d.dcm", P, "1.3")
    ct = make_scan_file(
        tmp_path / "e.dcm", edit=lambda image: setattr(image, "Modality", "CT"), study_uid="1.1"
    )
    (tmp_path / "notes.txt").write_text("notes")
    write_view_stack(tmp_path / "label.nii", np.zeros((1, 3, 2), "u1"), (2.0, 2.0), (A,))
    expected = [[str(front), str(back)], str(both), str(alone), str(ct)]
    assert images(tmp_path) == expected
    assert images(tmp_path) == expected
    assert "2 files that are not DICOM left out" in caplog.text


def test_links_are_followed_once_and_those_that_lead_nowhere_are_told(tmp_path, caplog):
    archive, elsewhere = tmp_path / "archive", tmp_path / "elsewhere"
    inside = make_scan_file(archive / "a" / "scan", study_uid="1.1")
    make_scan_file(elsewhere / "beneath" / "scan", study_uid="1.2")
    (archive / "loop").symlink_to(archive)
    (archive / "month").symlink_to(elsewhere)
    (archive / "same").symlink_to(elsewhere)
    (archive / "z.dcm").symlink_to(tmp_path / "gone.dcm")
    os.mkfifo(archive / "pipe")
    assert images(archive) == [
        str(inside), str(archive / "month" / "beneath" / "scan"), str(archive / "z.dcm")
    ]  # fmt: skip
    assert "1 links lead nowhere, such as z.dcm" in caplog.text


def test_results_of_ours_are_no_scans(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    scan = make_scan_file(tmp_path / "scan.dcm")
    edit = assign(Manufacturer=MANUFACTURER, Modality="SEG")
    make_scan_file(tmp_path / "results" / "segmentation.dcm", edit=edit)
    assert images(tmp_path) == [str(scan)]
    assert "1 results of ours left out" in caplog.text


def test_file_that_claims_to_be_dicom_stays_in_the_list(tmp_path):
    path = tmp_path / "BROKEN.DCM"
    path.write_text("not DICOM at all")
    assert images(tmp_path) == [str(path)]


def test_damaged_dicom_stays_in_the_list(tmp_path):
    path = make_scan_file(tmp_path / "scan.dcm")
    path.write_bytes(path.read_bytes()[:140] + b"\xff" * 300)
    assert images(tmp_path) == [str(path)]


def test_unmarked_views_of_one_study_are_a_pair(tmp_path):
    for view in View:
        single(tmp_path / f"{view}.dcm", view, edit=hide_views)
    assert images(tmp_path) == [[str(tmp_path / f"{view}.dcm") for view in View]]


def test_two_scans_of_one_study_are_read_alone(tmp_path, caplog):
    early = single(tmp_path / "early.dcm", A)
    late = single(tmp_path / "late.dcm", A)
    assert images(tmp_path) == [str(early), str(late)]
    assert "early.dcm and 1 more files of one study are no pair of views" in caplog.text


@pytest.mark.parametrize(
    ("keyword", "first", "second", "joined"),
    [
        ("AcquisitionTime", "080000", "113000", False),
        ("AcquisitionTime", "080000", "080000.25", True),
        ("SeriesInstanceUID", "1.5", "1.6", False),
        ("PatientSex", "F", "M", False),
        ("PatientAge", "050Y", "051Y", False),
        ("PatientAge", "050Y", "050Y", True),
    ],
)
def test_files_of_two_acquisitions_are_not_joined(tmp_path, keyword, first, second, joined):
    for view, value in zip(View, (first, second), strict=True):
        single(tmp_path / f"{view}.dcm", view, edit=lambda i, v=value: setattr(i, keyword, v))
    assert len(images(tmp_path)) == (1 if joined else 2)


def test_two_series_of_one_time_are_joined(tmp_path):
    def edit(image):
        image.AcquisitionTime = "080000"
        image.SeriesInstanceUID = f"1.{image.PixelData[100]}"

    for view in View:
        single(tmp_path / f"{view}.dcm", view, edit=edit)
    assert len(images(tmp_path)) == 1


def test_files_without_study_are_not_joined(tmp_path):
    for view in View:
        single(tmp_path / f"{view}.dcm", view, edit=lambda i: delattr(i, "StudyInstanceUID"))
    assert len(images(tmp_path)) == 2


def test_datalist(tmp_path):
    path = make_datalist(
        tmp_path,
        training=[{"image": "a.dcm", "patient": "p", "fold": 0}],
        test=[{"image": ["b.dcm", "c.dcm"], "view": "posterior", "patient": "q"}],
        again=[{"image": "a.dcm", "patient": "r"}],
    )
    assert find_scans(path) == [
        {"image": f"{tmp_path}/a.dcm", "patient": "p", "fold": 0},
        {"image": [f"{tmp_path}/b.dcm#view=posterior", f"{tmp_path}/c.dcm"], "patient": "q"},
    ]


def test_nothing_to_find(tmp_path):
    (tmp_path / "notes.txt").write_text("notes")
    expected = "no DICOM file in this folder or beneath (1 others)"
    with pytest.raises(ScanError, match=re.escape(expected)):
        find_scans(tmp_path)
    with pytest.raises(
        ScanError, match="no such file or folder; name a scan, a folder of scans, or a datalist"
    ):
        find_scans(tmp_path / "gone")
