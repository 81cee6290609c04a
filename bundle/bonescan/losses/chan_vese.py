"""Active contours without edges as losses: the two terms of Lin 2022, corrected.

Lin et al. 2022, Frontiers in Molecular Biosciences 9:956720. Its equation 7 sums the inside twice;
the outside is meant (Chan and Vese 2001, IEEE Transactions on Image Processing 10:266, equation 9).
It takes a network's outputs from 0 to 1 for the inside; here they are the sigmoid of logits, as a
clamped output has no gradient outside 0 and 1. All sums are divided by the number of pixels, so
that weights mean the same at every size of image.
"""

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonescan.keys import IMAGE
from bonescan.view_channels import find_acquired

Region = Literal["image", "body"]

LEAST_MASS = 1e-6
"""Pixels added to the size of a region before dividing by it: an empty one then has mean 0."""
LEAST_SLOPE = 1e-8
"""Added to squared slopes of a map, in 1 / px2: the square root has no gradient at 0."""
LEAST_CONTRAST = 0.05
"""By how much the inside must be brighter than the outside, in the image's scale of 0..1, before
the guard of polarity leaves it alone: a default of ours."""


class ChanVeseLoss(nn.Module):
    """What a map owes to the image alone: both of its regions should be of one grey value each.

    For probabilities p and an image g, with the means c1 of g inside (weights p) and c2 outside
    (weights 1 - p): the mean over the pixels of ``p (g - c1)^2 + (1 - p) (g - c2)^2 + nu p``.

    But for nu the energy is the same for p and 1 - p, so that nothing says that lesions are bright,
    and networks trained by it alone end inverted as often as not. The guard
    ``relu(c2 - c1 + 0.05)`` is ours: it adds nothing where the inside is clearly brighter.

    An image of several channels, such as the views of a scan, has means of each channel, and its
    energy is the mean over the channels (Chan, Sandberg and Vese 2000, Journal of Visual
    Communication and Image Representation 11:130); a missing view says nothing.

    Args:
        area_weight: nu (0.004 in the paper).
        unsup_region: "image" as in the paper, where the optimum tells the body from the air; "body"
            leaves out the pixels without counts, a departure from the paper.
        detach: no gradient through c1 and c2 in the energy. They are where the energy is least in
            them, so that this changes rounding only; the guard's gradient goes through them anyway.
        polarity_weight: of the guard; 0 for the paper's energy.

    Raises:
        ValueError: if the region is unknown.
    """

    def __init__(
        self,
        *,
        area_weight: float = 0.004,
        unsup_region: Region = "image",
        detach: bool = False,
        polarity_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if unsup_region not in get_args(Region):
            raise ValueError(
                f"unsup_region must be one of {', '.join(get_args(Region))}, got {unsup_region!r}"
            )
        self.area_weight = area_weight
        self.unsup_region = unsup_region
        self.detach = detach
        self.polarity_weight = polarity_weight

    def forward(self, logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """Compute the mean over the images of a batch.

        Args:
            logits: (B, 1, H, W).
            batch: IMAGE, (B, K, H, W) in 0..1; zero all over in place of a missing view.

        Returns:
            A scalar.

        Raises:
            ValueError: if the logits have other channels, or the image another size.
        """
        prob, image = _prob_of(logits), batch[IMAGE].float()
        if prob[:, 0].shape != image[:, 0].shape:
            raise ValueError(
                f"image must have the shape of the logits, {tuple(prob.shape)}, but for its "
                f"channels, got {tuple(image.shape)}"
            )
        field = torch.ones_like(image) if self.unsup_region == "image" else (image > 0).float()
        inside, outside = (
            _weighted_mean(image, prob * field),
            _weighted_mean(image, (1 - prob) * field),
        )
        guard = F.relu(outside - inside + LEAST_CONTRAST)
        if self.detach:
            inside, outside = inside.detach(), outside.detach()
        energy = (
            prob * ((image - inside).square() + self.area_weight)
            + (1 - prob) * (image - outside).square()
        )
        loss = _weighted_mean(energy, field) + self.polarity_weight * guard  # (B, K, 1, 1)
        acquired = find_acquired(image)
        return _weighted_mean(loss, acquired[:, :, None, None].float(), dim=(1,)).mean()


class ContourLabelLoss(nn.Module):
    """What a map owes to its label: short contours and the label's region.

    The mean over the pixels of ``tv_weight |grad p| + (1 - 2 u) p`` for probabilities p and a label
    u: the paper's equation 8, with the label's name put right.

    With the paper's weight of 1 a labelled lesion of less than 2 px in radius is cheaper to erase
    than to keep, since the contour grows with the radius and the region with its square.

    Args:
        tv_weight: of the total variation (1 in the paper).
        non_negative: add the mean of u, which has no gradient, so that the label itself costs
            nothing and losses read well.
    """

    def __init__(self, *, tv_weight: float = 1.0, non_negative: bool = True) -> None:
        super().__init__()
        self.tv_weight = tv_weight
        self.non_negative = non_negative

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Compute the mean over the images.

        Args:
            logits: (B, 1, H, W).
            label: the same shape, 1 in lesions, else 0.

        Returns:
            A scalar.

        Raises:
            ValueError: if the logits have other channels.
        """
        prob, label = _prob_of(logits), label.float()
        region = (1 - 2 * label) * prob
        if self.non_negative:
            region = region + label
        return (self.tv_weight * total_variation(prob) + region).mean()


def total_variation(prob: Tensor) -> Tensor:
    """Return the length of the slope at each pixel by forward differences.

    Args:
        prob: (B, C, H, W).

    Returns:
        The same shape, per px; beyond the last row and column the map goes on as it is.
    """
    down = F.pad(prob.diff(dim=-2), (0, 0, 0, 1))
    right = F.pad(prob.diff(dim=-1), (0, 1))
    return (down.square() + right.square() + LEAST_SLOPE).sqrt()


def _prob_of(logits: Tensor) -> Tensor:
    """Return probabilities in single precision: their sums over an image overflow in half."""
    if logits.ndim != 4 or logits.shape[1] != 1:
        raise ValueError(f"logits must be (B, 1, H, W), got {tuple(logits.shape)}")
    return torch.sigmoid(logits.float())


def _weighted_mean(values: Tensor, weights: Tensor, dim: tuple[int, ...] = (-2, -1)) -> Tensor:
    """Average over axes, which stay with length 1: over rows and columns if no other are given."""
    mass = weights.sum(dim=dim, keepdim=True)
    return (weights * values).sum(dim=dim, keepdim=True) / (mass + LEAST_MASS)
