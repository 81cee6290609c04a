"""The loss of a batch of which only some images have a label."""

from collections.abc import Mapping

from torch import Tensor, nn

from bonescan.keys import LABEL, LABELLED


class PartlyLabelledLoss(nn.Module):
    """One loss on the labelled images of a batch, and one on all images that asks for no label.

    Args:
        supervised: of the logits and the label of the labelled images.
        unsupervised: of the logits and the whole batch.
        supervised_weight: weight of the first (alpha of Lin 2022).
        unsupervised_weight: weight of the second.

    Attributes:
        terms: both losses of the last batch, without their weights and without gradient, by name:
            what bonescan.handlers.loss_terms.LossTerms shows.
    """

    def __init__(
        self,
        *,
        supervised: nn.Module,
        unsupervised: nn.Module,
        supervised_weight: float = 1.0,
        unsupervised_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.supervised = supervised
        self.unsupervised = unsupervised
        self.supervised_weight = supervised_weight
        self.unsupervised_weight = unsupervised_weight
        self.terms: dict[str, Tensor] = {}

    def forward(self, logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """Compute the weighted sum.

        Args:
            logits: (B, C, H, W).
            batch: LABEL (B, 1, H, W), LABELLED (B,), true where the label is the image's own, and
                what the unsupervised loss asks for.

        Returns:
            A scalar. The supervised loss of a batch without a label is 0.
        """
        labelled = batch[LABELLED].bool()
        unsupervised: Tensor = self.unsupervised(logits, batch)
        supervised: Tensor = (
            self.supervised(logits[labelled], batch[LABEL][labelled])
            if labelled.any()
            else unsupervised.new_zeros(())
        )
        self.terms = {
            "supervised_loss": supervised.detach(),
            "unsupervised_loss": unsupervised.detach(),
        }
        return self.supervised_weight * supervised + self.unsupervised_weight * unsupervised
