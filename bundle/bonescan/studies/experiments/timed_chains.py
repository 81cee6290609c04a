"""Time of a scan from its file to all results, in its parts."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigWorkflow
from monai.networks.utils import eval_mode
from torch import nn

from bonescan.studies.benchmark.inputs import make_workflow
from bonescan.studies.benchmark.measurement import Measurement
from bonescan.studies.benchmark.results import FORWARD, PartClock, time_workflow
from bonescan.studies.experiments.times import Times
from bonescan.studies.experiments.untrained import make_untrained

THREADS = 1
"""Of torch while times are measured: processor seconds are then those of one core."""
AROUND = "around the networks: panels, sub-images, stitching"
ALL, BARE, RATIO = "all", "bare forward passes", "all / bare forward passes"
NETWORK = "network"
"""How the name of a network's part begins, and that of the network of a system without steps."""


class ForwardRecorder(nn.Module):
    """Note what networks are called with and how long they take; called itself, call them again.

    Args:
        networks: by name.

    Attributes:
        scans_s: processor seconds of each network, scan by scan; a call ends a scan.
    """

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.scans_s: list[dict[str, float]] = []
        self._names = list(networks)
        self._begin()
        for name, network in networks.items():
            network.register_forward_pre_hook(self._start)
            network.register_forward_hook(lambda *call, name=name: self._note(name, *call))

    def forward(self, _views: torch.Tensor) -> None:
        """Do the forward passes of the last scan once more, and nothing else."""
        calls = self._calls
        self.scans_s.append(self._own_s)
        self._begin()
        for network, inputs in calls:
            with eval_mode(network):  # else they would learn the statistics of their inputs
                network.forward(*inputs)  # past the hooks

    def _begin(self) -> None:
        self._calls: list[tuple[nn.Module, tuple[Any, ...]]] = []
        self._own_s = dict.fromkeys(self._names, 0.0)

    def _start(self, _network: nn.Module, _inputs: tuple[Any, ...]) -> None:
        self._since = time.process_time()

    def _note(
        self, name: str, network: nn.Module, inputs: tuple[Any, ...], _output: object
    ) -> None:
        self._own_s[name] += time.process_time() - self._since
        self._calls.append((network, inputs))


@dataclass(frozen=True)
class ChainTimes:
    """Processor seconds of the scans of one chain.

    Attributes:
        parts_s: of each scan, by part; the networks are parts of their own.
        bare_s: of its forward passes alone, done once more.
        findings: how many each scan has, of both views.
    """

    parts_s: Mapping[str, Sequence[float]]
    bare_s: Sequence[float]
    findings: Sequence[int]

    def to_measurements(self) -> list[Measurement]:
        """Return each part, all of them, the bare passes and the ratio."""
        totals_s = [sum(scan) for scan in zip(*self.parts_s.values(), strict=True)]
        ratios = [whole / bare for whole, bare in zip(totals_s, self.bare_s, strict=True)]
        seconds = {**self.parts_s, ALL: totals_s, BARE: self.bare_s}
        return [
            *(Measurement(name, "s", times_s, "a scan") for name, times_s in seconds.items()),
            Measurement(RATIO, "ratio", ratios, "a scan"),
        ]


def time_published(times: Times, datalist: Path) -> ChainTimes:
    """Time the published chain at the paper's size with random weights.

    Args:
        times: the chain.
        datalist: scans; the first warms up.
    """
    with tempfile.TemporaryDirectory(prefix="times-") as folder:
        workflow = make_untrained(datalist, Path(folder), system=times.system, steps=times.steps)
        networks = workflow.parser.get_parsed_content("network")
        named = {f"{NETWORK} of the step {step}": each for step, each in networks.items()}
        return _time(workflow, named)


def time_released(run: Path, datalist: Path) -> ChainTimes:
    """Time a released system.

    Args:
        run: its folder.
        datalist: scans; the first warms up.
    """
    with tempfile.TemporaryDirectory(prefix="times-") as folder:
        settings = {"input": str(datalist), "output_dir": folder, "run_dir": str(run)}
        workflow = make_workflow(["inference"], settings, run=run)
        return _time(workflow, {NETWORK: workflow.parser.get_parsed_content("network")})


def _time(workflow: ConfigWorkflow, networks: Mapping[str, nn.Module]) -> ChainTimes:
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        recorder = ForwardRecorder(networks)
        clock = time_workflow(workflow, recorder)
    finally:
        torch.set_num_threads(threads)
    return join_times(clock, recorder)


def join_times(clock: PartClock, recorder: ForwardRecorder) -> ChainTimes:
    """Part the time of the inferer into that of each network and the rest; drop the first scan."""
    parts_s: dict[str, list[float]] = {}
    for part, times_s in clock.parts_s.items():
        if part != FORWARD:
            parts_s[part] = times_s[1:]
            continue
        own = {name: [scan[name] for scan in recorder.scans_s] for name in recorder.scans_s[0]}
        networks_s = [sum(scan.values()) for scan in recorder.scans_s]
        rest = [whole - of for whole, of in zip(times_s, networks_s, strict=True)]
        parts_s |= {name: values[1:] for name, values in own.items()}
        parts_s[AROUND] = rest[1:]
    return ChainTimes(parts_s, clock.bare_s[1:], clock.findings[1:])
