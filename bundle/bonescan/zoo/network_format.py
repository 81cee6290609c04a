"""What the network of a system takes and gives, found out by running it."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.inferers import SimpleInferer
from torch import nn

from bonescan.dicom.scan import View
from bonescan.keys import META_VIEWS
from bonescan.labels import LABEL_NAMES, REGION_GROUPS, BodyLabel, FocusLabel
from bonescan.transforms.panels import picture_size

VIEWS = tuple(view.value for view in (View.ANTERIOR, View.POSTERIOR))
_PICTURE_CHANNELS = ("both views in two display windows", "map of metastases in them")


def describe_network(config: Mapping[str, Any], network: nn.Module) -> dict[str, Any]:
    """Say what a network takes and gives.

    Args:
        config: flattened configuration of the inference of its system.
        network: of that configuration; it is left in evaluation mode.

    Returns:
        What the metadata of a bundle call `network_data_format`: an `image` as the inferer hands it
        to the network, with its smallest batch, and `pred`, which is a map of the image or, where
        the network decides on the image as a whole, has no pixels.

    Raises:
        ValueError: if the network gives no single tensor, or a map of another size.
    """
    image = find_input(config, network)
    with torch.inference_mode():
        pred = network.eval()(image)
    mapped = isinstance(pred, torch.Tensor) and pred.shape[2:] == image.shape[2:]
    if not mapped and not (isinstance(pred, torch.Tensor) and pred.ndim == 2):
        raise ValueError(
            f"network of {config['name']} must turn an image {tuple(image.shape)} into one map of "
            "that size or one row of numbers, got something else: such a system cannot be shared "
            "in MONAI's model zoo"
        )
    outputs = _name_outputs(config, pred.shape[1])
    return {
        "inputs": {
            "image": {
                **_tensor("image", "counts", image),
                "modality": "NM",
                "value_range": [0, 1],
                "channel_def": _number(_name_inputs(config, image.shape[1])),
            }
        },
        "outputs": {
            "pred": {
                **_tensor(*(("image", "segmentation") if mapped else ("logits", "classes")), pred),
                "value_range": [],
                "channel_def": _number(outputs),
            }
        },
    }


class _Taken(Exception):  # noqa: N818 - nothing is wrong
    """Ends an inference where it begins, with the image that the network is given."""


def find_input(config: Mapping[str, Any], network: nn.Module) -> torch.Tensor:
    """Return what a network is given of a scan of two views: always the same image, (1, C, H, W).

    Args:
        config: flattened configuration of the inference of its system.
        network: of that configuration.
    """
    inferer = ConfigParser(dict(config)).get_parsed_content("inferer")
    if isinstance(inferer, SimpleInferer):  # what it is given is the picture already
        first = next(part for part in network.modules() if isinstance(part, nn.Conv2d))
        return example(first.in_channels, *picture_size(config["size"]))

    def take(image: torch.Tensor) -> NoReturn:
        raise _Taken(image)

    scan = MetaTensor(example(len(VIEWS), *config["size"]), meta={META_VIEWS: "+".join(VIEWS)})
    try:
        inferer(scan, take)
    except _Taken as taken:
        return example(*taken.args[0].shape[1:])
    raise ValueError(f"inferer of {config['name']} must ask its network, got one that does not")


def example(channels: int, rows: int, columns: int) -> torch.Tensor:
    """Return an image (1, channel, row, column) of values in 0..1, always the same."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand((1, channels, rows, columns), generator=generator)


def _name_inputs(config: Mapping[str, Any], channels: int) -> Sequence[str]:
    if config["inferer"]["_target_"].endswith("SimpleInferer"):
        return _PICTURE_CHANNELS[:channels]
    if channels == len(VIEWS):
        return [f"{view} view" for view in VIEWS]
    return ["planar views"]


def _name_outputs(config: Mapping[str, Any], channels: int) -> Sequence[str]:
    """Return what each channel of a network's answer stands for."""
    report = config["report"]
    if isinstance(report, Mapping) and "bits" in report:
        return report["bits"]
    foci = [label.name.lower() for label in FocusLabel]
    target = LABEL_NAMES[config["label_values"][0]]
    known = (
        [target],
        [LABEL_NAMES[0], target],
        [label.name.lower() for label in BodyLabel],
        list(REGION_GROUPS),
        [f"{view} {name}" for view in VIEWS for name in (*foci, *REGION_GROUPS)],
    )
    names = {len(names): names for names in known}
    return names.get(channels) or [f"output {number}" for number in range(channels)]


def _number(names: Sequence[str]) -> dict[str, str]:
    return {str(number): name for number, name in enumerate(names)}


def _tensor(kind: str, form: str, tensor: torch.Tensor) -> dict[str, Any]:
    return {
        "type": kind,
        "format": form,
        "num_channels": tensor.shape[1],
        "spatial_shape": list(tensor.shape[2:]),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "is_patch_data": False,
    }
