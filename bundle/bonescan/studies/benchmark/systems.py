"""What each system of configs/systems costs, compared with the U-Net of Lin 2020.

Each is measured in a process of its own, on one batch after another of its own training images, so
that nothing here has to know what a system is made of.
"""

import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from ignite.engine import Engine, Events
from monai.bundle import ConfigParser
from monai.engines import SupervisedTrainer
from monai.utils import convert_to_tensor
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bonescan.data.datalist import TRAINING
from bonescan.keys import BODY, IMAGE, LABEL
from bonescan.studies.benchmark.inputs import (
    BenchmarkInputs,
    BenchmarkSize,
    make_workflow,
    repeat_cohort,
)
from bonescan.studies.benchmark.measurement import Measurement, time_s
from bonescan.studies.benchmark.memory import added_peak_mb, call_apart
from bonescan.workflow.installation import find_configs, find_systems

REFERENCE = "lin2020_unet"
TUNED = (REFERENCE, "he2024_fusion_dac2")
"""Systems that are also compiled, and laid out with channels last."""

SCANS = 3
"""One is left out for validation: two to train on, which is a batch or two."""

BATCH_SIZE = 2
"""The least that every system trains on: Double U-Net normalises over the images of a batch."""


def measure_systems(inputs: BenchmarkInputs) -> list[Measurement]:
    """Measure every system, each in its own process."""
    datalist = _add_body(repeat_cohort(inputs.scans, inputs.folder / "cohort", SCANS))
    names = inputs.size.systems or [path.stem for path in find_systems()]
    return [
        measurement
        for name in names
        for measurement in call_apart(measure_system, name, datalist, inputs.size)
    ]


def _add_body(datalist: Path) -> Path:
    """Give every scan a mask of the body, as one system asks: any map of its size serves here."""
    content = json.loads(datalist.read_text(encoding="utf-8"))
    for entry in content[TRAINING]:
        entry[BODY] = entry[LABEL]
    datalist.write_text(json.dumps(content), encoding="utf-8")
    return datalist


def measure_system(name: str, datalist: Path, size: BenchmarkSize) -> list[Measurement]:
    """Measure one system; the time of this process belongs to it alone.

    Args:
        name: file of configs/systems without ending.
        datalist: scans to train on.
        size: width of the networks that are timed, and how often they are.
    """
    system = TimedSystem.of(name, datalist, size.width)
    peak_mb = added_peak_mb(system.step_s)
    forwards, steps = _compare_with_reference(system, datalist, size)
    how = (
        f"over that of {REFERENCE}, in turn in one process on the CPU: the width of the fast "
        f"profile, because the paper's takes minutes, batches of {BATCH_SIZE}, and each system's "
        "own size of image"
    )
    of_system = partial(Measurement, system=name)
    return [
        *_measure_size(name, datalist, system.batch[IMAGE][:1]),
        of_system("forward pass", "ratio", forwards, f"time per image in evaluation {how}"),
        of_system(
            "training step",
            "ratio",
            steps,
            f"time per image of the trainer's iteration, without loading, {how}",
        ),
        of_system(
            "memory of the step",
            "MB",
            [peak_mb],
            "largest growth of the resident memory during the first of these training steps",
        ),
        *(_measure_tuning(name, system, size.turns) if name in TUNED else []),
    ]


def _compare_with_reference(
    system: "TimedSystem", datalist: Path, size: BenchmarkSize
) -> tuple[list[float], list[float]]:
    """Return the ratios of the times of forward passes and of training steps, in turn."""
    reference = TimedSystem.of(REFERENCE, datalist, size.width)
    reference.step_s()
    forwards, steps = [], []
    for _ in range(size.turns):
        steps.append(system.step_s() / reference.step_s())
        forwards.append(system.forward_s() / reference.forward_s())
    return forwards, steps


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
    def of(
        cls, name: str, datalist: Path, width: int | None, *, supervised: bool = False
    ) -> "TimedSystem":
        """Compose a system.

        Args:
            name: file of configs/systems without ending.
            datalist: scans to train on.
            width: of the network; None for the profile's.
            supervised: of a system for partly labelled data, train its network with the supervised
                loss alone.
        """
        overrides = {
            "dataset_dir": str(datalist.parent),
            "epochs": 1,
            "batch_size": BATCH_SIZE,
            "train#handlers": [],
            "train#dataset#progress": False,
        }
        workflow = make_workflow(["train", "fast"], overrides, system=name, width=width)
        if supervised:
            plain = ConfigParser.load_config_file(str(find_configs() / "each_view.yaml"))
            workflow.parser["loss"] = workflow.parser["loss"]["supervised"]
            for key in ("prepare_batch", "added_handlers"):
                workflow.parser[key] = plain[key]
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


