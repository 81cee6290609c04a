"""Overlap losses of Chen 2023, and a loss on both outputs of the Double U-Net.

The Dice loss is MONAI's: ``DiceLoss(include_background=False, softmax=True, to_onehot_y=True,
batch=True)`` for three classes, ``DiceLoss(sigmoid=True, batch=True)`` for one. Sums over the batch
matter: in an image without metastases the loss of one image alone has next to no gradient, so that
images of healthy patients would teach nothing.
"""

import torch
from monai.losses import TverskyLoss
from torch import Tensor, nn
from torch.nn import functional as F

FLOOR = 1e-6
"""Least Tversky loss: the slope of the power is infinite at 0."""


class FocalTverskyLoss(nn.Module):
    """Focal Tversky loss, ``(1 - TI)^gamma`` of each class, averaged over the classes.

    Abraham 2019 with the constants of Chen 2023 (Diagnostics 13:3042). ``gamma`` is the exponent
    itself; Abraham writes its inverse, 4/3. ``TI = TP / (TP + alpha FP + beta FN)``, summed over
    the batch.

    Args:
        classes: 1 for one channel of logits on a sigmoid, more for a softmax, whose first class is
            left out. It still gets a gradient, through the softmax.
        alpha: weight of false positives.
        beta: weight of false negatives.
        gamma: exponent.
    """

    def __init__(
        self, classes: int = 3, *, alpha: float = 0.3, beta: float = 0.7, gamma: float = 0.75
    ) -> None:
        super().__init__()
        several = classes > 1
        self.gamma = gamma
        self.tversky = TverskyLoss(
            include_background=not several,
            to_onehot_y=several,
            sigmoid=not several,
            softmax=several,
            alpha=alpha,
            beta=beta,
            reduction="none",
            batch=True,
        )

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            logits: (B, C, H, W).
            label: (B, 1, H, W), class indices; for one class 1 in the foreground.

        Returns:
            A scalar in 0..1.
        """
        per_class: Tensor = self.tversky(logits, label)
        return per_class.clamp(min=FLOOR).pow(self.gamma).mean()


class BothOutputsLoss(nn.Module):
    """The mean of a loss on the two outputs that a Double U-Net gives in training.

    The gradient of an overlap loss towards metastases is as small as their share of the pixels, a
    thousandth, so that it takes thousands of steps to move. For runs of hundreds of steps a
    cross-entropy can be added in which metastasis weighs more; the paper has none.

    Args:
        loss: of logits (B, C, H, W) and a label (B, 1, H, W).
        metastasis_weight: weight of the last class in the added cross-entropy, that of the others
            being 1; None adds none.
    """

    def __init__(self, loss: nn.Module, *, metastasis_weight: float | None = None) -> None:
        super().__init__()
        self.loss = loss
        self.metastasis_weight = metastasis_weight

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Compute the mean loss.

        Args:
            logits: (B, 2 C, H, W), the first output's channels and then the second's.
            label: (B, 1, H, W).

        Raises:
            ValueError: if the number of channels is odd.
        """
        if logits.shape[1] % 2 != 0:
            raise ValueError(
                f"logits must hold two outputs of equal channels, got {logits.shape[1]} channels"
            )
        first, second = (self._output_loss(half, label) for half in logits.chunk(2, dim=1))
        return (first + second) / 2

    def _output_loss(self, logits: Tensor, label: Tensor) -> Tensor:
        loss: Tensor = self.loss(logits, label)
        if self.metastasis_weight is None:
            return loss
        if logits.shape[1] == 1:  # a sigmoid is a softmax beside a background of 0
            logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
        weight = logits.new_ones(logits.shape[1])
        weight[-1] = self.metastasis_weight
        return loss + F.cross_entropy(logits, label[:, 0].long(), weight)
