"""Unknown values of a label map are named with their file."""

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImaged

from bonescan.data.nifti import write_view_stack
from bonescan.dicom.scan import View
from bonescan.errors import root_cause
from bonescan.keys import META_VIEWS
from bonescan.transforms import CheckLabelGridd, CheckLabelValuesd, FillLabeld
from tests.factories import BOTH, COLUMNS, ROWS, make_scan_file
from tests.factories import SPACING_MM as SCAN_SPACING_MM


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


def test_a_sample_without_label_gets_an_empty_one_like_its_image(make_stack):
    image = make_stack(views="anterior+posterior")
    filled = FillLabeld(["image", "label", "body"])({"image": image, "patient": "p"})
    assert filled["labelled"] is False
    assert filled["image"] is image
    for key in ("label", "body"):
        assert filled[key].shape == image.shape
        assert not filled[key].any()
        assert torch.equal(filled[key].affine, image.affine)
        assert filled[key].meta[META_VIEWS] == "anterior+posterior"
    filled["label"].meta[META_VIEWS] = "anterior"
    assert image.meta[META_VIEWS] == "anterior+posterior"


def test_a_sample_with_label_is_only_marked(make_stack):
    sample = {"image": make_stack(), "label": make_stack() * 0 + 1}
    marked = FillLabeld(["image", "label"])(sample)
    assert marked.pop("labelled") is True
    assert marked.keys() == sample.keys()
    assert marked["label"] is sample["label"]


def test_another_map_is_not_made_up_for_a_labelled_sample(make_stack):
    sample = {"image": make_stack(), "label": make_stack()}
    expected = "^scan-7: entry of the datalist must have image, label, body, lacks body$"
    with pytest.raises(ValueError, match=expected):
        FillLabeld(["image", "label", "body"])(sample)


@pytest.mark.parametrize("keys", ["image", ["image"]])
def test_nothing_is_filled_where_no_label_is_loaded(make_stack, keys):
    sample = {"image": make_stack(), "label": "label.nii.gz"}
    assert FillLabeld(keys)(sample) == sample
    assert FillLabeld(keys)({"image": sample["image"]}).keys() == {"image"}


SPACING_MM = (2.4, 1.9)
MISFITS = {
    "view": (np.zeros((1, 4, 3)), SPACING_MM, [View.POSTERIOR], "posterior, 4 x 3 pixels"),
    "views": (np.zeros((2, 4, 3)), SPACING_MM, list(View), "anterior and posterior, 4 x 3 pixels"),
    "turned": (np.zeros((1, 3, 4)), SPACING_MM, [View.ANTERIOR], "anterior, 3 x 4 pixels"),
    "spacing": (np.zeros((1, 4, 3)), (2.4, 5.0), [View.ANTERIOR], "pixels of 2.4 x 5 mm"),
    "swapped spacing": (np.zeros((1, 4, 3)), (1.9, 2.4), [View.ANTERIOR], "of 1.9 x 2.4 mm"),
}
"""Label maps that do not lie on an anterior image of 4 x 3 pixels of 2.4 x 1.9 mm."""


def load_pair(folder, label, spacing_mm, views, make_stack):
    path = folder / "drawn.nii.gz"
    write_view_stack(path, label.astype(np.uint8), spacing_mm, views)
    load = LoadImaged("label", reader="bonescan.data.reader.BoneScanReader")
    image = make_stack(torch.zeros(1, 4, 3), views="anterior", spacing_mm=SPACING_MM)
    return load({"image": image, "label": str(path)})


@pytest.mark.parametrize("case", MISFITS)
def test_a_map_that_does_not_lie_on_its_image_is_named(case, tmp_path, make_stack):
    label, spacing_mm, views, found = MISFITS[case]
    sample = load_pair(tmp_path, label, spacing_mm, views, make_stack)
    with pytest.raises(ValueError, match=r"^drawn\.nii\.gz: map must have the") as e:
        CheckLabelGridd(["image", "label"])(sample)
    assert "(anterior, 4 x 3 pixels of 2.4 x 1.9 mm), got" in str(e.value)
    assert found in str(e.value)


def test_a_map_on_its_image_passes_with_spacing_as_files_round_it(tmp_path, make_stack):
    rounded_mm = (2.4 + 1e-3, 1.9 - 1e-3)
    sample = load_pair(tmp_path, np.ones((1, 4, 3)), rounded_mm, [View.ANTERIOR], make_stack)
    checked = CheckLabelGridd(["image", "label"])(sample)
    assert all(checked[key] is sample[key] for key in sample)


@pytest.mark.parametrize("keys", ["image", ["image"]])
def test_an_image_alone_has_nothing_to_fit(keys, make_stack):
    sample = {"image": make_stack(), "label": "label.nii.gz"}
    assert CheckLabelGridd(keys)(sample) == sample


ORDERS = {"anterior first": list(View), "posterior first": list(reversed(View))}


@pytest.fixture(params=ORDERS)
def scan_and_map(request, tmp_path):
    """A scan's file, and a map drawn on it without names of views: a spot in the first frame."""
    first, second = ORDERS[request.param]
    scan = make_scan_file(tmp_path / "scan.dcm", {first: BOTH[first], second: BOTH[second]})
    drawn = np.zeros((COLUMNS, ROWS, 2), np.uint8)
    drawn[5, 20, 0] = 1
    image = nib.Nifti1Image(drawn, None)
    image.header.set_zooms((*reversed(SCAN_SPACING_MM), 999.0))
    path = tmp_path / "drawn.nii.gz"
    nib.save(image, path)
    return first, str(scan), str(path)


def load_and_check(image, label):
    load = LoadImaged(["image", "label"], reader="bonescan.data.reader.BoneScanReader", dtype=None)
    return CheckLabelGridd(["image", "label"])(load({"image": image, "label": label}))["label"]


def test_a_map_without_names_on_a_file_with_the_posterior_view_first(scan_and_map):
    first, scan, drawn = scan_and_map
    if first is View.POSTERIOR:
        expected = r"^drawn\.nii\.gz: map does not name its views, and .* \[MAP, SCAN\]"
        with pytest.raises(ValueError, match=expected):
            load_and_check(scan, drawn)
    else:
        assert load_and_check(scan, drawn)[0, 20, 5] == 1
    along_the_file = load_and_check(scan, [drawn, scan])
    assert along_the_file[list(View).index(first), 20, 5] == 1
    by_hand = load_and_check(scan, f"{drawn}#view=anterior")
    assert by_hand[0, 20, 5] == 1
