"""Peak memory of training and inference over few scans and over many."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from bonescan.processes import worker_pool
from bonescan.studies.benchmark.inference import make_inference
from bonescan.studies.benchmark.inputs import BenchmarkInputs, make_workflow, repeat_cohort
from bonescan.studies.benchmark.measurement import Measurement

T = TypeVar("T")

WIDTH = 2
"""Width of the network: its own memory must not hide that of the data."""

TARGET = 1.03
"""Peaks of equal runs differ by about one hundredth."""

STATUS = Path("/proc/self/status")
FORGET_PEAK = (Path("/proc/self/clear_refs"), "5")
"""File and text that set the peak to what is resident now (Linux, proc_pid_clear_refs(5))."""


def measure_memory(inputs: BenchmarkInputs) -> list[Measurement]:
    """Measure the ratio of peak memory over many scans to that over few."""
    few, many = inputs.size.memory_scans
    datalists = [
        repeat_cohort(inputs.scans, inputs.folder / str(number) / "cohort", number)
        for number in (few, many)
    ]
    measurements = []
    for name, work in (("2 epochs of training", train), ("inference", infer)):
        few_mb, many_mb = (call_apart(measure_peak_mb, work, datalist) for datalist in datalists)
        how = (
            f"peak resident memory of {name} with a network of width {WIDTH}: {many_mb:.0f} MB for "
            f"{many} scans, {few_mb:.0f} MB for {few}"
        )
        title = f"Peak memory of {name}, {many} / {few} scans"
        measurements.append(Measurement(title, "ratio", [many_mb / few_mb], how, TARGET))
    return measurements


def call_apart(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in a new process, whose time and memory are its alone."""
    with worker_pool(1) as pool:
        return pool.submit(function, *arguments).result()


def measure_peak_mb(work: Callable[[Path], object], datalist: Path) -> float:
    """Return the peak memory of this process after some work on a datalist, in MB."""
    work(datalist)
    return read_peak_mb()


def train(datalist: Path) -> None:
    """Train for two epochs."""
    overrides = {
        "dataset_dir": str(datalist.parent),
        "output_dir": str(datalist.parents[1] / "run"),
        "epochs": 2,
    }
    make_workflow(["train", "fast"], overrides, width=WIDTH).run()


def infer(datalist: Path) -> None:
    """Infer all scans."""
    make_inference(datalist, datalist.parents[1], width=WIDTH).run()


def added_peak_mb(action: Callable[[], object]) -> float:
    """Return by how many MB the resident memory of this process grows at most while it acts."""
    path, text = FORGET_PEAK
    path.write_text(text, encoding="ascii")
    before_mb = read_peak_mb()
    action()
    return read_peak_mb() - before_mb


def read_peak_mb() -> float:
    """Return the largest resident memory that this process has had, in MB.

    From /proc (Linux): getrusage would count the parent before exec.
    """
    lines = STATUS.read_text(encoding="ascii").splitlines()
    kibibytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kibibytes) * 1024 / 1e6
