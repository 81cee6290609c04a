"""The loss of a network that tells foci and bones in both views of a scan."""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from bonescan.keys import LABEL, REGIONS, SHOWN


class ScanLoss(nn.Module):
    """Add up the loss of the foci and that of the bones, each where its truth is known.

    Bones are compared on the cells of their shares, larger than a pixel, over which the logits are
    averaged.

    Args:
        foci: of the logits (N, class, H, W) and the label (N, 1, H, W) of views.
        bones: of the logits and the shares (N, group, h, w) of views.
        classes: number of classes of foci: the first channels of each view.
        bones_weight: weight of the second; with 0 it is not computed.

    Attributes:
        terms: both losses of the last batch, without weight and gradient, by name: what
            bonescan.handlers.loss_terms.LossTerms shows.
    """

    def __init__(
        self, *, foci: nn.Module, bones: nn.Module, classes: int, bones_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.foci = foci
        self.bones = bones
        self.classes = classes
        self.bones_weight = bones_weight
        self.terms: dict[str, Tensor] = {}

    def forward(self, logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """Compute the sum.

        Args:
            logits: (B, V * C, H, W), view by view.
            batch: LABEL (B, V, H, W) of bonescan.labels.FocusLabel, SHOWN (B, V), and REGIONS
                (B, V, group, h, w), shares of each cell, negative where they are not known; h and w
                divide H and W.

        Returns:
            A scalar; a part of which the batch holds no truth is 0.
        """
        label, shown = batch[LABEL], batch[SHOWN].bool()
        by_view = logits.unflatten(1, (label.shape[1], -1))  # (B, V, C, H, W)
        zero = logits.sum() * 0
        foci = bones = zero
        if shown.any():
            foci = self.foci(by_view[shown][:, : self.classes], label[shown][:, None])
        shares = batch[REGIONS]
        known = shown & (shares.amin(dim=(2, 3, 4)) >= 0)  # (B, V)
        if self.bones_weight > 0 and known.any():
            rows, columns = shares.shape[-2:]
            mean = F.adaptive_avg_pool2d(by_view[known][:, self.classes :], (rows, columns))
            bones = self.bones(mean, shares[known])
        self.terms = {"foci_loss": foci.detach(), "bones_loss": bones.detach()}
        return foci + self.bones_weight * bones
