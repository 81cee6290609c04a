import json

import numpy as np
import pytest
from PIL import Image

from bonescan.data.annotation.labelme import read_labelme
from bonescan.data.annotation.rasterise import rasterise
from bonescan.data.load import load_scan
from bonescan.data.nifti import ViewStack, write_view_stack
from bonescan.dicom.scan import View
from bonescan.report.labelme import export_for_labelme, export_scans, to_grey
from bonescan.report.writers import LabelMapWriter
from tests.data.annotation.labelme_files import random_label
from tests.factories import BOTH, COLUMNS, ROWS, SPACING_MM, make_scan_file
from tests.report.scan_results import PROVENANCE, make_result


def stack_of(array, views=tuple(View)):
    return ViewStack(array, SPACING_MM, views)


def test_an_exported_label_map_paints_back_exactly(tmp_path):
    scan = load_scan(make_scan_file(tmp_path / "scan.dcm"))
    label = random_label(3)
    paths = export_for_labelme("p0_scan", scan, stack_of(label), tmp_path / "out")
    assert [path.name for path in paths] == ["p0_scan_anterior.json", "p0_scan_posterior.json"]
    for path, plane, view in zip(paths, label, View, strict=True):
        drawn = read_labelme(path)
        assert (drawn.scan_id, drawn.view) == (scan.scan_id, view)
        painted = rasterise(drawn, (ROWS, COLUMNS), {"metastasis": 1, "bladder": 2})
        np.testing.assert_array_equal(painted, plane)
        with Image.open(path.parent / drawn.image_path) as image:
            assert (image.mode, image.size) == ("L", (COLUMNS, ROWS))


def test_outlines_of_a_system_say_what_made_them(tmp_path):
    (tmp_path / "labels").mkdir()
    scan = load_scan(make_scan_file(tmp_path / "scans" / "p" / "scan.dcm"))
    result = make_result(
        scan_id="p_scan", counts=scan.stack(), label_map=random_label(2),
        prob=np.zeros((2, ROWS, COLUMNS)), field_mask=np.ones((2, ROWS, COLUMNS), bool),
        spacing_mm=SPACING_MM,
    )  # fmt: skip
    (tmp_path / "labels" / "p_scan").mkdir()
    LabelMapWriter()(result, tmp_path / "labels")
    (path,) = tmp_path.glob("labels/p_scan/*.nii.gz")
    path.rename(tmp_path / "labels" / "p_scan.nii.gz")
    assert export_scans(tmp_path / "scans", tmp_path / "labels", tmp_path / "out") == (2, [])
    content = json.loads((tmp_path / "out" / "p_scan_anterior.json").read_text())
    assert content["made_by"]["system"] == "U-Net"
    assert content["made_by"]["weights_sha256"] == [*PROVENANCE.weights_sha256]


@pytest.mark.parametrize(("salt", "warnings"), [("", 1), ("secret", 0)])
def test_a_missing_key_is_warned_of_once(tmp_path, monkeypatch, caplog, salt, warnings):
    monkeypatch.setenv("BONE_SCAN_SALT", salt)
    for patient in ("p", "q"):
        make_scan_file(tmp_path / "scans" / patient / "scan.dcm")
    export_scans(tmp_path / "scans", tmp_path, tmp_path / "out")
    assert caplog.text.count("BONE_SCAN_SALT is not set") == warnings


@pytest.mark.parametrize("comment", ["", "Doe, Jane", '["system"]', '{"PatientName": "Doe"}'])
def test_comments_of_others_are_not_handed_on(tmp_path, comment):
    scan = load_scan(make_scan_file(tmp_path / "scan.dcm"))
    label = ViewStack(random_label(1), SPACING_MM, tuple(View), comment=comment)
    path, _ = export_for_labelme("p0", scan, label, tmp_path / "out")
    assert "made_by" not in json.loads(path.read_text())


def test_pictures_are_hot_black():
    counts = np.zeros((8, 30), np.float32)
    counts[:, 10:] = 50
    counts[3, 4] = 900
    grey = to_grey(counts)
    assert (grey[0, 0], grey[3, 4]) == (255, 0)
    np.testing.assert_array_equal(to_grey(np.zeros((3, 4), np.float32)), 255)


def test_maps_of_another_scan_and_unknown_values_are_refused(tmp_path):
    scan = load_scan(make_scan_file(tmp_path / "scan.dcm"))
    for array, message in (
        (
            random_label(1)[:, 1:],
            "label map of p0: map must have the views .* got .*59 x 26 pixels",
        ),
        (random_label(1) + 3, r"label map of p0: values must be .*, got 3, 4, 5"),
    ):
        with pytest.raises(ValueError, match=message):
            export_for_labelme("p0", scan, stack_of(array), tmp_path / "out")


def test_scans_without_label_map_become_pictures_to_draw_on(tmp_path):
    make_scan_file(tmp_path / "scans" / "p0" / "scan.dcm")
    views, failures = export_scans(tmp_path / "scans", None, tmp_path / "out")
    assert (views, failures) == (2, [])
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"p0_scan_anterior.png", "p0_scan_posterior.png"}
    for view, counts in load_scan(tmp_path / "scans/p0/scan.dcm").counts.items():
        picture = np.asarray(Image.open(tmp_path / f"out/p0_scan_{view}.png"))
        np.testing.assert_array_equal(picture, to_grey(counts))


def test_a_label_map_is_that_of_the_scan_and_not_of_one_that_its_name_fits(tmp_path):
    for number, patient in enumerate(("pat1", "pat[1]")):
        counts = {view: plane + number for view, plane in BOTH.items()}
        make_scan_file(tmp_path / "scans" / patient / "scan.dcm", counts)
    (tmp_path / "labels").mkdir()
    write_view_stack(
        tmp_path / "labels" / "pat1_scan.nii.gz", random_label(2), SPACING_MM, tuple(View)
    )
    views, failures = export_scans(tmp_path / "scans", tmp_path / "labels", tmp_path / "out")
    assert (views, failures) == (2, ["scan pat[1]_scan: has no label map"])
