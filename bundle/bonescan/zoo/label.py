"""What a bundle needs to be served and trained by MONAI Label, beyond what MONAI itself runs.

MONAI Label runs the steps of `inference.json` by itself. Of `train.json` it replaces the entries of
the data sets and the epochs, and it uses the weights in the bundle's `models`.
"""

from collections.abc import Iterable, MutableMapping
from typing import Any

from bonescan.keys import IMAGE
from bonescan.labels import LABEL_NAMES
from bonescan.zoo.flatten import TRANSFORMS

_LISTED = "@listed"
"""Whether the entries are those of the datalist, or MONAI Label's."""
_EPOCHS = "@train#trainer#max_epochs"
"""As many as MONAI Label asks for: a rate that falls over others never gets low, or rises again."""
_RATE = 0.1
"""Of a training's rate, where weights are trained on: the first steps at the full one can undo what
they have learnt. A default of ours."""


def name_values(channels: Iterable[str], values: Iterable[int]) -> dict[str, str]:
    """Return what each value of a label map stands for, where MONAI Label looks for it.

    It takes the channels that the metadata define for the values of the map that it serves, and
    its viewers number the names one after the other: none may be left out before the last.

    Args:
        channels: what the channels of the network stand for.
        values: of bonescan.labels.Label that the system is evaluated on.

    Returns:
        Names by value, from 0 to the last one that the map can hold.
    """
    named = {channel.split()[-1] for channel in channels}  # "posterior bladder"
    last = max(*values, *(value for value, name in LABEL_NAMES.items() if name in named), 0)
    return {str(value): name for value, name in LABEL_NAMES.items() if value <= last}


def show_on_file(inference: MutableMapping[str, Any]) -> None:
    """Let MONAI Label read scans, and write maps that lie on the scan's file.

    It takes `pre_transforms` and `post_transforms` in the places of `preprocessing` and
    `postprocessing`, asks for all that the first step would load, and writes what comes out of the
    last with the axes (column, row, frame).
    """
    load, *others = inference["preprocessing"][TRANSFORMS]
    steps = [f"@preprocessing#{TRANSFORMS}#{number}" for number in range(1, len(others) + 1)]
    inference["pre_transforms"] = {
        "_target_": "Compose", TRANSFORMS: [{**load, "keys": IMAGE}, *steps],
    }  # fmt: skip
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
    schedule = train["lr_scheduler"]
    schedule |= {key: _EPOCHS for key, value in schedule.items() if value == "@epochs"}
    train["val_interval"] = f"${train['val_interval']} if {_LISTED} else 1"
    rate = str(train["learning_rate"]).lstrip("$")
    train["learning_rate"] = f"$({rate}) * (1 if {_LISTED} else {_RATE})"
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
