"""Stop a training whose loss is no longer a number."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from torch.utils.data import Dataset

from bonescan import run_folder
from bonescan.data.samples import SampleDataset
from bonescan.handlers.mean_loss import scalar_losses
from bonescan.keys import SAMPLE


class StopAtDivergence:
    """End a training at the first loss that is not finite, before anything of it is saved.

    The checkpoints of the last epoch stay as they are. Mixed precision reads a number from the
    device at each step anyway, so that reading the loss costs no wait of its own.

    Args:
        output_dir: folder of the run, for the message.
        dataset: what is trained on; where it keeps samples, the message names the batch's scans by
            their scan ids.
    """

    def __init__(self, output_dir: str | Path, dataset: Dataset) -> None:
        self.output_dir = Path(output_dir)
        self.dataset = dataset

    def attach(self, engine: Engine) -> None:
        """Register on the engine's ITERATION_COMPLETED."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Look at the losses of a batch.

        Raises:
            ValueError: if one is NaN or infinite; says at which iteration, of which scans, and what
                is kept.
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
                f"{state.epoch_length}){self._name_scans(state.batch)}; {kept}; train with a "
                "lower --learning_rate"
            )

    def _name_scans(self, batch: Mapping[str, Any]) -> str:
        if not isinstance(self.dataset, SampleDataset):
            return ""
        names = {self.dataset.find_scan_id(number) for number in batch[SAMPLE].tolist()}
        return f", scans {', '.join(sorted(names))}"
