"""What each system of configs/systems costs, beside the U-Net of Lin 2020.

Each is measured in a process of its own, on one batch after another of its own training images, so
that nothing here has to know what a system is made of.
"""

import copy
import json
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedTrainer
from monai.utils import convert_to_tensor
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bonescan.keys import BODY, IMAGE, LABEL
from bonescan.studies.benchmark.inputs import ROOT, BenchmarkSize, make_workflow, repeat_cohort
from bonescan.studies.benchmark.measurement import Measurement, not_measured, summarise, time_s
from bonescan.studies.benchmark.memory import added_peak_mb

FOLDER = ROOT / "configs" / "systems"
REFERENCE = "lin2020_unet"
TUNED = (REFERENCE, "he2024_fusion_dac2")
"""Systems that are also compiled, and laid out with channels last."""

SCANS = 3
"""One is left out for validation: two to train on, which is a batch or two."""

BATCH_SIZE = 2
"""The least that every system trains on: Double U-Net normalises over the images of a batch."""


def measure_systems(scans: list[Path], folder: Path, effort: BenchmarkSize) -> list[Measurement]:
    """Measure every system, each in its own process.

    Args:
        scans: folders of simulated patients, two views each.
        folder: empty folder to work in.
        effort: which systems, and how long to measure.
    """
    datalist = _add_body(repeat_cohort(scans, folder / "cohort", SCANS))
    names = effort.systems or sorted(path.stem for path in FOLDER.glob("*.yaml"))
    # A server that has imported MONAI and never computed is forked safely and at once.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["monai"])
    pool = ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1)
    with pool:
        runs = [pool.submit(measure_system, name, datalist, effort) for name in names]
        return [found for run in runs for found in run.result()]


def _add_body(datalist: Path) -> Path:
    """Give every scan a mask of the body, as one system asks: any map of its size serves here."""
    content = json.loads(datalist.read_text(encoding="utf-8"))
    for entry in content["training"]:
        entry[BODY] = entry[LABEL]
    datalist.write_text(json.dumps(content), encoding="utf-8")
    return datalist


def measure_system(name: str, datalist: Path, effort: BenchmarkSize) -> list[Measurement]:
    """Measure one system; the time of this process belongs to it alone.

    Args:
        name: file of configs/systems without ending.
        datalist: scans to train on.
        effort: width of the networks that are timed, and how often they are.
    """
    subject = TimedSystem.of(name, datalist, effort.train_width)
    peak_mb = added_peak_mb(subject.step_s)
    reference = TimedSystem.of(REFERENCE, datalist, effort.train_width)
    reference.step_s()
    steps, forwards = [], []
    for _ in range(effort.turns):
        steps.append(subject.step_s() / reference.step_s())
        forwards.append(subject.forward_s() / reference.forward_s())
    profile = (
        f"over that of {REFERENCE}, in turn in one process on the CPU: the width of the fast "
        f"profile, because the paper's takes minutes, batches of {BATCH_SIZE}, and each system's "
        "own size of image"
    )
    measured = [
        *_measure_size(name, subject.batch[IMAGE][:1]),
        summarise(
            "forward pass",
            forwards,
            unit="ratio",
            how=f"time per image in evaluation {profile}",
            system=name,
        ),
        summarise(
            "training step",
            steps,
            unit="ratio",
            how=f"time per image of the trainer's iteration, without loading, {profile}",
            system=name,
        ),
        summarise(
            "memory of the step",
            [peak_mb],
            unit="MB",
            how="what the first of those training steps add to the resident memory at most",
            system=name,
        ),
    ]
    return measured + (_measure_tuning(name, subject, effort.turns) if name in TUNED else [])


@dataclass(frozen=True)
class TimedSystem:
    """A system in the fast profile, ready to be timed.

    Attributes:
        trainer: its trainer, without handlers.
        times: what the trainer's steps took.
        batch: a batch of its training images.
    """

    trainer: SupervisedTrainer
    times: "StepTimes"
    batch: dict[str, Tensor]

    @classmethod
    def of(cls, name: str, datalist: Path, width: int | None) -> "TimedSystem":
        """Compose a system, at another width than the profile's if one is given."""
        chosen = {} if width is None else {"width": width}
        workflow = make_workflow(
            ["train", "fast"],
            "train",
            name,
            **{
                "dataset_dir": str(datalist.parent),
                "epochs": 1,
                "batch_size": BATCH_SIZE,
                "train#handlers": [],
                "train#dataset#progress": False,
                **chosen,
            },
        )
        trainer = workflow.parser.get_parsed_content("train#trainer")
        times = StepTimes()
        times.attach(trainer)
        return cls(trainer, times, next(iter(trainer.data_loader)))

    def step_s(self) -> float:
        """Train for an epoch; return the seconds of its steps for each image."""
        self.trainer.run()
        return self.times.seconds / self.times.images

    def forward_s(self) -> float:
        """Infer the batch twice; return the seconds of the second time for each image."""
        network, image = self.trainer.network.eval(), self.batch[IMAGE]
        with torch.no_grad():
            network(image)  # the layers choose their algorithms for the shape
            return time_s(lambda: network(image)) / len(image)


