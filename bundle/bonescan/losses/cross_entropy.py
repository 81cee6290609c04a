"""Cross-entropy per pixel, the loss of the original U-Net."""

import torch
from torch import Tensor
from torch.nn import functional as F


def pixel_cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """Compute the mean cross-entropy over all pixels of a batch.

    Args:
        logits: (B, C, H, W), one channel per class.
        label: (B, 1, H, W), class indices 0..C-1 of any numeric type.

    Returns:
        A scalar in nats.

    Raises:
        ValueError: if the label does not have one channel.
    """
    if label.ndim != logits.ndim or label.shape[1] != 1:
        raise ValueError(
            f"label must be (B, 1, H, W) beside logits {tuple(logits.shape)}, "
            f"got {tuple(label.shape)}"
        )
    return F.cross_entropy(logits, label.squeeze(1).long())


class PixelCrossEntropy(torch.nn.Module):
    """Cross-entropy per pixel as a module (Ronneberger 2015, without the weight map).

    torch.nn.CrossEntropyLoss wants labels without a channel; MONAI's samples have one.
    """

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Return pixel_cross_entropy(logits, label)."""
        return pixel_cross_entropy(logits, label)
