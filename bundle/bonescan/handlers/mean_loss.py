"""The losses of a training by name: one of most trainers, two of an adversarial one."""

from collections.abc import Mapping, Sequence
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.utils import CommonKeys


def scalar_losses(output: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the scalars among what a trainer puts out, by name: its losses.

    Args:
        output: `engine.state.output` of a trainer of MONAI; a sequence where it was decollated.

    Returns:
        Numbers, and tensors without axes as they are: nothing waits for the device.
    """
    first = output if isinstance(output, Mapping) else output[0]
    return {str(name): value for name, value in first.items() if _is_scalar(value)}


def _is_scalar(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, torch.Tensor) and value.ndim == 0)


def mean_losses(engine: Engine) -> dict[str, float]:
    """Return the mean losses of an epoch, which MeanLoss took, by name."""
    return {name: float(engine.state.metrics[name]) for name in scalar_losses(engine.state.output)}


class MeanLoss:
    """Mean of each loss of a trainer in each epoch, kept on the device until the epoch ends.

    Where the network returns losses by name in training, as detectors do, each has its mean, too.

    Ignite's running averages read the loss at every batch, which makes the host wait for the
    device each time.
    """

    def __init__(self) -> None:
        self.totals: dict[str, torch.Tensor | float] = {}
        self.count = 0

    def attach(self, engine: Engine) -> None:
        """Register on the events of the epoch; the results go to `engine.state.metrics`."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._reset)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._add)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._finish)

    def _reset(self) -> None:
        self.totals = {}
        self.count = 0

    def _add(self, engine: Engine) -> None:
        output = engine.state.output
        pred = output.get(CommonKeys.PRED) if isinstance(output, Mapping) else None
        terms = pred if isinstance(pred, Mapping) else {}
        for name, loss in {**terms, **scalar_losses(output)}.items():
            value = loss.detach() if isinstance(loss, torch.Tensor) else loss
            self.totals[name] = self.totals.get(name, 0.0) + value
        self.count += 1

    def _finish(self, engine: Engine) -> None:
        count = max(idist.all_reduce(self.count), 1)
        for name, total in self.totals.items():
            engine.state.metrics[name] = float(idist.all_reduce(total)) / count  # of all processes
