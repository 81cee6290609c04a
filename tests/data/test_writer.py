import re

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import LoadImaged, SaveImaged

from bonescan.data.nifti import read_view_stack
from bonescan.data.reader import BoneScanReader
from bonescan.data.writer import ViewStackWriter, name_by_scan_id
from bonescan.dicom.scan import View
from bonescan.keys import META_SCAN_ID
from tests.factories import BOTH, SPACING_MM, make_scan_file

DOTTED = "bonescan.data.writer.ViewStackWriter"


def make_saver(folder, **options):
    options = {"writer": DOTTED, "output_dtype": "uint8", "output_postfix": "label", **options}
    return SaveImaged(
        "pred",
        output_dir=folder,
        output_ext=".nii.gz",
        separate_folder=False,
        print_log=False,
        output_name_formatter=name_by_scan_id,
        **options,
    )


def make_prediction(tmp_path, views=tuple(View)):
    path = make_scan_file(tmp_path / "Doe^Jane.dcm", {view: BOTH[view] for view in views})
    image = LoadImaged("image", reader=BoneScanReader)({"image": path})["image"]
    return MetaTensor((image > 250).long() + (image > 600).long()).copy_meta_from(image)


@pytest.mark.parametrize("writer", [DOTTED, ViewStackWriter])
@pytest.mark.parametrize("views", [tuple(View), (View.POSTERIOR,)])
def test_round_trip(tmp_path, writer, views):
    pred = make_prediction(tmp_path, views)
    make_saver(tmp_path / "out", writer=writer)({"pred": pred})
    (path,) = (tmp_path / "out").iterdir()
    assert path.name == f"{pred.meta[META_SCAN_ID]}_label.nii.gz"
    stack = read_view_stack(path)
    np.testing.assert_array_equal(stack.array, pred)
    assert stack.array.dtype == np.uint8
    assert stack.spacing_mm == pytest.approx(SPACING_MM)
    assert stack.views == views
    again = LoadImaged("image", reader=BoneScanReader, dtype=None)({"image": path})["image"]
    np.testing.assert_array_equal(again, pred)
    assert nib.load(path).shape == (26, 60, len(views))


@pytest.mark.parametrize("resample", [True, False])
def test_one_channel_axis_and_floats(tmp_path, resample):
    pred = make_prediction(tmp_path)
    floats = MetaTensor(pred[None].float() - 1e-4).copy_meta_from(pred)
    make_saver(tmp_path / "out", resample=resample)({"pred": floats})
    (path,) = (tmp_path / "out").iterdir()
    np.testing.assert_array_equal(read_view_stack(path).array, pred)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda p: p[:, 10:], "map must have the (60, 26) rows and columns of the acquisition"),
        (lambda p: p[0], "map must be (view, row, column), got shape (60, 26)"),
        (lambda p: torch.as_tensor(p.numpy()), "metadata must hold 'scan_id'"),
    ],
)
def test_refused(tmp_path, change, expected):
    with pytest.raises((RuntimeError, ValueError), match=re.escape(expected)):
        make_saver(tmp_path / "out")({"pred": change(make_prediction(tmp_path))})


def test_metadata_of_another_reader():
    writer = ViewStackWriter()
    writer.set_data_array(np.zeros((1, 3, 2)))
    with pytest.raises(ValueError, match="metadata of a map must hold"):
        writer.set_metadata({})


def test_scale_is_refused():
    with pytest.raises(ValueError, match="scale must be None for maps of labels, got 255"):
        ViewStackWriter(scale=255)
