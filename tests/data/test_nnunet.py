import json
import os
import subprocess
import sys
from importlib.util import find_spec
from itertools import product

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from bonescan.data.nifti import read_view_stack, write_view_stack
from bonescan.data.nnunet import NIFTI, PNG, DatasetForm, export_dataset, import_predictions
from bonescan.dicom.scan import View
from tests.data.annotation.labelme_files import make_cohort, random_label
from tests.factories import BOTH, COLUMNS, ROWS, SPACING_MM

NAME = "Dataset901_Bone"


@pytest.fixture
def datalist(tmp_path):
    return make_cohort(tmp_path / "scans", [random_label(seed) for seed in range(4)], test=1)


@pytest.mark.parametrize(("ending", "mirrored"), list(product([PNG, NIFTI], [False, True])))
def test_export_then_import_gives_back_the_labels(tmp_path, datalist, ending, mirrored):
    form = DatasetForm(ending, mirror_posterior=mirrored)
    dataset = export_dataset(datalist, tmp_path / NAME, form)
    for folder, numbers in (("labelsTr", (0, 1, 2)), ("labelsTs", (3,))):
        written = import_predictions(datalist, dataset, dataset / folder, tmp_path / folder)
        assert [path.name for path in written] == [f"p{n}_scan.nii.gz" for n in numbers]
        for path, number in zip(written, numbers, strict=True):
            stack = read_view_stack(path)
            np.testing.assert_array_equal(stack.array, random_label(number))
            assert stack.views == tuple(View)
            np.testing.assert_allclose(stack.spacing_mm, SPACING_MM)


def test_images_hold_the_counts_one_case_per_view(tmp_path, datalist):
    dataset = export_dataset(datalist, tmp_path / NAME, DatasetForm(mirror_posterior=True))
    with Image.open(dataset / "imagesTr" / "p1_scan_anterior_0000.png") as image:
        np.testing.assert_array_equal(np.array(image), BOTH[View.ANTERIOR])
    with Image.open(dataset / "imagesTs" / "p3_scan_posterior_0000.png") as image:
        np.testing.assert_array_equal(np.array(image), BOTH[View.POSTERIOR][:, ::-1])
    names = sorted(path.name for path in (dataset / "labelsTr").iterdir())
    assert names == [f"p{n}_scan_{view}.png" for n in range(3) for view in View]


def test_nifti_files_have_one_slice_and_the_spacing(tmp_path, datalist):
    dataset = export_dataset(datalist, tmp_path / NAME, DatasetForm(NIFTI))
    image = nib.load(dataset / "imagesTr" / "p0_scan_posterior_0000.nii.gz")
    assert image.shape == (COLUMNS, ROWS, 1)
    row_mm, column_mm = SPACING_MM
    np.testing.assert_allclose(image.header.get_zooms(), (column_mm, row_mm, 999))
    np.testing.assert_array_equal(np.asarray(image.dataobj)[..., 0].T, BOTH[View.POSTERIOR])


def test_the_description_and_the_splits_are_nnunets(tmp_path, datalist):
    dataset = export_dataset(datalist, tmp_path / NAME, DatasetForm())
    described = json.loads((dataset / "dataset.json").read_text())
    assert described["channel_names"] == {"0": "counts"}
    assert described["labels"] == {"background": 0, "metastasis": 1, "bladder": 2}
    assert (described["numTraining"], described["file_ending"]) == (6, ".png")
    splits = json.loads((dataset / "splits_final.json").read_text())
    cases = [[f"p{n}_scan_{view}" for view in View] for n in range(3)]
    assert splits == [
        {"train": cases[1] + cases[2], "val": cases[0]},
        {"train": cases[0] + cases[2], "val": cases[1]},
        {"train": cases[0] + cases[1], "val": cases[2]},
    ]


def test_lesions_only_leaves_the_bladder_out(tmp_path, datalist):
    dataset = export_dataset(datalist, tmp_path / NAME, DatasetForm(lesions_only=True))
    described = json.loads((dataset / "dataset.json").read_text())
    assert described["labels"] == {"background": 0, "metastasis": 1}
    with Image.open(dataset / "labelsTr" / "p0_scan_anterior.png") as image:
        np.testing.assert_array_equal(np.array(image), random_label(0)[0] == 1)


def edit(datalist, change):
    content = json.loads(datalist.read_text())
    for entry in content["training"]:
        change(entry)
    datalist.write_text(json.dumps(content))


@pytest.mark.parametrize("field", ["label", "fold"])
def test_training_entries_need_labels_and_folds(tmp_path, datalist, field):
    edit(datalist, lambda entry: entry.pop(field))
    with pytest.raises(ValueError, match=f"every training entry must have '{field}', 3 lack"):
        export_dataset(datalist, tmp_path / NAME, DatasetForm())