def _measure_size(name: str, datalist: Path, image: Tensor) -> list[Measurement]:
    """Count the weights and the operations of one image (1, C, H, W) at the paper's width."""
    overrides = {"dataset_dir": str(datalist.parent)}
    workflow = make_workflow(["train"], overrides, system=name)
    network = workflow.parser.get_parsed_content("network_def")
    weights = sum(each.numel() for each in network.parameters() if each.requires_grad)
    macs = count_macs(network.eval(), image)
    how = (
        "multiplications with addition for one image at the paper's width, untrained: half of what "
        "torch's counter gives for convolutions and products of matrices"
    )
    return [
        Measurement(
            "weights",
            "million",
            [weights / 1e6],
            "what is trained, at the paper's width",
            None,
            name,
        ),
        Measurement("operations", "GMAC", [macs / 1e9], how, None, name)
        if macs
        else Measurement("operations", "GMAC", None, "it has no network", None, name),
    ]


def count_macs(network: nn.Module, image: Tensor) -> int:
    """Return the multiplications with addition of a forward pass: torch counts each as two."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(image)
    return counter.get_total_flops() // 2


def _measure_tuning(name: str, system: TimedSystem, turns: int) -> list[Measurement]:
    """Compare the network, in the fast profile, with itself in other forms."""
    last, loss = system.trainer.network, system.trainer.loss_function  # channels last, as trained
    # Plain tensors, as MONAI's trainer gives a compiled network: a MetaTensor cannot be compiled.
    image, label = (convert_to_tensor(system.batch[key]) for key in (IMAGE, LABEL))
    first = copy.deepcopy(last).to(memory_format=torch.contiguous_format)
    image_last = image.to(memory_format=torch.channels_last)

    def step(form: nn.Module, form_image: Tensor) -> None:
        form.train().zero_grad(set_to_none=True)
        loss(form(form_image), label).backward()

    def infer(form: nn.Module, form_image: Tensor) -> None:
        with torch.no_grad():
            form.eval()(form_image)

    measurements = []
    for title, action in (
        ("Training step (forward, loss, backward)", step),
        ("Forward pass", infer),
    ):
        ratios = _compare(partial(action, last, image_last), partial(action, first, image), turns)
        measurements.append(
            Measurement(
                f"{title} of {name}, channels last / first",
                "ratio",
                ratios,
                "the network of the fast profile, channels last in memory over channels first",
            )
        )
    return [*measurements, measure_compiled(name, last, image_last, turns)]


def measure_compiled(name: str, network: nn.Module, image: Tensor, turns: int) -> Measurement:
    """Compare the compiled forward pass with the plain one, or say why it cannot be compiled."""
    title = f"Forward pass of {name}, compiled / plain"
    network = copy.deepcopy(network).eval()
    compiled = torch.compile(network)
    try:
        with torch.no_grad():
            ratios = _compare(lambda: compiled(image), lambda: network(image), turns)
    except RuntimeError as err:  # of the compiler: none is installed, or it fails
        reason = f"does not run here: {' '.join(str(err).split())[:200]}"
        return Measurement(title, "ratio", None, reason)
    how = (
        "the network of the fast profile with torch.compile, over without, after compilation; the "
        "training step is left out, because it takes minutes to compile"
    )
    return Measurement(title, "ratio", ratios, how)


def _compare(changed: Callable[[], object], plain: Callable[[], object], turns: int) -> list[float]:
    """Return ratios of the times of two actions, done in turn after once each to warm up."""
    changed()
    plain()
    return [time_s(changed) / time_s(plain) for _ in range(turns)]