class StepTimes:
    """Add up the time and the images of the steps of an epoch, without what lies between them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.images = 0
        self._since = 0.0

    def attach(self, engine: Engine) -> None:
        """Register on the events of the steps."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._restart)
        engine.add_event_handler(Events.ITERATION_STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._stop)

    def _restart(self) -> None:
        self.seconds, self.images = 0.0, 0

    def _start(self) -> None:
        self._since = time.perf_counter()

    def _stop(self, engine: Engine) -> None:
        self.seconds += time.perf_counter() - self._since
        self.images += len(engine.state.batch[IMAGE])


def _measure_size(name: str, image: Tensor) -> list[Measurement]:
    """Count the weights and the operations of one image (1, C, H, W) at the paper's width."""
    workflow = make_workflow(["train"], "train", name)
    network = workflow.parser.get_parsed_content("network_def").eval()
    weights = sum(each.numel() for each in network.parameters() if each.requires_grad)
    gmac = count_macs(network, image) / 1e9
    operations = "operations"
    return [
        summarise(
            "weights",
            [weights / 1e6],
            unit="million",
            how="what is trained, at the paper's width",
            system=name,
        ),
        summarise(
            operations,
            [gmac],
            unit="GMAC",
            how=(
                "multiplications with addition for one image at the paper's width, untrained: half "
                "of what torch's counter gives for convolutions and products of matrices"
            ),
            system=name,
        )
        if gmac
        else not_measured(operations, unit="GMAC", reason="it has no network", system=name),
    ]


def count_macs(network: nn.Module, image: Tensor) -> int:
    """Return the multiplications with addition of a forward pass: torch counts each as two."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(image)
    return counter.get_total_flops() // 2


def _measure_tuning(name: str, subject: TimedSystem, turns: int) -> list[Measurement]:
    """Compare the network, in the fast profile, with itself in other forms."""
    last, loss = subject.trainer.network, subject.trainer.loss_function  # channels last, as trained
    # Plain tensors, as MONAI's trainer gives a compiled network: a MetaTensor cannot be compiled.
    image, label = (convert_to_tensor(subject.batch[key]) for key in (IMAGE, LABEL))
    first = copy.deepcopy(last).to(memory_format=torch.contiguous_format)
    image_last = image.to(memory_format=torch.channels_last)

    def step(form: nn.Module, form_image: Tensor) -> None:
        form.train().zero_grad(set_to_none=True)
        loss(form(form_image), label).backward()

    def infer(form: nn.Module, form_image: Tensor) -> None:
        with torch.no_grad():
            form.eval()(form_image)

    layout = f"the fast profile of {name}, channels last in memory over channels first"
    steps = _compare(lambda: step(last, image_last), lambda: step(first, image), turns)
    forwards = _compare(lambda: infer(last, image_last), lambda: infer(first, image), turns)
    found = [
        summarise(
            f"Channels last, training step of {name}",
            steps,
            unit="ratio",
            how=f"forward, loss and backward in {layout}",
        ),
        summarise(
            f"Channels last, forward pass of {name}", forwards, unit="ratio", how=f"in {layout}"
        ),
    ]
    return [*found, measure_compiled(name, last, image_last, turns)]


def measure_compiled(name: str, network: nn.Module, image: Tensor, turns: int) -> Measurement:
    """Compare the compiled forward pass with the plain one, or say why it cannot be compiled."""
    title = f"torch.compile, forward pass of {name}"
    network = copy.deepcopy(network).eval()
    compiled = torch.compile(network)
    try:
        with torch.no_grad():
            ratios = _compare(lambda: compiled(image), lambda: network(image), turns)
    except RuntimeError as err:  # of the compiler: none is installed, or it fails
        reason = f"does not run here: {' '.join(str(err).split())[:200]}"
        return not_measured(title, unit="ratio", reason=reason)
    how = (
        f"in the fast profile of {name}, compiled over plain, after compilation; that of the "
        "training step takes minutes"
    )
    return summarise(title, ratios, unit="ratio", how=how)


def _compare(changed: Callable[[], object], plain: Callable[[], object], turns: int) -> list[float]:
    """Return ratios of the times of two actions, done in turn after once each to warm up."""
    changed()
    plain()
    return [time_s(changed) / time_s(plain) for _ in range(turns)]
