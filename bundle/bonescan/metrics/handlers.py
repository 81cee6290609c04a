"""Metrics as Ignite objects, for the engines."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from ignite import distributed as idist
from ignite.metrics import Metric
from monai.handlers import from_engine

from bonescan.keys import LABEL, PRED
from bonescan.labels import Label


class PooledDice(Metric):
    """Dice over all pixels of all images of an epoch, averaged over label values.

    Unlike the mean over images it needs no rule for images without lesion. Between processes the
    sums are added. 1 for a value that neither a prediction nor a label holds.

    Args:
        label_values: each is the foreground once; every other value is background then.
        output_transform: takes lists of label maps (view, row, column), predicted and true, from
            the engine's output; by default from MONAI's decollated output.
    """

    def __init__(
        self,
        label_values: Sequence[int] = (Label.METASTASIS.value,),
        output_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        self.label_values = tuple(label_values)
        super().__init__(output_transform or from_engine([PRED, LABEL]))

    def reset(self) -> None:
        """Start an epoch."""
        # twice the common pixels and the pixels of both, by label value
        self._sums = torch.zeros(len(self.label_values), 2, dtype=torch.int64)

    def update(self, output: tuple[Sequence[torch.Tensor], Sequence[torch.Tensor]]) -> None:
        """Add a batch of predicted and true label maps.

        Raises:
            ValueError: if a prediction and its label differ in shape.
        """
        for pred, label in zip(*output, strict=True):
            if pred.shape != label.shape:
                raise ValueError(
                    f"prediction must have the label's shape {tuple(label.shape)}, "
                    f"got {tuple(pred.shape)}: discretise it to a label map first"
                )
            for row, value in enumerate(self.label_values):
                pred_mask, truth_mask = pred == value, label == value
                twice_common = 2 * (pred_mask & truth_mask).sum()
                both = pred_mask.sum() + truth_mask.sum()
                self._sums[row] += torch.stack([twice_common, both]).to(self._sums)

    def compute(self) -> float:
        """Return the Dice of what was added since the last reset, in 0..1."""
        # a backend adds on its own device only (nccl: the GPU)
        sums = idist.all_reduce(self._sums.to(idist.device())).tolist()
        dice = [twice_common / both if both else 1.0 for twice_common, both in sums]
        return sum(dice) / len(dice)
