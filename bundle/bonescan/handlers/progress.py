"""What a person sees and keeps of a training run: a progress bar and a history."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.utils import CommonKeys
from tqdm import tqdm

from bonescan.files import write_whole

HISTORY_NAME = "history.csv"
FIELDS = ("epoch", "loss", "learning_rate", "validation_metric", "seconds")


class TrainingProgress:
    """Show one bar for the whole run: epoch, loss, validation, rate and time left.

    Args:
        evaluator: evaluator whose key metric is shown beside the loss.
        show: whether to draw the bar (process 0 only).
    """

    def __init__(self, *, evaluator: Engine | None = None, show: bool = True) -> None:
        self.evaluator = evaluator
        self.show = show
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
            disable=not self.show or engine.state.rank != 0,
        )

    def _step(self) -> None:
        if self.bar is not None:
            # Reading the loss waits for the device; the bar redraws only every tenth of a second.
            self.bar.update()

    def _update(self, engine: Engine) -> None:
        if self.bar is None:
            return
        shown = {
            "epoch": f"{engine.state.epoch}/{engine.state.max_epochs}",
            "loss": f"{loss_of(engine):.4f}",
        }
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


def loss_of(engine: Engine) -> float:
    """Return the mean loss of the epoch so far, or of the last batch if none is kept."""
    mean = engine.state.metrics.get("loss")
    if mean is not None:
        return float(mean)
    output = engine.state.output
    return float(output["loss"] if isinstance(output, dict) else output[0]["loss"])


def metrics_of(evaluator: Engine | None, epoch: int) -> Mapping[str, float]:
    """Return what validation measured in an epoch; empty where it did not run in that one."""
    if evaluator is None or evaluator.state.epoch != epoch:
        return {}
    return evaluator.state.metrics


class MeanLoss:
    """Mean training loss of each epoch, kept on the device until the epoch ends.

    Where the network returns losses by name in training, as detectors do, each has its mean, too.

    Ignite's running averages read the loss at every batch, which makes the host wait for the
    device each time.
    """

    def __init__(self) -> None:
        self.totals: dict[str, torch.Tensor] = {}
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
        output = output if isinstance(output, dict) else output[0]
        pred = output.get(CommonKeys.PRED)
        terms = pred if isinstance(pred, dict) else {}
        for name, loss in {**terms, CommonKeys.LOSS: output[CommonKeys.LOSS]}.items():
            self.totals[name] = self.totals.get(name, 0.0) + loss.detach()
        self.count += 1

    def _finish(self, engine: Engine) -> None:
        count = max(idist.all_reduce(self.count), 1)
        for name, total in self.totals.items():
            engine.state.metrics[name] = float(idist.all_reduce(total)) / count  # of all processes


class History:
    """Keep one row per epoch in `history.csv`; a resumed run goes on in the same file.

    Args:
        output_dir: folder of the file.
        optimizer: optimiser whose learning rate is noted.
        evaluator: evaluator whose key metric is noted.
    """

    def __init__(
        self,
        output_dir: str | Path,
        *,
        optimizer: torch.optim.Optimizer,
        evaluator: Engine | None = None,
    ) -> None:
        self.path = Path(output_dir) / HISTORY_NAME
        self.optimizer = optimizer
        self.evaluator = evaluator

    def attach(self, engine: Engine) -> None:
        """Register on the engine's EPOCH_COMPLETED."""
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
            "loss": f"{loss_of(engine):.6f}",
            "learning_rate": f"{self.optimizer.param_groups[0]['lr']:.6g}",
            "validation_metric": metric,
            "seconds": f"{engine.state.times['EPOCH_COMPLETED'] or 0.0:.1f}",
        }
        rows = [*self._earlier_rows(engine.state.epoch), row]
        write_whole(self.path, lambda partial: _write_rows(partial, rows))

    def _earlier_rows(self, epoch: int) -> list[dict[str, str]]:
        """Read the rows before an epoch; a killed run may have left one beyond its checkpoint."""
        if epoch == 1 or not self.path.is_file():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return [row for row in csv.DictReader(file) if int(row["epoch"]) < epoch]


def _write_rows(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
