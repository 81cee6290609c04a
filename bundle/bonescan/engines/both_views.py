"""Training of a network that sees both views of a scan, by MONAI's SupervisedTrainer."""

from collections.abc import Mapping
from typing import Any

import torch

from bonescan.engines.partly_labelled import prepare_whole_batch
from bonescan.keys import REGIONS
from bonescan.transforms.region_bits import PARTS, UNKNOWN, unpack_groups

CELL = 4
"""Pixels along each side of a cell in which bones are compared: bones are large, and the camera
blurs their edges over more than these 10 mm. A default of ours."""


def prepare_scan_batch(
    batchdata: Mapping[str, Any],
    device: torch.device,
    non_blocking: bool,  # noqa: FBT001 - MONAI hands it in by place
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Move a batch to the device, its packed bones as shares of cells; for ScanLoss.

    A `prepare_batch` of MONAI's trainers.

    Args:
        batchdata: image and label (B, V, H, W), REGIONS (B, V * PARTS, H, W) of
            bonescan.transforms.PackRegionsd, and other tensors.
        device: where the tensors go.
        non_blocking: whether the host goes on meanwhile.

    Returns:
        Image, and all tensors of the batch by key; REGIONS as (B, V, group, H / 4, W / 4) float32,
        UNKNOWN where it was.
    """
    image, batch = prepare_whole_batch(batchdata, device, non_blocking)
    batch[REGIONS] = find_shares(batch[REGIONS].unflatten(1, (-1, PARTS)))
    return image, batch


def find_shares(packed: torch.Tensor) -> torch.Tensor:
    """Return the share of each cell that a group of bones takes, by the four pixels at its centre.

    Args:
        packed: (B, V, PARTS, H, W) of bonescan.transforms.region_bits.pack_groups, or UNKNOWN; H
            and W are multiples of CELL.

    Returns:
        (B, V, group, H / CELL, W / CELL) float32: 0, 0.25, 0.5, 0.75 or 1; UNKNOWN all over a view
        of which a pixel is.
    """
    cells = packed.unflatten(-1, (-1, CELL)).unflatten(-3, (-1, CELL))  # (..., h, 4, w, 4)
    middle = cells[..., 1:3, :, 1:3]
    four = [
        unpack_groups(middle[..., row, :, column].clip(min=0))
        for row in range(2)
        for column in range(2)
    ]
    shares = torch.stack(four).float().mean(dim=0)
    unknown = packed.amin(dim=(2, 3, 4)) < 0  # (B, V)
    shares[unknown] = UNKNOWN
    return shares
