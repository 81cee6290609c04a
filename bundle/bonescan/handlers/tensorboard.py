"""The course of a training for TensorBoard."""

from pathlib import Path

from ignite.engine import Engine, Events
from torch.utils.tensorboard import SummaryWriter

from bonescan import run_folder
from bonescan.handlers.progress import metrics_of


class TensorBoardScalars:
    """Write losses and validation metrics of each epoch into `tensorboard/`.

    MONAI's TensorBoardStatsHandler reads the loss at every iteration, which makes the host wait
    for the device; this one takes the means that MeanLoss reads once an epoch.

    Args:
        output_dir: folder of the run.
        evaluator: evaluator whose metrics are written in the epochs in which it runs.
    """

    def __init__(self, output_dir: str | Path, *, evaluator: Engine | None = None) -> None:
        self.log_dir = Path(output_dir) / run_folder.TENSORBOARD
        self.evaluator = evaluator
        self.writer: SummaryWriter | None = None

    def attach(self, engine: Engine) -> None:
        """Register on the events of the run, after MeanLoss."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self._close)

    def _start(self, engine: Engine) -> None:
        if engine.state.rank == 0 and self.writer is None:
            # A resumed run drops what a killed one wrote beyond its checkpoint.
            self.writer = SummaryWriter(str(self.log_dir), purge_step=engine.state.epoch)

    def __call__(self, engine: Engine) -> None:
        """Write the epoch's scalars."""
        if self.writer is None:
            return
        for name, value in engine.state.metrics.items():
            self.writer.add_scalar(f"train/{name}", value, engine.state.epoch)
        for name, value in metrics_of(self.evaluator, engine.state.epoch).items():
            self.writer.add_scalar(f"validation/{name}", value, engine.state.epoch)

    def _close(self) -> None:
        if self.writer is not None:
            self.writer.close()
