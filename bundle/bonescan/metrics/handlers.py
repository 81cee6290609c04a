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
    """Dice of one label value over all pixels of all images of an epoch.

    Unlike the mean over images it needs no rule for images without lesion. Between processes the
    sums are added. 1 when neither a prediction nor a label holds the value.

    Args:
        label_value: the foreground; every other value is background.
        output_transform: takes lists of label maps (view, row, column), predicted and true, from
            the engine's output; by default from MONAI's decollated output.
    """

    def __init__(
        self,
        label_value: int = Label.METASTASIS.value,
        output_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        self.label_value = label_value
        super().__init__(output_transform or from_engine([PRED, LABEL]))

    def reset(self) -> None:
        """Start an epoch."""
        self._sums = torch.zeros(2, dtype=torch.int64)

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
            pred_mask, truth_mask = pred == self.label_value, label == self.label_value
            twice_common = 2 * (pred_mask & truth_mask).sum()
            both = pred_mask.sum() + truth_mask.sum()
            self._sums += torch.stack([twice_common, both]).to(self._sums)

    def compute(self) -> float:
        """Return the Dice of what was added since the last reset, in 0..1."""
        # a backend adds on its own device only (nccl: the GPU)
        twice_common, both = idist.all_reduce(self._sums.to(idist.device())).tolist()
        return twice_common / both if both else 1.0
