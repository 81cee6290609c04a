"""The parts of a loss, apart from each other, in everything that shows a training."""

from typing import Protocol

from ignite.engine import Engine
from monai.engines.utils import IterationEvents
from torch import Tensor


class HasTerms(Protocol):
    """A loss that keeps its parts, scalars by name, of the last batch."""

    terms: dict[str, Tensor]


class LossTerms:
    """Put the parts of a loss beside it in what a trainer puts out at each iteration.

    MeanLoss then averages them, so that progress, history and TensorBoard show each.

    Args:
        loss: the trainer's loss.
    """

    def __init__(self, loss: HasTerms) -> None:
        self.loss = loss

    def attach(self, engine: Engine) -> None:
        """Register on the engine's LOSS_COMPLETED, which comes before any handler of losses."""
        engine.add_event_handler(IterationEvents.LOSS_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Add the terms of the batch to the engine's output."""
        engine.state.output.update(self.loss.terms)
