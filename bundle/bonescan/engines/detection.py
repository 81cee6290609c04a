"""Training of a network that finds lesions one by one, by MONAI's supervised trainer.

Torchvision's detectors are given the targets with the images and return their losses, so that two
hooks of the trainer are enough: what a batch is, and what its loss is.
"""

from collections.abc import Mapping
from typing import Any

import torch
from monai.engines import default_prepare_batch

from bonescan.keys import LABEL
from bonescan.transforms.instances import find_instances


def prepare_detection_batch(
    batchdata: Mapping[str, torch.Tensor],
    device: torch.device,
    non_blocking: bool,  # noqa: FBT001 - MONAI hands it in by place
) -> tuple[torch.Tensor, torch.Tensor, tuple[list[dict[str, torch.Tensor]]], dict[str, Any]]:
    """Move a batch to the device, with the lesions of each image.

    A `prepare_batch` of MONAI's trainers.

    Args:
        batchdata: image and label (B, 1, H, W).
        device: where the tensors go.
        non_blocking: whether the host goes on meanwhile.

    Returns:
        Image and label, then what the network is called with after the image: the targets of each
        image (see bonescan.transforms.instances.find_instances), and no keywords.
    """
    image, label = default_prepare_batch(batchdata, device, non_blocking)
    targets = []
    for label_map in batchdata[LABEL][:, 0]:  # still on the host, where components are found
        target = find_instances(label_map)
        targets.append({key: value.to(device) for key, value in target.items()})
    return image, label, (targets,), {}


def sum_losses(losses: Mapping[str, torch.Tensor], label: torch.Tensor) -> torch.Tensor:  # noqa: ARG001
    """Add up the losses that a detector returns in training, each with weight 1.

    A `loss_function` of MONAI's trainers.

    Args:
        losses: scalars by name.
        label: not used, the network was given the targets.
    """
    return torch.stack(list(losses.values())).sum()
