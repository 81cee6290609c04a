import nibabel as nib
import numpy as np
import pytest
import torch
from monai.transforms import LoadImaged

from bonescan.data.nifti import write_view_stack
from bonescan.dicom.scan import View
from bonescan.transforms import FileVolumed, LoadDrawnd
from tests.factories import BOTH, SPACING_MM, make_counts, make_scan_file

LOAD = LoadImaged("image", reader="bonescan.data.reader.BoneScanReader")


@pytest.fixture
def lay_out():
    """Return what FileVolumed makes of a file and of a map that is the scan's counts, less 99."""

    def call(image, **entries):
        sample = {**LOAD({"image": image}), **entries}
        sample["pred"] = (sample["image"] - 99).clamp(0, 255)
        return FileVolumed("pred")(sample)

    return call


@pytest.mark.parametrize("order", [list(View), list(reversed(View))])
def test_a_map_lies_on_the_frames_of_its_file(lay_out, tmp_path, order):
    path = make_scan_file(tmp_path / "scan.dcm", {view: make_counts(view) for view in order})
    sample = lay_out(str(path))
    assert sample["pred"].dtype == torch.uint8
    for frame, view in enumerate(order):
        expected = np.clip(BOTH[view].astype(int) - 99, 0, 255).T
        np.testing.assert_array_equal(sample["pred"][0, :, :, frame], expected)
    row_mm, column_mm = SPACING_MM
    meta = sample["image"].meta
    np.testing.assert_allclose(meta["original_affine"], np.diag([-column_mm, -row_mm, 1, 1]))
    assert tuple(meta["spatial_shape"]) == tuple(sample["pred"].shape[1:])


def test_a_map_lies_on_a_view_stack(lay_out, tmp_path):
    stack = np.arange(2 * 7 * 5, dtype=np.int16).reshape(2, 7, 5) + 99
    write_view_stack(tmp_path / "scan.nii.gz", stack, SPACING_MM, tuple(View))
    sample = lay_out(str(tmp_path / "scan.nii.gz"))
    np.testing.assert_array_equal(sample["pred"][0], stack.transpose(2, 1, 0) - 99)


def test_the_kind_of_file_is_that_of_the_request_if_it_has_one(lay_out, tmp_path):
    path = str(make_scan_file(tmp_path / "scan.dcm"))
    assert lay_out(path)["result_extension"] == ".nii.gz"
    assert lay_out(path, result_extension=".nrrd")["result_extension"] == ".nrrd"


def test_views_in_two_files_are_no_volume(lay_out, tmp_path):
    files = [str(make_scan_file(tmp_path / v, {v: make_counts(v)})) for v in View]
    with pytest.raises(ValueError, match="views must be in one file to be laid out as such, got 2"):
        lay_out(files)


@pytest.mark.parametrize("order", [list(View), list(reversed(View)), [View.POSTERIOR]])
def test_a_map_that_was_drawn_on_a_file_comes_back_by_its_views(lay_out, tmp_path, order):
    path = make_scan_file(tmp_path / "scan.dcm", {view: make_counts(view) for view in order})
    laid_out = lay_out(str(path))
    drawn = nib.Nifti1Image(laid_out["pred"][0].numpy(), laid_out["image"].meta["original_affine"])
    nib.save(drawn, tmp_path / "drawn.nii.gz")
    load = LoadDrawnd(["image", "label"], reader="bonescan.data.reader.BoneScanReader")
    sample = load({"image": str(path), "label": str(tmp_path / "drawn.nii.gz")})
    assert sample["label"].meta["views"] == "+".join(view for view in View if view in order)
    np.testing.assert_array_equal(sample["label"], (sample["image"] - 99).clamp(0, 255))
    assert tuple(sample["label"].meta["spacing_mm"]) == SPACING_MM


def test_a_map_that_names_its_views_is_read_as_it_is(tmp_path):
    path = make_scan_file(
        tmp_path / "scan.dcm", {view: make_counts(view) for view in reversed(View)}
    )
    stack = np.stack([make_counts(view).astype(np.int16) for view in View])
    write_view_stack(tmp_path / "label.nii.gz", stack, SPACING_MM, tuple(View))
    load = LoadDrawnd(["image", "label"], reader="bonescan.data.reader.BoneScanReader")
    sample = load({"image": str(path), "label": str(tmp_path / "label.nii.gz")})
    np.testing.assert_array_equal(sample["label"], stack)
