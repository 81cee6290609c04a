"""The parts of the benchmark by name, and one run of some of them."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bonescan.studies.benchmark.inference import measure_inference
from bonescan.studies.benchmark.inputs import BenchmarkSize, simulate_scans
from bonescan.studies.benchmark.measurement import Measurement
from bonescan.studies.benchmark.memory import measure_memory
from bonescan.studies.benchmark.reading import measure_reading
from bonescan.studies.benchmark.runs import measure_crop, measure_simulation
from bonescan.studies.benchmark.startup import measure_startup
from bonescan.studies.benchmark.systems import measure_systems
from bonescan.studies.benchmark.training import measure_training

PARTS = ("training", "inference", "startup", "reading", "crop", "simulation", "memory", "systems")


def run_parts(
    names: Iterable[str],
    folder: Path,
    effort: BenchmarkSize,
    *,
    real: Path | None = None,
    announce: Callable[[str], None],
) -> list[Measurement]:
    """Measure some parts, one after the other.

    Args:
        names: of PARTS.
        folder: empty folder to work in.
        effort: how long to measure.
        real: folder of real scans to read, if any.
        announce: told the name of each part before it starts.

    Returns:
        All measurements, in the order of the names.
    """
    scans = simulate_scans(folder / "scans", effort.patients)
    parts: Mapping[str, Callable[[Path], list[Measurement]]] = {
        "training": lambda place: measure_training(scans, place, effort),
        "inference": lambda place: measure_inference(scans, place, effort),
        "startup": lambda place: measure_startup(place, effort),
        "reading": lambda place: measure_reading(scans, place, effort, real),
        "crop": lambda _place: measure_crop(scans, effort),
        "simulation": lambda place: measure_simulation(place, effort),
        "memory": lambda place: measure_memory(scans, place, effort),
        "systems": lambda place: measure_systems(scans, place, effort),
    }
    measurements = []
    for name in names:
        announce(name)
        place = folder / name
        place.mkdir()
        measurements += parts[name](place)
    return measurements
