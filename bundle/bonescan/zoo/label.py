"""What a bundle needs to be served and trained by MONAI Label, beyond what MONAI itself runs.

MONAI Label runs the steps of `inference.json` by itself. Of `train.json` it replaces the entries of
the data sets and the epochs, and it uses the weights in the bundle's `models`.
"""

from collections.abc import MutableMapping
from typing import Any

from bonescan.zoo.flatten import TRANSFORMS

_LISTED = "@listed"
"""Whether the entries are those of the datalist, or MONAI Label's."""


def show_on_file(inference: MutableMapping[str, Any]) -> None:
    """Let MONAI Label write maps that lie on the scan's file.

    It takes `post_transforms` in the place of `postprocessing`, and writes what comes out of it
    with the axes (column, row, frame).
    """
    last = {"_target_": "bonescan.transforms.FileVolumed", "keys": "pred"}
    inference["post_transforms"] = {"_target_": "Compose", TRANSFORMS: ["@postprocessing", last]}


def take_labels(train: MutableMapping[str, Any]) -> None:
    """Let MONAI Label train on label maps that were drawn on the scans' files.

    Each such training has a folder of its own, and its weights take the place of those in `models`.
    A datalist trains as before.
    """
    train["imports"] = ["$import time"]
    train["listed"] = {
        "_target_": "bonescan.data.datalist.find_datalist",
        "entries": "@train#dataset#data",
    }
    folder = f"('default' if {_LISTED} else time.strftime('label_%Y%m%d_%H%M%S'))"
    train["output_dir"] = f"$@bundle_root + '/runs/' + {folder}"
    train["preflight"]["datalist"] = _LISTED
    for part in ("train", "validate"):
        for step in train[part]["preprocessing"][TRANSFORMS]:
            if step["_target_"] == "LoadImaged":
                step["_target_"] = "bonescan.transforms.LoadDrawnd"
    for handler in train["train"]["handlers"]:
        if handler["_target_"].endswith(".TrainingRecord"):
            handler["datalist"] = _LISTED
        if handler["_target_"].endswith(".ChooseAtEnd"):
            handler["_disabled_"] += f" or not {_LISTED}"
    _allow_no_validation(train["validate"])
    train["adopt"] = {
        "_target_": "bonescan.workflow.adoption.adopt_weights",
        "_mode_": "callable",
        "run": "@output_dir",
        "models": "$@bundle_root + '/models'",
    }
    train["run"].append(f"$None if {_LISTED} else @adopt()")


def _allow_no_validation(validate: MutableMapping[str, Any]) -> None:
    """Let a training go without validation where there is no entry for it."""
    entries = "@validate#dataset#data"
    validate["dataset"]["min_samples"] = f"$min(1, len({entries}))"
    validate["evaluator"]["_disabled_"] = f"$not {entries}"
