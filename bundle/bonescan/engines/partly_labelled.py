"""Training on labelled and unlabelled images by MONAI's SupervisedTrainer."""

from collections.abc import Mapping
from typing import Any

import torch
from monai.engines import default_prepare_batch


def prepare_whole_batch(
    batchdata: Mapping[str, Any],
    device: torch.device,
    non_blocking: bool,  # noqa: FBT001 - MONAI hands it in by place
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Move a batch to the device; the loss is given all of it in place of the label.

    A `prepare_batch` of MONAI's trainers, for losses such as PartlyLabelledLoss.

    Args:
        batchdata: image and label (B, 1, H, W), and other tensors, such as LABELLED (B,).
        device: where the tensors go.
        non_blocking: whether the host goes on meanwhile.

    Returns:
        Image, and all tensors of the batch by key.
    """
    image, _ = default_prepare_batch(batchdata, device, non_blocking)
    batch = {
        key: value.to(device=device, non_blocking=non_blocking)
        for key, value in batchdata.items()
        if isinstance(value, torch.Tensor)
    }
    return image, batch
