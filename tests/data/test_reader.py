import json
import logging
import re

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor, decollate_batch, list_data_collate
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

from bonescan.data.nifti import write_view_stack
from bonescan.data.reader import BoneScanReader
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from bonescan.errors import ScanError, root_cause
from bonescan.keys import (
    META_ACQUIRED,
    META_CONTENT_CHECK,
    META_PATIENT_KEY,
    META_SCAN_ID,
    META_SIMULATED,
    META_SOURCES,
    META_SPACING,
    META_VIEW_SOURCE,
    META_VIEWS,
)
from tests.factories import BOTH, COLUMNS, ROWS, SPACING_MM, assign, hide_views, make_scan_file
from tests.privacy import assert_silent

A, P = View.ANTERIOR, View.POSTERIOR
DOTTED = "bonescan.data.reader.BoneScanReader"


def load(image, **options):
    options = {"reader": BoneScanReader, "dtype": None, **options}
    return LoadImaged("image", **options)({"image": image})["image"]


def assert_right(image):
    assert isinstance(image, MetaTensor)
    assert image.shape == (2, ROWS, COLUMNS)
    for plane, view in zip(image, View, strict=True):
        np.testing.assert_array_equal(plane, BOTH[view])
    torch.testing.assert_close(image.pixdim[:2].tolist(), list(SPACING_MM))
    np.testing.assert_allclose(image.affine, np.diag([*SPACING_MM, 1, 1]))
    assert image.meta[META_VIEWS] == "anterior+posterior"


@pytest.mark.parametrize("reader", [DOTTED, BoneScanReader, BoneScanReader()])
@pytest.mark.parametrize("channel_first", [True, False])
def test_dicom_through_load_image(tmp_path, reader, channel_first):
    day = assign(AcquisitionDate="20240305")
    path = make_scan_file(tmp_path / "scan", {P: BOTH[P], A: BOTH[A]}, edit=day)
    image = load(path, reader=reader, ensure_channel_first=channel_first)
    assert_right(image)
    assert image.dtype == torch.float32
    assert image.meta[META_SCAN_ID] == read_scan(path).scan_id
    assert image.meta[META_SPACING] == SPACING_MM
    assert image.meta[META_VIEW_SOURCE] == "code"
    assert image.meta[META_CONTENT_CHECK] == "not sure"
    assert image.meta[META_ACQUIRED] == "2024-03-05"
    assert image.meta[META_PATIENT_KEY] == read_scan(path).patient_key
    assert json.loads(image.meta[META_SOURCES]) == {
        "anterior": {"path": str(path), "frame": 1},
        "posterior": {"path": str(path), "frame": 0},
    }


def test_ensure_channel_first_may_follow(tmp_path):
    chain = Compose([LoadImaged("image", reader=DOTTED), EnsureChannelFirstd("image")])
    assert_right(chain({"image": make_scan_file(tmp_path / "scan.dcm")})["image"])


def test_two_files_and_folder(tmp_path):
    paths = [make_scan_file(tmp_path / f"{view}.dcm", {view: BOTH[view]}) for view in (P, A)]
    assert_right(load([str(path) for path in paths]))
    assert_right(load(str(tmp_path)))


@pytest.mark.parametrize("hinted", [0, 1, 2])
def test_view_said_by_hand(tmp_path, hinted):
    paths = [
        str(make_scan_file(tmp_path / f"{view}.dcm", {view: BOTH[view]}, edit=hide_views))
        for view in (P, A)
    ]
    hints = ("#view=posterior", "#view=anterior")
    names = [p + h if hinted in {i, 2} else p for i, (p, h) in enumerate(zip(paths, hints))]  # noqa: B905
    assert_right(load(names))


def test_same_view_said_twice(tmp_path):
    names = [f"{make_scan_file(tmp_path / n)}#view=anterior" for n in ("a.dcm", "b.dcm")]
    with pytest.raises(ScanError, match=r"a\.dcm: both files are said to be anterior"):
        load(names)


