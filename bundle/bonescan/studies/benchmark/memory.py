"""Peak memory of training and inference over few scans and over many.

As a program (`python -m bonescan.studies.benchmark.memory KIND DATALIST FOLDER`) it does one run
and prints the peak of its own process.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bonescan.studies.benchmark.inference import save_sparing_weights
from bonescan.studies.benchmark.inputs import ROOT, BenchmarkSize, make_workflow, repeat_cohort
from bonescan.studies.benchmark.measurement import Measurement, summarise

KINDS = ("training", "inference")
WIDTH = 2
"""Width of the network: its own memory must not hide that of the data."""

TARGET = 1.03
"""Peaks of equal runs differ by about one hundredth."""

STATUS = Path("/proc/self/status")
FORGET_PEAK = (Path("/proc/self/clear_refs"), "5")
"""File and text that set the peak to what is resident now (Linux, proc_pid_clear_refs(5))."""


def measure_memory(scans: list[Path], folder: Path, effort: BenchmarkSize) -> list[Measurement]:
    """Measure the ratio of peak memory over many scans to that over few.

    Args:
        scans: folders of simulated patients.
        folder: empty folder to work in.
        effort: how many scans.
    """
    datalists = {
        number: repeat_cohort(scans, folder / str(number) / "cohort", number)
        for number in effort.memory_scans
    }
    measurements = []
    for kind in KINDS:
        few_mb, many_mb = (_peak_mb(kind, datalist) for datalist in datalists.values())
        few, many = effort.memory_scans
        work = "2 epochs of training" if kind == "training" else kind
        how = (
            f"peak resident memory of {work}, width {WIDTH}: {many_mb:.0f} MB over {many} scans, "
            f"{few_mb:.0f} MB over {few}"
        )
        name = f"Peak memory of {kind}, {many} scans over {few}"
        measurements.append(
            summarise(name, [many_mb / few_mb], unit="ratio", how=how, target=TARGET)
        )
    return measurements


def _peak_mb(kind: str, datalist: Path) -> float:
    output = datalist.parents[1] / kind
    done = subprocess.run(  # noqa: S603
        [
            sys.executable,
            "-m",
            "bonescan.studies.benchmark.memory",
            kind,
            str(datalist),
            str(output),
        ],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(done.stdout.split()[-1])


def read_peak_mb() -> float:
    """Return the largest resident memory that this process has had, in MB.

    From /proc (Linux): getrusage would count the parent before exec.
    """
    lines = STATUS.read_text(encoding="ascii").splitlines()
    kibibytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kibibytes) * 1024 / 1e6


def added_peak_mb(action: Callable[[], object]) -> float:
    """Return by how many MB the resident memory of this process grows at most while it acts."""
    path, text = FORGET_PEAK
    path.write_text(text, encoding="ascii")
    before_mb = read_peak_mb()
    action()
    return read_peak_mb() - before_mb


def run_training(datalist: Path, folder: Path) -> None:
    """Train for two epochs."""
    workflow = make_workflow(
        ["train", "fast"],
        "train",
        dataset_dir=str(datalist.parent),
        output_dir=str(folder),
        epochs=2,
        width=WIDTH,
    )
    workflow.run()


def run_inference(datalist: Path, folder: Path) -> None:
    """Infer all scans of a datalist."""
    folder.mkdir(parents=True)
    weights = folder / "weights.pt"
    workflow = make_workflow(
        ["inference"],
        "inference",
        input=str(datalist),
        output_dir=str(folder),
        weights=str(weights),
        width=WIDTH,
    )
    parser = workflow.parser
    network = parser.get_parsed_content("network")
    save_sparing_weights(network, parser.get_parsed_content("dataset"), weights)
    workflow.run()


def main() -> None:
    """Do one run and print its peak in MB."""
    kind, datalist, folder = sys.argv[1:]
    work = run_training if kind == "training" else run_inference
    work(Path(datalist), Path(folder))
    sys.stdout.write(f"{read_peak_mb()}\n")


if __name__ == "__main__":
    main()
