"""Metrics as Ignite objects, for the engines."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from ignite import distributed as idist
from ignite.metrics import Metric
from monai.handlers import from_engine

from bonescan.keys import LABEL, PRED
from bonescan.labels import Label
from bonescan.metrics.statistics import auc


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


class BitsAuc(Metric):
    """Area under the ROC curve over all cases of an epoch, averaged over the bits of a case.

    0.5, which says nothing, for a bit that all cases have or none has.

    Args:
        output_transform: takes lists of scores and of bits (..., bit) from the engine's output, one
            case a row; by default from MONAI's decollated output.
    """

    def __init__(self, output_transform: Callable[[Any], Any] | None = None) -> None:
        super().__init__(output_transform or from_engine([PRED, LABEL]))

    def reset(self) -> None:
        """Start an epoch."""
        self._cases: list[torch.Tensor] = []  # (case, scores or bits, bit)

    def update(self, output: tuple[Sequence[torch.Tensor], Sequence[torch.Tensor]]) -> None:
        """Add a batch of scores and bits.

        Raises:
            ValueError: if scores and bits differ in shape.
        """
        for scores, bits in zip(*output, strict=True):
            if scores.shape != bits.shape:
                raise ValueError(
                    f"scores must have the shape of the bits {tuple(bits.shape)}, got "
                    f"{tuple(scores.shape)}"
                )
            pairs = [part.reshape(-1, part.shape[-1]).float().cpu() for part in (scores, bits)]
            self._cases.append(torch.stack(pairs, dim=1))

    def compute(self) -> float:
        """Return the mean area of what was added since the last reset, in 0..1."""
        cases = self._cases
        if idist.get_world_size() > 1:
            cases = [case for shard in idist.all_gather(cases) for case in shard]
        scores, bits = torch.cat(cases).unbind(dim=1)
        areas = [
            auc(bits[:, bit], scores[:, bit]).value if 0 < bits[:, bit].mean() < 1 else 0.5
            for bit in range(bits.shape[1])
        ]
        return sum(areas) / len(areas)