@pytest.mark.parametrize("name", ["Dataset1_Bone", "Bone", "Dataset901", "Dataset9x1_Bone"])
def test_the_folder_must_be_named_as_nnunet_wants_it(tmp_path, datalist, name):
    with pytest.raises(ValueError, match=f"folder must be named DatasetNNN_Name, got '{name}'"):
        export_dataset(datalist, tmp_path / name, DatasetForm())


def test_a_folder_with_other_files_is_refused(tmp_path, datalist):
    export_dataset(datalist, tmp_path / NAME, DatasetForm())
    with pytest.raises(ValueError, match="must be empty, got other files"):
        export_dataset(datalist, tmp_path / NAME, DatasetForm())


def test_an_unknown_file_ending_is_refused():
    with pytest.raises(ValueError, match=r"file_ending must be .png or .nii.gz, got '.tif'"):
        DatasetForm(".tif")


def test_labels_that_do_not_fit_the_scan_are_refused(tmp_path, datalist):
    path = datalist.parent / "p1" / "label.nii.gz"
    for folder, array, message in (
        (
            "a",
            random_label(1)[:, 1:],
            "scan p1_scan: label.nii.gz: map must have the views and .* got .*59 x 26",
        ),
        (
            "b",
            random_label(1) + 5,
            r"scan p1_scan: label map: values must be 0 background, .*, got 5",
        ),
    ):
        write_view_stack(path, array, SPACING_MM, tuple(View))
        with pytest.raises(ValueError, match=message):
            export_dataset(datalist, tmp_path / folder / NAME, DatasetForm())


def test_counts_that_png_cannot_hold_are_refused(tmp_path, datalist):
    for number in range(3):
        counts = np.full((2, ROWS, COLUMNS), 0.5, np.float32)
        write_view_stack(datalist.parent / f"p{number}/scan.nii", counts, SPACING_MM, tuple(View))
    edit(datalist, lambda entry: entry.update(image=entry["image"].replace(".dcm", ".nii")))
    with pytest.raises(ValueError, match=r"counts must be whole numbers from 0 to 65535 for .png, "
                       r"got 0.5 to 0.5; choose .nii.gz"):  # fmt: skip
        export_dataset(datalist, tmp_path / NAME, DatasetForm())
    export_dataset(datalist, tmp_path / "Dataset902_Bone", DatasetForm(NIFTI))


def test_a_scan_that_cannot_be_read_is_told_not_passed_over(tmp_path, datalist):
    dataset = export_dataset(datalist, tmp_path / NAME, DatasetForm())
    (datalist.parent / "p1" / "scan.dcm").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"scan\.dcm: not a DICOM file"):
        import_predictions(datalist, dataset, dataset / "labelsTr", tmp_path / "out")


def test_predictions_that_do_not_fit_are_refused(tmp_path, datalist):
    dataset = export_dataset(datalist, tmp_path / NAME, DatasetForm())
    folder, output = dataset / "labelsTs", tmp_path / "out"

    def back():
        return import_predictions(datalist, dataset, folder, output)

    path = folder / "p3_scan_anterior.png"
    for content, message in (
        (np.zeros((ROWS, COLUMNS + 1), np.uint8), "anterior.png: must have the scan's size"),
        (np.full((ROWS, COLUMNS), 7, np.uint8), r"anterior.png: values must be .*, got 7"),
    ):
        Image.fromarray(content).save(path)
        with pytest.raises(ValueError, match=message):
            back()
    path.write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"anterior.png: must be a PNG file"):
        back()
    path.unlink()
    with pytest.raises(ValueError, match=r"must be of all views, \['p3_scan_anterior.png'\] miss"):
        back()
    (folder / "p3_scan_posterior.png").unlink()
    with pytest.raises(ValueError, match="must hold predictions of the scans of"):
        back()
    (dataset / "dataset.json").write_text("{}")
    with pytest.raises(ValueError, match=r"must be the dataset.json of an export, lacks"):
        back()
    for text in ("5", "[" * 100_000):
        (dataset / "dataset.json").write_text(text)
        with pytest.raises(ValueError, match=r"must be the dataset.json of an export, got"):
            back()


PLAN = (
    "from nnunetv2.experiment_planning.plan_and_preprocess_entrypoints import "
    "plan_and_preprocess_entry; plan_and_preprocess_entry()"
)


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("nnunetv2"), reason="nnunetv2 is not installed")
def test_nnunet_plans_in_the_plane(tmp_path, datalist):
    export_dataset(datalist, tmp_path / "raw" / NAME, DatasetForm(NIFTI))
    folders = {
        f"nnUNet_{name}": str(tmp_path / name) for name in ("raw", "preprocessed", "results")
    }
    options = ["-d", "901", "--no_pp", "-np", "1", "-npfp", "1"]
    subprocess.run(
        [sys.executable, "-c", PLAN, *options], env={**os.environ, **folders}, check=True
    )
    plans = json.loads((tmp_path / "preprocessed" / NAME / "nnUNetPlans.json").read_text())
    assert plans["configurations"]["2d"]["spacing"] == pytest.approx(SPACING_MM)
    assert min(plans["configurations"]["2d"]["patch_size"]) >= COLUMNS
