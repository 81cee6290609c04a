"""Inference with several networks of one system, such as the folds of a cross-validation."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from monai.data import decollate_batch
from monai.inferers import Inferer
from monai.transforms import Compose
from monai.utils import convert_to_tensor

from bonescan.keys import PRED
from bonescan.transforms.metadata import replace_values


class EnsembleInferer(Inferer):
    """Average the probabilities of several networks.

    Args:
        inferer: applied to each network.
        activate: transforms of a sample that turn a network's output, `pred`, into probabilities.
    """

    def __init__(self, inferer: Inferer, activate: Sequence[Callable[[Any], Any]]) -> None:
        super().__init__()
        self.inferer = inferer
        self.activate = Compose(activate)

    def __call__(
        self,
        inputs: torch.Tensor,
        network: Iterable[Callable[..., Any]],
        *args: Any,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Infer scans (B, view, row, column).

        Args:
            inputs: scans (B, V, H, W).
            network: the networks, such as a ModuleList.
            args: passed on to the inferer.
            kwargs: passed on to the inferer.

        Returns:
            Mean probabilities (B, C, V, H, W), with the metadata of the inferer's output.
        """
        outputs = [self.inferer(inputs, member, *args, **kwargs) for member in network]
        probs = [
            torch.stack([self._activate(pred) for pred in decollate_batch(output)])
            for output in outputs
        ]
        return replace_values(outputs[0], torch.stack(probs).mean(dim=0))

    def _activate(self, pred: torch.Tensor) -> torch.Tensor:
        return convert_to_tensor(self.activate({PRED: pred})[PRED], track_meta=False)
