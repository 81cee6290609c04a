"""Unknown values of a label map are named with their file."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImaged

from bonescan.data.nifti import write_view_stack
from bonescan.dicom.scan import View
from bonescan.errors import root_cause
from bonescan.transforms import CheckLabelValuesd


def test_known_values_pass_unchanged():
    label = MetaTensor(torch.tensor([[[0.0, 1.0, 2.0]]]))
    sample = CheckLabelValuesd("label")({"label": label, "image": torch.tensor(7.0)})
    assert sample["label"] is label


def test_missing_label_is_allowed_where_asked_for():
    assert CheckLabelValuesd("label", allow_missing_keys=True)({"image": 1}) == {"image": 1}
    with pytest.raises(KeyError):
        CheckLabelValuesd("label")({"image": 1})


def test_label_that_was_not_loaded_is_left_alone():
    assert CheckLabelValuesd("label")({"label": "label.nii.gz"}) == {"label": "label.nii.gz"}


def test_unknown_value_is_named_with_its_file(tmp_path):
    array = np.zeros((1, 4, 3), np.uint8)
    array[0, 1, 2] = 7
    path = tmp_path / "drawn label.nii.gz"
    write_view_stack(path, array, (0.1, 0.3), [View.ANTERIOR])
    load = LoadImaged("label", reader="bonescan.data.reader.BoneScanReader")
    chain = Compose([load, CheckLabelValuesd("label")])
    with pytest.raises(RuntimeError) as raised:
        chain({"label": str(path)})
    assert str(root_cause(raised.value)) == (
        "drawn label.nii.gz: values must be 0 background, 1 metastasis, 2 bladder, got 7: map "
        "them first (`bonescan annotate import` does so for LabelMe files)"
    )
