import numpy as np
import pytest
from PIL import Image

from bonescan.data.annotation.labelme import read_labelme
from bonescan.data.annotation.rasterise import rasterise
from bonescan.data.load import load_scan
from bonescan.data.nifti import ViewStack, write_view_stack
from bonescan.dicom.scan import View
from bonescan.report.labelme import export_for_labelme, export_scans, to_grey
from tests.data.annotation.labelme_files import random_label
from tests.factories import BOTH, COLUMNS, ROWS, SPACING_MM, make_scan_file


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
