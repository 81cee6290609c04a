"""A teacher that follows its network, and whose say grows (Tarvainen and Valpola 2017)."""

import math
from typing import Protocol

import torch
from ignite.engine import Engine, Events
from torch import nn

from bonescan.handlers.weights import unwrap


class TeacherUpdate:
    """After each step move the teacher's weights towards those of the network.

    The teacher is the moving average of the network, with a decay of ``1 - 1 / step`` at first: the
    mean of all steps so far. After the first step it is the network, so that the weights before it
    are forgotten. Ignite's EMAHandler warms up by a schedule that a resumed run would begin anew.

    Args:
        network: network that is trained, possibly wrapped for distributed training.
        teacher: copy of it that shares its buffers.
        decay: of the average, at most.

    Raises:
        ValueError: if the decay is not within 0 and 1.
    """

    def __init__(self, network: nn.Module, teacher: nn.Module, *, decay: float = 0.99) -> None:
        if not 0 <= decay <= 1:
            raise ValueError(f"decay must be within 0 and 1, got {decay}")
        self.network = unwrap(network)
        self.teacher = teacher
        self.decay = decay

    def attach(self, engine: Engine) -> None:
        """Register on the engine's ITERATION_COMPLETED."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Update the teacher."""
        share = 1 - min(self.decay, 1 - 1 / engine.state.iteration)
        with torch.no_grad():
            for taught, weights in zip(
                self.teacher.parameters(), self.network.parameters(), strict=True
            ):
                taught.lerp_(weights, share)


class HasWeight(Protocol):
    """A loss with a weight for its unsupervised part."""

    unsupervised_weight: float


class UnsupervisedRampUp:
    """Raise the weight of the unsupervised loss from next to nothing to its own in some epochs.

    ``exp(-5 (1 - t)^2)`` of the weight, where t grows to 1. It hangs on the epoch alone, so that a
    resumed run goes on as it would have.

    Args:
        loss: loss whose `unsupervised_weight` grows to what it is now.
        epochs: epochs until then; from the first on for 1 or less.
    """

    def __init__(self, loss: HasWeight, *, epochs: float) -> None:
        self.loss = loss
        self.weight = loss.unsupervised_weight
        self.epochs = epochs

    def attach(self, engine: Engine) -> None:
        """Register on the engine's EPOCH_STARTED."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Set the weight of the epoch."""
        left = max(0.0, 1 - engine.state.epoch / self.epochs) if self.epochs > 0 else 0.0
        self.loss.unsupervised_weight = self.weight * math.exp(-5 * left**2)
