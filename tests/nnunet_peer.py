"""Letting nnU-Net v2 itself plan for images; it needs the extra `peers`."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

NAME = "Dataset901_Bone"
PLAN = (
    "from nnunetv2.experiment_planning.plan_and_preprocess_api import "
    "extract_fingerprints, plan_experiments; "
    "extract_fingerprints([901], num_processes=1); plan_experiments([901])"
)

needs_nnunet = pytest.mark.skipif(
    not find_spec("nnunetv2"), reason="extra peers is not installed: nnunetv2"
)


def plan_by_nnunet(views: Sequence[NDArray[np.uint16]], folder: Path) -> dict[str, Any]:
    """Return nnU-Net's two-dimensional configuration for images (row, column)."""
    _write_dataset(folder / "raw" / NAME, views)
    places = {f"nnUNet_{name}": str(folder / name) for name in ("raw", "preprocessed", "results")}
    subprocess.run([sys.executable, "-c", PLAN], env={**os.environ, **places}, check=True)
    plans = json.loads((folder / "preprocessed" / NAME / "nnUNetPlans.json").read_text())
    return plans["configurations"]["2d"]


def assert_same_plan(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Compare a plan (bonescan.data.nnunet_plan.make_plan) with nnU-Net's configuration."""
    network = theirs["architecture"]["arch_kwargs"]
    assert ours["patch"] == theirs["patch_size"]
    assert ours["batch_size"] == theirs["batch_size"]
    assert ours["median_size"] == theirs["median_image_size_in_voxels"]
    assert [ours["nonzero_norm"]] == theirs["use_mask_for_norm"]
    assert ours["strides"] == network["strides"]
    assert ours["features"] == network["features_per_stage"]
    assert network["n_stages"] == len(ours["strides"])
    assert network["kernel_sizes"] == [[3, 3]] * len(ours["strides"])
    assert {*network["n_conv_per_stage"], *network["n_conv_per_stage_decoder"]} == {2}


def _write_dataset(folder: Path, views: Sequence[NDArray[np.uint16]]) -> None:
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    for index, view in enumerate(views):
        Image.fromarray(view).save(folder / "imagesTr" / f"c{index:03}_0000.png")
        label = (view == view.max()).astype(np.uint8)
        Image.fromarray(label).save(folder / "labelsTr" / f"c{index:03}.png")
    description = {
        "channel_names": {"0": "counts"},
        "labels": {"background": 0, "metastasis": 1},
        "numTraining": len(views),
        "file_ending": ".png",
        "overwrite_image_reader_writer": "NaturalImage2DIO",
    }
    (folder / "dataset.json").write_text(json.dumps(description))
