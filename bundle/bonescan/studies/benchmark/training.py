"""The training loop beside the bare steps that it makes."""

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from bonescan.studies.benchmark.inputs import BenchmarkSize, make_workflow, repeat_cohort
from bonescan.studies.benchmark.measurement import Measurement, summarise_ratio, time_s

TARGET = 1.10
NEVER = 1_000_000
"""Epochs between validations, which are not measured."""


class StepComparison:
    """Make a bare step after each step of a training loop, and time both.

    Attached last, so that everything the loop does between two steps falls to the loop: loading,
    augmentation, handlers, checkpoints. The bare steps train a copy of the network on the first
    batch.
    """

    def __init__(self) -> None:
        self.pairs: list[tuple[float, float]] = []
        self._loop_s = self._bare_s = self._since = 0.0
        self._step: Callable[[], None] | None = None

    def attach(self, engine: Engine) -> None:
        """Register on the events of the loop."""
        engine.add_event_handler(Events.STARTED, self._restart)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._compare)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._end_epoch)

    def _restart(self) -> None:
        self._loop_s = self._bare_s = 0.0
        self._since = time.perf_counter()

    def _compare(self, engine: Engine) -> None:
        self._loop_s += time.perf_counter() - self._since
        if self._step is None:
            self._step = make_bare_step(engine)
        self._bare_s += time_s(self._step)
        self._since = time.perf_counter()

    def _end_epoch(self) -> None:
        self._loop_s += time.perf_counter() - self._since
        self.pairs.append((self._loop_s, self._bare_s))
        self._restart()


def make_bare_step(engine: Any) -> Callable[[], None]:
    """Return forward, backward and optimiser step of a copy of a trainer on its present batch."""
    network, optimizer = copy.deepcopy((engine.network, engine.optimizer))
    # The same arithmetic, but the weights stay: a network that has learned one batch by heart has
    # gradients so small that the processor takes longer over them (denormal numbers).
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    image, label = (engine.state.batch[key].clone() for key in ("image", "label"))
    loss_function = engine.loss_function

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss_function(network(image), label).backward()
        optimizer.step()

    return step


def measure_training(scans: list[Path], folder: Path, effort: BenchmarkSize) -> list[Measurement]:
    """Measure the ratio of the whole loop to the bare steps, epoch by epoch.

    Args:
        scans: folders of simulated patients.
        folder: empty folder to work in.
        effort: how long to measure.
    """
    datalist = repeat_cohort(scans, folder / "cohort", effort.train_scans)
    width: dict[str, Any] = {} if effort.train_width is None else {"width": effort.train_width}
    workflow = make_workflow(
        ["train", "fast"],
        "train",
        dataset_dir=str(datalist.parent),
        output_dir=str(folder / "run"),
        epochs=effort.epochs,
        val_interval=NEVER,
        **width,
    )
    workflow.parser.get_parsed_content("preflight").check()
    trainer = workflow.parser.get_parsed_content("train#trainer")
    comparison = StepComparison()
    comparison.attach(trainer)
    trainer.run()
    steps = trainer.state.epoch_length
    how = (
        f"configs train and fast on the CPU, {steps} steps an epoch with all handlers and "
        "checkpoints but no validation; after each step a bare one: forward, loss, backward and "
        "optimiser on a resident batch"
    )
    per_step = [(loop / steps, bare / steps) for loop, bare in comparison.pairs[1:]]
    return [
        summarise_ratio("Training step, loop over bare", per_step, how=how, target=TARGET),
    ]
