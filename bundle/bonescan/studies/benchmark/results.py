"""What each step from a DICOM file to all results costs, in processor time."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ignite.engine import Engine, Events
from monai.bundle import ConfigWorkflow
from monai.engines.utils import IterationEvents
from torch import nn

from bonescan.report.scan_result import ScanResult
from bonescan.report.writers import ScanWriter
from bonescan.studies.benchmark.inference import forward_pass, make_inference
from bonescan.studies.benchmark.inputs import BenchmarkInputs, repeat_cohort
from bonescan.studies.benchmark.measurement import Measurement, compare_times

SMALL_WIDTH = 12
"""Of the network in the fast profile."""

TARGET = 2.0
SMALL_TARGET_S = 1.0
"""Of one scan to all results; aims of ours."""

READ = "reading and preparing"
FORWARD = "network"
DECIDE = "deciding, and back to the acquisition's geometry"
MEASURE = "findings, burden and quality flags"


@dataclass
class PartClock:
    """Processor time of each part of an inference, scan by scan.

    Attributes:
        network: that infers.
        parts_s: seconds of each scan, by part.
        bare_s: seconds of one more forward pass after each scan.
        findings: how many each scan has, of both views.
    """

    network: nn.Module
    parts_s: dict[str, list[float]] = field(default_factory=dict)
    bare_s: list[float] = field(default_factory=list)
    findings: list[int] = field(default_factory=list)
    _since: float = 0.0

    def attach(self, engine: Engine) -> None:
        """Register on the events of an inference."""
        engine.add_event_handler(Events.GET_BATCH_STARTED, self._start)
        engine.add_event_handler(Events.GET_BATCH_COMPLETED, lambda: self.lap(READ))
        engine.add_event_handler(IterationEvents.FORWARD_COMPLETED, lambda: self.lap(FORWARD))
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._pass_once_more)

    def wrap(self, writers: Sequence[ScanWriter]) -> list[ScanWriter]:
        """Return the writers, each timed; what all of them need is measured before."""
        return [self._measure, *(partial(self._write, writer) for writer in writers)]

    def lap(self, part: str) -> None:
        """Note the time since the last part ended."""
        now = time.process_time()
        self.parts_s.setdefault(part, []).append(now - self._since)
        self._since = now

    def _start(self) -> None:
        self._since = time.process_time()

    def _measure(self, result: ScanResult, output_dir: Path) -> None:  # noqa: ARG002 # a writer
        self.lap(DECIDE)
        self.findings.append(len(result.findings))  # which the result keeps, as the others
        _ = result.burden, result.flags
        self.lap(MEASURE)

    def _write(self, writer: ScanWriter, result: ScanResult, output_dir: Path) -> None:
        writer(result, output_dir)
        self.lap(type(writer).__name__)

    def _pass_once_more(self, engine: Engine) -> None:
        bare, start = forward_pass(self.network, engine), time.process_time()
        bare()
        self.bare_s.append(time.process_time() - start)


def measure_results(inputs: BenchmarkInputs) -> list[Measurement]:
    """Measure the way of scans from DICOM to all results, at the paper's width and at a small one.

    Raises:
        RuntimeError: if a result of a scan could not be written.
    """
    width = inputs.size.width
    full = _time_inference(inputs, "full", width)
    small = _time_inference(inputs, "small", min(width or SMALL_WIDTH, SMALL_WIDTH))
    pairs = list(zip(_totals_s(full), full.bare_s[1:], strict=True))
    return [
        compare_times(
            "All results of a scan / forward pass",
            pairs,
            how="processor time of a scan from DICOM to every file of inference.yaml with "
            "U-Net-Res at the paper's width, over one forward pass of its two views; "
            f"{statistics.median(full.findings):.0f} findings a scan",
            target=TARGET,
        ),
        Measurement(
            "All results of a scan, small network",
            "s",
            _totals_s(small),
            f"the same with a width of {SMALL_WIDTH}, as in the fast profile; "
            f"{statistics.median(small.findings):.0f} findings a scan",
            SMALL_TARGET_S,
        ),
        *(
            Measurement(
                f"Part of it: {part}", "s", times_s[1:], "share of the small network's scan"
            )
            for part, times_s in small.parts_s.items()
        ),
    ]


def _totals_s(clock: PartClock) -> list[float]:
    """Return the seconds of all parts of each scan; the first scan warms up."""
    return [sum(parts) for parts in zip(*clock.parts_s.values(), strict=True)][1:]


def _time_inference(inputs: BenchmarkInputs, name: str, width: int | None) -> PartClock:
    folder = inputs.folder / name
    datalist = repeat_cohort(inputs.scans, folder / "cohort", inputs.size.infer_scans)
    workflow = make_inference(datalist, folder, width=width)
    return time_workflow(workflow, workflow.parser.get_parsed_content("network"))


def time_workflow(workflow: ConfigWorkflow, network: nn.Module) -> PartClock:
    """Run an inference and take the time of each of its parts.

    Args:
        workflow: inference.
        network: whose call makes the bare forward passes of the scan that was inferred last.

    Raises:
        RuntimeError: if a result of a scan could not be written.
    """
    workflow.parser.get_parsed_content("preflight").check()
    evaluator, outputs = map(workflow.parser.get_parsed_content, ("evaluator", "scan_outputs"))
    clock = PartClock(network)
    outputs.writers = clock.wrap(outputs.writers)
    clock.attach(evaluator)
    evaluator.run()
    if outputs.n_failed:
        raise RuntimeError(f"all scans must be written, got {outputs.n_failed} failures")
    return clock
