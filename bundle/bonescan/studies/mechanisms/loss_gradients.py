"""Which term of a loss moves a network at the start of its training."""

from collections.abc import Callable

import torch
from torch import Tensor

SIDE = 128
LOGIT_SD = 0.1
"""Spread of the logits of a network that has not learned anything."""

Loss = Callable[[Tensor, Tensor], Tensor]


def measure_gradient_ratio(
    term: Loss, other: Loss, *, channels: int, lesion_share: float, seed: int = 0
) -> float:
    """Compare how hard two terms pull at the logits of metastasis.

    Args:
        term: of logits (B, C, H, W) and labels (B, 1, H, W).
        other: the term that it is divided by.
        channels: C; the last one is metastasis.
        lesion_share: share of the pixels that are lesion, one disc in the middle; of three classes,
            the body is the middle half of the image.
        seed: of the logits.

    Returns:
        Euclidean norm of the gradient of `term` towards the last channel, over that of `other`.
    """
    label = _make_label(lesion_share, body=channels > 2)
    generator = torch.Generator().manual_seed(seed)
    start = LOGIT_SD * torch.randn(1, channels, SIDE, SIDE, generator=generator)
    pulls = []
    for loss in (term, other):
        logits = start.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(logits, label), logits)
        pulls.append(float(gradient[:, -1].norm()))
    return pulls[0] / pulls[1]


def _make_label(lesion_share: float, *, body: bool) -> Tensor:
    """Make a label (1, 1, H, W) of lesion over background, or over body and background."""
    axis = torch.arange(SIDE) - (SIDE - 1) / 2
    distance = torch.hypot(axis[:, None], axis)
    pixels = max(1, round(lesion_share * SIDE**2))
    lesion = distance <= distance.flatten().sort().values[pixels - 1]
    label = torch.zeros(SIDE, SIDE)
    if body:
        label[:, SIDE // 4 : 3 * SIDE // 4] = 1
    label[lesion] = 2 if body else 1
    return label[None, None]
