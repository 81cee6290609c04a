"""Inference and training at lower precision where MONAI's engines offer it on GPUs alone."""

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer


class AutocastInferer(Inferer):
    """Apply a network in bfloat16 where torch deems it safe (torch.autocast), on any device.

    MONAI's engines take `amp` for CUDA alone; processors with bfloat16 instructions gain as well.
    Weights, loss and gradients of the weights stay float32.
    """

    def __call__(
        self,
        inputs: torch.Tensor,
        network: Callable[..., torch.Tensor],
        *args: Any,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Infer images of any shape that the network takes; the output is float32.

        Args:
            inputs: (B, ...).
            network: maps them to one tensor.
            args: passed on to the network.
            kwargs: passed on to the network.
        """
        with torch.autocast(inputs.device.type, dtype=torch.bfloat16):
            output = network(inputs, *args, **kwargs)
        return output.float()
