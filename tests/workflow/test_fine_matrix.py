"""A scan on a matrix of 512 x 2048 is the scan that it would have been on 256 x 1024."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Invertd

from bonescan.data.datalist import load_items
from bonescan.data.load import load_scan
from bonescan.data.nifti import read_view_stack, write_view_stack
from tests.workflows import make_workflow, read_system


def halve_pixels(entry, folder):
    """Write a scan and its label with each pixel as four, its counts dealt among them."""
    scan, label = load_scan(entry["image"]), read_view_stack(entry["label"])
    counts = scan.stack()
    fine = np.zeros((len(counts), 2 * counts.shape[1], 2 * counts.shape[2]), np.float32)
    rng, left = np.random.default_rng(3), counts.astype(np.int64)
    for row, column, share in ((0, 0, 1 / 4), (0, 1, 1 / 3), (1, 0, 1 / 2), (1, 1, 1)):
        part = rng.binomial(left, share)
        fine[:, row::2, column::2] = part
        left -= part
    spacing_mm = (scan.spacing_mm[0] / 2, scan.spacing_mm[1] / 2)
    write_view_stack(folder / "scan.nii", fine, spacing_mm, scan.views)
    fine_label = label.array.repeat(2, axis=1).repeat(2, axis=2)
    write_view_stack(folder / "label.nii", fine_label, spacing_mm, label.views)
    names = {"image": str(folder / "scan.nii"), "label": str(folder / "label.nii")}
    return {**entry, **names}, fine_label


@pytest.mark.parametrize("system", ["chen2023_baseline", "lin2020_unet_res"])
def test_a_finer_matrix_gives_the_same_sample_and_takes_predictions_back(system, cohort, tmp_path):
    size = {"size": [640, 256]} if system.startswith("chen") else {}
    workflow = make_workflow("train", workflow_type="train", **{**read_system(system), **size})
    workflow.initialize()
    chain = workflow.parser.get_parsed_content("validate#preprocessing")
    entry = next(e for e in load_items(cohort / "datalist.json") if e["lesions"] > 0)
    fine_entry, fine_label = halve_pixels(entry, tmp_path)
    sample, fine = (chain(dict(part)) for part in (entry, fine_entry))
    for key in ("image", "label"):
        assert torch.equal(fine[key].as_tensor(), sample[key].as_tensor())
    fine["pred"] = MetaTensor(fine["label"].as_tensor())
    restored = Invertd("pred", chain, orig_keys="image", nearest_interp=True)(fine)["pred"]
    shown = restored.numpy() > 0
    assert shown.sum() > 0
    np.testing.assert_array_equal(restored.numpy()[shown], fine_label[shown])
    assert shown.sum() == 4 * (sample["label"] > 0).sum()
