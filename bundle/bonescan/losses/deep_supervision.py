"""The loss of a network that returns outputs of several depths in training."""

import torch
from torch import Tensor, nn


class DeepSupervisionLoss(nn.Module):
    """The weighted mean of a loss on the outputs of a network with deep supervision.

    Each output weighs half of the next finer one, as in nnU-Net (doi 10.1038/s41592-020-01008-z).
    MONAI's class of this name takes a list; its DynUNet stacks the outputs, all at full size.

    Args:
        loss: of logits (B, C, H, W) and a label (B, 1, H, W).
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, outputs: Tensor, label: Tensor) -> Tensor:
        """Compute the mean loss.

        Args:
            outputs: logits (B, outputs, C, H, W), the finest first.
            label: (B, 1, H, W).

        Raises:
            ValueError: if the outputs are not five-dimensional.
        """
        if outputs.ndim != 5:
            raise ValueError(
                f"outputs must be (batch, output, class, row, column), got {tuple(outputs.shape)}"
            )
        losses = torch.stack([self.loss(logits, label) for logits in outputs.unbind(dim=1)])
        weights = 0.5 ** torch.arange(len(losses), device=losses.device)
        return (weights * losses).sum() / weights.sum()
