"""The training loop beside the bare steps that it makes."""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

from ignite.engine import Events

from bonescan.keys import IMAGE, LABEL
from bonescan.studies.benchmark.inputs import BenchmarkInputs, make_workflow, repeat_cohort
from bonescan.studies.benchmark.loop import LoopComparison
from bonescan.studies.benchmark.measurement import Measurement, compare_times

TARGET = 1.10
NEVER = 1_000_000
"""Epochs between validations, which are not measured."""


def make_bare_step(engine: Any) -> Callable[[], None]:
    """Return forward, backward and optimiser step of a copy of a trainer on its present batch."""
    network, optimizer = copy.deepcopy((engine.network, engine.optimizer))
    # The same arithmetic, but the weights stay: a network that has learned one batch by heart has
    # gradients so small that the processor takes longer over them (denormal numbers).
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    image, label = (engine.state.batch[key].clone() for key in (IMAGE, LABEL))
    loss_function = engine.loss_function

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss_function(network(image), label).backward()
        optimizer.step()

    return step


def measure_training(inputs: BenchmarkInputs) -> list[Measurement]:
    """Measure the ratio of the whole loop to the bare steps, epoch by epoch."""
    size = inputs.size
    datalist = repeat_cohort(inputs.scans, inputs.folder / "cohort", size.train_scans)
    overrides = {
        "dataset_dir": str(datalist.parent),
        "output_dir": str(inputs.folder / "run"),
        "epochs": size.epochs,
        "val_interval": NEVER,
    }
    workflow = make_workflow(["train", "fast"], overrides, width=size.width)
    workflow.parser.get_parsed_content("preflight").check()
    trainer = workflow.parser.get_parsed_content("train#trainer")
    # All bare steps are of the first batch.
    comparison = LoopComparison(cache(make_bare_step), Events.EPOCH_COMPLETED)
    comparison.attach(trainer)
    trainer.run()
    steps = trainer.state.epoch_length
    how = (
        f"the fast profile on the CPU, {steps} steps per epoch with all handlers and checkpoints "
        "but without validation; after each step a bare one is made: forward, loss, backward and "
        "optimiser on a batch in memory"
    )
    # the first epoch warms up
    per_step = [(loop_s / steps, bare_s / steps) for loop_s, bare_s in comparison.pairs[1:]]
    return [
        compare_times("Training step, whole loop / bare step", per_step, how=how, target=TARGET)
    ]
