"""What learning from unlabelled images costs, and what the steps of Lin 2022 cost."""

from functools import partial
from pathlib import Path

import torch

from bonescan.keys import IMAGE
from bonescan.studies.benchmark.inputs import (
    BenchmarkInputs,
    BenchmarkSize,
    make_workflow,
    repeat_cohort,
)
from bonescan.studies.benchmark.measurement import Measurement, time_s
from bonescan.studies.benchmark.memory import call_apart
from bonescan.studies.benchmark.systems import BATCH_SIZE, SCANS, TimedSystem

SYSTEMS = (
    "lin2022_t1",
    "lin2022_t3",
    "lin2022_t3_features",
    "mean_teacher_unet_res",
    "fixmatch_unet_res",
)
"""Of each way to learn from unlabelled images, and two numbers of steps of the first."""

PUBLISHED_S = {"lin2022_t1": 2.19, "lin2022_t2": 2.45, "lin2022_t3": 2.60, "lin2022_t4": 4.21}
"""Test times of Lin 2022, Table 4: of how many images, and on which machine, it does not say."""


def measure_partly_labelled(inputs: BenchmarkInputs) -> list[Measurement]:
    """Measure each system in a process of its own, and the steps of Lin 2022 in turn in one."""
    datalist = repeat_cohort(inputs.scans, inputs.folder / "cohort", SCANS)
    chosen = inputs.size.systems or (*SYSTEMS, *PUBLISHED_S)
    ratios = [
        call_apart(measure_step, name, datalist, inputs.size) for name in SYSTEMS if name in chosen
    ]
    steps = [name for name in PUBLISHED_S if name in chosen]
    if not steps:
        return ratios
    return [*ratios, *call_apart(measure_inference_of_steps, steps, datalist, inputs.size)]


def measure_step(name: str, datalist: Path, size: BenchmarkSize) -> Measurement:
    """Compare the training step of a system with that of its network on labels alone."""
    both, supervised = (
        TimedSystem.of(name, datalist, size.width, supervised=alone) for alone in (False, True)
    )
    both.step_s()
    supervised.step_s()
    how = (
        "time per image of the trainer's iteration, without loading, over that of the same network "
        "with the supervised loss alone, in turn in one process on the CPU: the width of the fast "
        f"profile, batches of {BATCH_SIZE}"
    )
    ratios = [both.step_s() / supervised.step_s() for _ in range(size.turns)]
    return Measurement(f"Training step of {name} / supervised", "ratio", ratios, how)


def measure_inference_of_steps(
    names: list[str], datalist: Path, size: BenchmarkSize
) -> list[Measurement]:
    """Time the networks of Lin 2022 on a thorax, in turn, also over the first of them."""
    overrides = {"dataset_dir": str(datalist.parent), "input": str(datalist)}
    workflows = [
        make_workflow(["inference"], overrides, system=name, width=size.width) for name in names
    ]
    networks = [workflow.parser.get_parsed_content("network").eval() for workflow in workflows]
    image = workflows[0].parser.get_parsed_content("dataset")[0][IMAGE].as_tensor()[:1, None]

    @torch.no_grad()
    def infer(network: torch.nn.Module) -> None:
        network(image)

    for network in networks:
        infer(network)  # the layers choose their algorithms for the shape
    times = [[time_s(partial(infer, network)) for network in networks] for _ in range(size.turns)]
    of_width = "the paper's width" if size.width is None else f"width {size.width}"
    measurements = []
    for number, name in enumerate(names):
        published = PUBLISHED_S[name]
        how = (
            f"forward pass of one thorax at {of_width} on the CPU, in turn; a scan of two views "
            "has two. Lin 2022 says neither of how many images its times are nor on which machine"
        )
        measurements.append(
            Measurement(
                f"Inference of {name} (published {published} s)",
                "s",
                [turn[number] for turn in times],
                how,
            )
        )
        measurements.append(
            Measurement(
                f"Inference of {name} / {names[0]} "
                f"(published {published / PUBLISHED_S[names[0]]:.2f})",
                "ratio",
                [turn[number] / turn[0] for turn in times],
                how,
            )
        )
    return measurements
