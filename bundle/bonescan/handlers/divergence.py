"""Stop a training whose loss is no longer a number."""

import math
from pathlib import Path

import torch
from ignite.engine import Engine, Events

from bonescan import run_folder
from bonescan.handlers.mean_loss import scalar_losses


class StopAtDivergence:
    """End a training at the first loss that is not finite, before anything of it is saved.

    The checkpoints of the last epoch stay as they are. Mixed precision reads a number from the
    device at each step anyway, so that reading the loss costs no wait of its own.

    Args:
        output_dir: folder of the run, for the message.
    """

    def __init__(self, output_dir: str | Path) -> None:
        self.output_dir = Path(output_dir)

    def attach(self, engine: Engine) -> None:
        """Register on the engine's ITERATION_COMPLETED."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Look at the losses of a batch.

        Raises:
            ValueError: if one is NaN or infinite; says at which iteration.
        """
        for name, loss in scalar_losses(engine.state.output).items():
            value = float(torch.as_tensor(loss).detach())
            if math.isfinite(value):
                continue
            state = engine.state
            last = self.output_dir / run_folder.LAST_STATE
            kept = f"{last} holds the epoch before" if last.is_file() else "nothing was saved"
            raise ValueError(
                f"{name} must be finite, got {value} at iteration {state.iteration} (epoch "
                f"{state.epoch}, batch {(state.iteration - 1) % state.epoch_length + 1} of "
                f"{state.epoch_length}); {kept}; train with a lower --learning_rate"
            )
