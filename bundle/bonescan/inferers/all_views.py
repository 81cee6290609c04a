"""Inference of a network that gives one answer to all views of a scan."""

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer

from bonescan.inferers.per_view import check_stacks


class AllViewsInferer(Inferer):
    """Apply a network whose channels are the views of a scan, and give its answer to each view."""

    def __call__(
        self,
        inputs: torch.Tensor,
        network: Callable[..., torch.Tensor],
        *args: Any,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Infer scans (B, view, row, column).

        Args:
            inputs: scans (B, V, H, W), the posterior view mirrored.
            network: maps (B, V, H, W) to (B, C, H, W).
            args: passed on to the network.
            kwargs: passed on to the network.

        Returns:
            The network's output as (B, C, V, H, W), the same for all views, with the metadata of a
            MetaTensor kept.

        Raises:
            ValueError: if the inputs are not four-dimensional.
        """
        check_stacks(inputs)
        output = network(inputs, *args, **kwargs)
        return output[:, :, None].repeat(1, 1, inputs.shape[1], 1, 1)
