"""Inference of a network that sees both views of a scan and answers for each."""

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer

from bonescan.inferers.per_view import check_stacks


class BothViewsInferer(Inferer):
    """Apply a network whose channels are the views of a scan, and part its answer by view."""

    def __call__(
        self,
        inputs: torch.Tensor,
        network: Callable[..., torch.Tensor],
        *args: Any,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Infer scans (B, view, row, column).

        Args:
            inputs: scans (B, V, H, W), with every view that the network has a channel for
                (bonescan.transforms.FillViewsd).
            network: maps (B, V, H, W) to (B, V * C, H, W), view by view.
            args: passed on to the network.
            kwargs: passed on to the network.

        Returns:
            The network's output as (B, C, V, H, W), with the metadata of a MetaTensor kept.

        Raises:
            ValueError: if the inputs are not four-dimensional.
        """
        check_stacks(inputs)
        output = network(inputs, *args, **kwargs)
        by_view = output.reshape(len(inputs), inputs.shape[1], -1, *output.shape[2:])
        return by_view.transpose(1, 2)
