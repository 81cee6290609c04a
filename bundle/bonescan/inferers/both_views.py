"""Inference of a network that sees both views of a scan and answers for each."""

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer

from bonescan.inferers.per_view import check_stacks


class BothViewsInferer(Inferer):
    """Apply a network whose channels are the views of a scan, and part its answer by view.

    Args:
        one_at_a_time: whether the network is shown one view at a time, the other empty, as it would
            see a scan that lacks that one; for comparisons.
    """

    def __init__(self, *, one_at_a_time: bool = False) -> None:
        self.one_at_a_time = one_at_a_time

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
        views = inputs.shape[1]

        def infer(images: torch.Tensor) -> torch.Tensor:  # (B, C, V, H, W)
            output = network(images, *args, **kwargs)
            return output.reshape(len(images), views, -1, *output.shape[2:]).transpose(1, 2)

        if not self.one_at_a_time:
            return infer(inputs)
        answers = []
        for view in range(views):
            alone = torch.zeros_like(inputs)
            alone[:, view] = inputs[:, view]
            answers.append(infer(alone)[:, :, view])
        return torch.stack(answers, dim=2)