def test_spacing_said_by_hand(tmp_path):
    path = make_scan_file(tmp_path / "scan.dcm", spacing_mm=None)
    image = load(f"{path}#spacing_mm=3.0,2.0")
    assert image.pixdim[:2].tolist() == [3.0, 2.0]


def test_nifti_of_two_views_and_of_simpleitk(tmp_path):
    stack = np.stack(list(BOTH.values()))
    write_view_stack(tmp_path / "own.nii.gz", stack.astype("i4"), SPACING_MM, tuple(View))
    affine = np.diag([-SPACING_MM[1], -SPACING_MM[0], 1.0, 1.0])
    nib.save(nib.Nifti1Image(stack.transpose(2, 1, 0), affine), tmp_path / "label.nii.gz")
    for name in ("own.nii.gz", "label.nii.gz"):
        image = load(tmp_path / name)
        assert_right(image)
        assert re.fullmatch("[0-9a-f]{16}", image.meta[META_SCAN_ID])


def test_source_of_nifti_views_is_their_frame_in_the_file(tmp_path):
    write_view_stack(tmp_path / "own.nii", np.ones((2, 4, 3)), SPACING_MM, tuple(View))
    image = load(f"{tmp_path / 'own.nii'}#view=posterior")
    sources = json.loads(image.meta[META_SOURCES])
    assert [sources[view]["frame"] for view in View] == [1, 0]


def test_simulated_scans_say_so(tmp_path):
    path = make_scan_file(
        tmp_path / "scan.dcm", edit=lambda i: setattr(i, "ImageComments", "SIMULATED scan")
    )
    assert load(path).meta[META_SIMULATED]
    assert not load(make_scan_file(path)).meta[META_SIMULATED]


def test_region_maps_keep_their_bits(tmp_path):
    regions = np.full((1, 4, 3), 2**52 + 1, dtype=np.int64)
    write_view_stack(tmp_path / "regions.nii.gz", regions, SPACING_MM, (P,))
    image = load(tmp_path / "regions.nii.gz")
    assert image.dtype == torch.int64
    np.testing.assert_array_equal(image, regions)
    assert image.meta[META_VIEWS] == "posterior"


def test_errors_reach_the_caller(tmp_path):
    path = make_scan_file(tmp_path / "ct.dcm", edit=lambda image: setattr(image, "Modality", "CT"))
    chain = Compose([LoadImaged("image", reader=DOTTED), EnsureChannelFirstd("image")])
    with pytest.raises(RuntimeError, match="applying transform") as caught:
        chain({"image": path})
    cause = root_cause(caught.value)
    assert isinstance(cause, ScanError)
    assert str(cause) == "ct.dcm: modality must be NM (nuclear medicine), got CT"


def test_no_other_reader_is_tried(tmp_path):
    for name in ("gone.dcm", "gone.nii.gz"):
        with pytest.raises(ScanError, match=f"{name}: no such file"):
            load(tmp_path / name)


def test_batches_collate_and_come_apart(tmp_path):
    paths = [make_scan_file(tmp_path / f"{n}.dcm", study_uid=f"1.{n}") for n in (1, 2)]
    items = [{"image": load(path)} for path in paths]
    batch = list_data_collate(items)
    assert batch["image"].shape == (2, 2, ROWS, COLUMNS)
    for before, after in zip(items, decollate_batch(batch), strict=True):
        for key in (META_VIEWS, META_SCAN_ID, META_SOURCES):
            assert after["image"].meta[key] == before["image"].meta[key]
        assert tuple(map(float, after["image"].meta[META_SPACING])) == pytest.approx(SPACING_MM)


def test_metadata_and_logs_name_nobody(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    image = load(make_scan_file(tmp_path / "scan.dcm"))
    assert_silent(repr(image.meta))
    assert_silent(caplog.text)
