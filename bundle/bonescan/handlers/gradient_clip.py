"""Bound the gradient of each step."""

from ignite.engine import Engine, Events
from torch import nn
from torch.optim import Optimizer


class GradientClip:
    """Scale gradients down before each step of an optimiser so that their norm is at most a bound.

    With mixed precision, the optimiser's step sees the gradients after they were scaled back.

    Args:
        optimizer: the optimiser; all of its parameters together have one norm.
        max_norm: the bound.
    """

    def __init__(self, optimizer: Optimizer, max_norm: float) -> None:
        self.optimizer = optimizer
        self.max_norm = max_norm

    def attach(self, engine: Engine) -> None:
        """Register on the optimiser's steps for as long as the engine runs."""
        engine.add_event_handler(Events.STARTED, self._start)

    def _start(self, engine: Engine) -> None:
        hook = self.optimizer.register_step_pre_hook(self._clip)
        engine.add_event_handler(Events.COMPLETED, hook.remove)

    def _clip(self, optimizer: Optimizer, _args: object, _kwargs: object) -> None:
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        nn.utils.clip_grad_norm_(parameters, self.max_norm)
