"""The metadata of a packed bundle: what MONAI's schema asks for, found out and not claimed."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from bonescan.labels import BodyLabel, Label

_CHANNELS = {
    1: [Label.METASTASIS.name.lower()],
    2: [label.name.lower() for label in (Label.BACKGROUND, Label.METASTASIS)],
    3: [label.name.lower() for label in BodyLabel],
}
"""What the outputs of our networks are, by their number."""
_VERSION = re.compile(r"\d+\.\d+\.\d+")


def make_metadata(
    base: Mapping[str, Any],
    *,
    name: str,
    version: str,
    config: Mapping[str, Any],
    network: nn.Module,
    evaluation: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Make the metadata of a trained system.

    Args:
        base: the project's own metadata.
        name: of the bundle.
        version: of the bundle, as in 1.2.0.
        config: flattened configuration of its inference.
        network: of that configuration.
        evaluation: summary of an evaluation of the system; None where there is none.

    Returns:
        A document that fits schema 20240725, ready for JSON.

    Raises:
        ValueError: if the version is none, or the network does not turn one image into one map.
    """
    if not _VERSION.fullmatch(version):
        raise ValueError(f"version must be three numbers such as 1.2.0, got {version!r}")
    return {
        **base,
        "name": name,
        "version": version,
        "changelog": {version: f"{config['name']}, packed from a training"},
        "description": f"{config['name']}: {base['description']}",
        "eval_metrics": find_metrics(evaluation),
        "network_data_format": describe_network(network, config),
    }


def find_metrics(evaluation: Mapping[str, Any] | None) -> dict[str, float]:
    """Return the figures of an evaluation by name; none where there is no evaluation."""
    if evaluation is None:
        return {}
    pooled, detection = evaluation["pooled"], evaluation["detection"]
    found = {
        "dsc_pooled": pooled["dsc"],
        "precision_pooled": pooled["precision"],
        "recall_pooled": pooled["recall"],
        "lesion_sensitivity": detection["sensitivity"],
    }
    return {name: part["value"] for name, part in found.items() if part["value"] is not None}


def describe_network(network: nn.Module, config: Mapping[str, Any]) -> dict[str, Any]:
    """Run a network on an empty image, and say what it takes and gives.

    Args:
        network: in any state; it is left in evaluation mode.
        config: with `size` (rows, columns) and `network_def`.

    Raises:
        ValueError: if it does not turn one image into one map of that size.
    """
    rows, columns = config["size"]
    channels = int(config["network_def"].get("in_channels", 1))
    image = example(channels, rows, columns)
    with torch.inference_mode():
        pred = network.eval()(image)
    if not isinstance(pred, torch.Tensor) or pred.shape[2:] != image.shape[2:]:
        raise ValueError(
            f"network of {config['name']} must turn an image {tuple(image.shape)} into one map of "
            "that size, got something else: such a system cannot be shared in MONAI's model zoo"
        )
    names = _CHANNELS.get(pred.shape[1]) or [f"output {i}" for i in range(pred.shape[1])]
    return {
        "inputs": {
            "image": {
                **_tensor("counts", channels, rows, columns),
                "modality": "NM",
                "value_range": [0, 1],
                "channel_def": {str(i): "planar view" for i in range(channels)},
            }
        },
        "outputs": {
            "pred": {
                **_tensor("segmentation", pred.shape[1], rows, columns),
                "value_range": [],
                "channel_def": {str(i): name for i, name in enumerate(names)},
            }
        },
    }


def example(channels: int, rows: int, columns: int) -> torch.Tensor:
    """Return an image (1, channel, row, column) of values in 0..1, always the same."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand((1, channels, rows, columns), generator=generator)


def _tensor(form: str, channels: int, rows: int, columns: int) -> dict[str, Any]:
    return {
        "type": "image",
        "format": form,
        "num_channels": channels,
        "spatial_shape": [rows, columns],
        "dtype": "float32",
        "is_patch_data": False,
    }
