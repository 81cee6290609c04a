"""The parts of the benchmark by name, and one run of some of them."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bonescan.studies.benchmark.endless import measure_endless
from bonescan.studies.benchmark.inference import measure_inference
from bonescan.studies.benchmark.inputs import BenchmarkInputs, BenchmarkSize, simulate_scans
from bonescan.studies.benchmark.measurement import Measurement
from bonescan.studies.benchmark.memory import measure_memory
from bonescan.studies.benchmark.partly_labelled import measure_partly_labelled
from bonescan.studies.benchmark.patients import measure_patients
from bonescan.studies.benchmark.reading import measure_reading
from bonescan.studies.benchmark.results import measure_results
from bonescan.studies.benchmark.steps import measure_crop, measure_simulation, measure_startup
from bonescan.studies.benchmark.systems import measure_systems
from bonescan.studies.benchmark.training import measure_training

PARTS: Mapping[str, Callable[[BenchmarkInputs], list[Measurement]]] = {
    "training": measure_training,
    "inference": measure_inference,
    "results": measure_results,
    "startup": measure_startup,
    "reading": measure_reading,
    "crop": measure_crop,
    "simulation": measure_simulation,
    "patients": measure_patients,
    "endless": measure_endless,
    "memory": measure_memory,
    "systems": measure_systems,
    "partly_labelled": measure_partly_labelled,
}


def run_parts(
    names: Iterable[str],
    folder: Path,
    size: BenchmarkSize,
    *,
    real: Path | None = None,
    announce: Callable[[str], None],
) -> list[Measurement]:
    """Measure some parts, one after the other.

    Args:
        names: of PARTS.
        folder: empty folder to work in.
        size: how long to measure.
        real: folder of real scans to read, if any.
        announce: is told the name of each part before it starts.

    Returns:
        All measurements, in the order of the names.
    """
    scans = simulate_scans(folder / "scans", size.patients)
    measurements = []
    for name in names:
        announce(name)
        part_folder = folder / name
        part_folder.mkdir()
        measurements += PARTS[name](BenchmarkInputs(scans, part_folder, size, real))
    return measurements
