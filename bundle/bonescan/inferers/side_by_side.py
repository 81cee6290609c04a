"""Inference of a network that sees both views of a scan next to each other (Chen 2023)."""

from collections.abc import Callable
from typing import Any

import torch
from monai.data import decollate_batch
from monai.inferers import Inferer
from monai.utils import convert_to_tensor

from bonescan.inferers.per_view import check_stacks
from bonescan.transforms.metadata import get_views, replace_values
from bonescan.transforms.side_by_side import join_sides, split_sides


class SideBySideInferer(Inferer):
    """Apply a one-channel network to the views of a scan in one image, as SideBySide joins them.

    The samples stay stacks of views, so that the rest of the chain and its inverse need not know.
    """

    def __call__(
        self,
        inputs: torch.Tensor,
        network: Callable[..., torch.Tensor],
        *args: Any,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Infer scans (B, view, row, column).

        Args:
            inputs: MetaTensor (B, V, H, W), each scan with its own views in its metadata.
            network: maps (B, 1, H, 2 W) to (B, C, H, 2 W).
            args: passed on to the network.
            kwargs: passed on to the network.

        Returns:
            The network's output as (B, C, V, H, W), with the inputs' metadata.

        Raises:
            ValueError: if the inputs are not four-dimensional, or their views unknown.
        """
        check_stacks(inputs)
        views = [get_views(scan) for scan in decollate_batch(inputs)]
        scans = convert_to_tensor(inputs, track_meta=False)
        joined = torch.stack([join_sides(*pair) for pair in zip(scans, views, strict=True)])
        output = network(joined, *args, **kwargs)[:, :, None]  # (B, C, 1, H, 2 W)
        parts = [split_sides(*pair) for pair in zip(output, views, strict=True)]
        return replace_values(inputs, torch.stack(parts))
