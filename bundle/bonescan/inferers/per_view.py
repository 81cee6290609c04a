"""Inference of a network of one channel on scans of one or two views."""

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer


def check_stacks(inputs: torch.Tensor) -> None:
    """Check that inputs are stacks of views.

    Raises:
        ValueError: if they are not four-dimensional.
    """
    if inputs.ndim != 4:
        raise ValueError(
            f"inputs must be (batch, view, row, column), got shape {tuple(inputs.shape)}"
        )


class PerViewInferer(Inferer):
    """Apply a one-channel network to each view of a scan on its own.

    The views move to the batch axis, so both go through the network in one call.
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
            inputs: scans (B, V, H, W).
            network: maps (B * V, 1, H, W) to (B * V, C, H, W).
            args: passed on to the network.
            kwargs: passed on to the network.

        Returns:
            The network's output as (B, C, V, H, W), with the metadata of a MetaTensor kept.

        Raises:
            ValueError: if the inputs are not four-dimensional.
        """
        check_stacks(inputs)
        batch, views, rows, columns = inputs.shape
        output = network(inputs.reshape(batch * views, 1, rows, columns), *args, **kwargs)
        by_view = output.reshape(batch, views, *output.shape[1:])  # (B, V, C, H, W)
        return by_view.transpose(1, 2)
