"""What a person sees and keeps of a training: a progress bar and a history."""

from collections.abc import Mapping
from pathlib import Path

from ignite.engine import Engine, Events
from torch.optim import Optimizer
from tqdm import tqdm

from bonescan import run_folder
from bonescan.files import read_rows, write_rows
from bonescan.handlers.effort import EpochEffort
from bonescan.handlers.mean_loss import mean_losses


class TrainingProgress:
    """Show one bar for the whole run: epoch, losses, validation and time left (process 0 only).

    Args:
        evaluator: evaluator whose key metric is shown beside the losses.
    """

    def __init__(self, *, evaluator: Engine | None = None) -> None:
        self.evaluator = evaluator
        self.bar: tqdm | None = None

    def attach(self, engine: Engine) -> None:
        """Register on the events of the run."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._update)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._step)
        engine.add_event_handler(Events.COMPLETED, self._close)
        engine.add_event_handler(Events.EXCEPTION_RAISED, self._close_and_raise)

    def _start(self, engine: Engine) -> None:
        if self.bar is not None:
            return
        # Not on STARTED: a resumed run knows its epoch only after all handlers of that event.
        self.bar = tqdm(
            total=engine.state.max_epochs * engine.state.epoch_length,
            initial=engine.state.iteration,
            desc="Training",
            unit="batch",
            disable=engine.state.rank != 0,
        )

    def _step(self) -> None:
        if self.bar is not None:
            # Reading the loss waits for the device; the bar redraws only every tenth of a second.
            self.bar.update()

    def _update(self, engine: Engine) -> None:
        if self.bar is None:
            return
        shown = {"epoch": f"{engine.state.epoch}/{engine.state.max_epochs}"}
        shown |= {name: f"{loss:.4f}" for name, loss in mean_losses(engine).items()}
        if self.evaluator is not None:
            name = self.evaluator.state.key_metric_name
            shown[name] = f"{self.evaluator.state.metrics.get(name, float('nan')):.3f}"
        self.bar.set_postfix(shown)

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.close()

    def _close_and_raise(self, error: BaseException) -> None:
        self._close()
        raise error


def metrics_of(evaluator: Engine | None, epoch: int) -> Mapping[str, float]:
    """Return what validation measured in an epoch; empty where it did not run in that one."""
    if evaluator is None or evaluator.state.epoch != epoch:
        return {}
    return evaluator.state.metrics


class History:
    """Keep one row per epoch in `history.csv`; a resumed run goes on in the same file.

    Columns: `epoch`; each loss by its name; `learning_rate`, or `learning_rate_NAME` of each where
    there are several optimisers; `validation_metric`; `seconds` that the epoch took; what it cost
    (EpochEffort): `images`, `processor_seconds`, `memory_mb`.

    Args:
        output_dir: folder of the file.
        optimizers: optimisers by name, whose learning rates are noted.
        evaluator: evaluator whose key metric is noted.
    """

    def __init__(
        self,
        output_dir: str | Path,
        *,
        optimizers: Mapping[str, Optimizer],
        evaluator: Engine | None = None,
    ) -> None:
        self.path = Path(output_dir) / run_folder.HISTORY
        self.optimizers = optimizers
        self.evaluator = evaluator
        self.effort = EpochEffort()

    def attach(self, engine: Engine) -> None:
        """Register on the events of the epoch, after MeanLoss and validation."""
        self.effort.attach(engine)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the epoch's row after those of the epochs before."""
        if engine.state.rank != 0:
            return
        validated = metrics_of(self.evaluator, engine.state.epoch)
        metric = ""
        if self.evaluator is not None and validated:
            metric = f"{validated[self.evaluator.state.key_metric_name]:.6f}"
        row = {
            "epoch": engine.state.epoch,
            **{name: f"{loss:.6f}" for name, loss in mean_losses(engine).items()},
            **self._learning_rates(),
            "validation_metric": metric,
            "seconds": f"{engine.state.times['EPOCH_COMPLETED'] or 0.0:.1f}",
            **self.effort.columns,
        }
        write_rows(self.path, [*self._earlier_rows(engine.state.epoch), row])

    def _learning_rates(self) -> dict[str, str]:
        column = "learning_rate" if len(self.optimizers) == 1 else "learning_rate_{}"
        return {
            column.format(name): f"{optimizer.param_groups[0]['lr']:.6g}"
            for name, optimizer in self.optimizers.items()
        }

    def _earlier_rows(self, epoch: int) -> list[dict[str, str]]:
        """Read the rows before an epoch; a killed run may have left one beyond its checkpoint."""
        if epoch == 1:
            return []
        return [row for row in read_rows(self.path) if int(row["epoch"]) < epoch]
