"""The metadata of a packed bundle: what MONAI's schema asks for, found out and not claimed."""

import re
from collections.abc import Mapping
from typing import Any

from monai.bundle import ConfigParser
from torch import nn

from bonescan.workflow.installation import find_systems
from bonescan.zoo.figures import find_figures
from bonescan.zoo.label import name_values
from bonescan.zoo.network_format import VIEWS, describe_network

_VERSION = re.compile(r"\d+\.\d+\.\d+")
_DOI = re.compile(r"doi ([^\s),]+)")
_OF_A_VIEW = re.compile(f"^({'|'.join(VIEWS)}) ")
_MOST_NAMED = 6
"""Classes that a sentence names; more are counted."""


def make_metadata(
    base: Mapping[str, Any],
    *,
    name: str,
    version: str,
    config: Mapping[str, Any],
    network: nn.Module,
    evaluation: Mapping[str, Any] | None,
    simulated: bool,
) -> dict[str, Any]:
    """Make the metadata of a trained system.

    Args:
        base: the project's own metadata.
        name: of the bundle.
        version: of the bundle, as in 1.2.0.
        config: flattened configuration of its inference.
        network: of that configuration.
        evaluation: summary of an evaluation of the system; None where there is none.
        simulated: whether all that it was trained on is simulated.

    Returns:
        A document that fits schema 20240725, ready for JSON.

    Raises:
        ValueError: if the version is none, or the network gives what no bundle can.
    """
    if not _VERSION.fullmatch(version):
        raise ValueError(f"version must be three numbers such as 1.2.0, got {version!r}")
    network_format = describe_network(config, network)
    pred = network_format["outputs"]["pred"]
    task, channels = _say_task(pred), pred["channel_def"]
    if config["keep_prob"]:
        pred["channel_def"] = name_values(channels.values(), config["label_values"])
    origin = "Trained on simulated scans. " if simulated else ""
    return {
        **base,
        "name": name,
        "version": version,
        "changelog": {version: f"{config['name']}, packed from a training"},
        "task": task,
        "description": f"{origin}{config['name']}. {task}, of 99mTc-MDP, anterior and posterior.",
        "data_source": base["data_source"] if simulated else "see docs/data_license.txt",
        "image_classes": "counts of planar views, scaled by the preprocessing of inference.json",
        "pred_classes": ", ".join(f"{number} {name}" for number, name in channels.items()),
        "references": find_references(config["name"]),
        "eval_metrics": {
            figure.key: figure.value
            for figure in find_figures(evaluation)
            if figure.value is not None
        },
        "network_data_format": network_format,
    }


def find_references(name: str) -> list[str]:
    """Return where a system of this project was published; nothing of anybody's own system."""
    for path in find_systems():
        if ConfigParser.load_config_file(str(path))["name"] == name:
            dois = _DOI.findall(path.read_text(encoding="utf-8"))
            return [f"https://doi.org/{doi}" for doi in dict.fromkeys(dois)]
    return []


def _say_task(pred: Mapping[str, Any]) -> str:
    names = [_OF_A_VIEW.sub("", name) for name in pred["channel_def"].values()]
    labels = [name for name in dict.fromkeys(names) if name not in {"background", "air"}]
    named = ", ".join(labels) if len(labels) <= _MOST_NAMED else f"{len(labels)} classes"
    verb = "Segmentation" if pred["spatial_shape"] else "Classification"
    return f"{verb} of planar whole-body bone scans: {named}"
