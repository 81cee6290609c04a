"""How long single steps take: the thorax crop, the simulation of a patient."""

import shutil
import time
from functools import partial
from pathlib import Path

from monai.transforms import Compose, LoadImaged

from bonescan.data.reader import BoneScanReader
from bonescan.keys import IMAGE
from bonescan.phantom.cohort import simulate_one
from bonescan.phantom.files.patient_files import PatientOrigin
from bonescan.phantom.presets import PRESETS
from bonescan.studies.benchmark.inputs import SEED, BenchmarkSize
from bonescan.studies.benchmark.measurement import Measurement, summarise, time_repeats_ms
from bonescan.transforms import MirrorPosteriord, ThoraxCropd

SIMULATION_TARGET_S = 2.0


def measure_crop(scans: list[Path], effort: BenchmarkSize) -> list[Measurement]:
    """Measure the thorax crop of a loaded scan of two views."""
    load = Compose([LoadImaged(IMAGE, reader=BoneScanReader), MirrorPosteriord(IMAGE)])
    crop = ThoraxCropd(IMAGE)
    samples = [load({IMAGE: str(scan / "scan.dcm")}) for scan in scans]
    times_ms = [
        number
        for sample in samples
        for number in time_repeats_ms(partial(crop, sample), effort.readings)
    ]
    how = f"`ThoraxCropd` on {len(scans)} loaded scans of two views"
    return [summarise("Thorax crop", times_ms, unit="ms", how=how)]


def measure_simulation(folder: Path, effort: BenchmarkSize) -> list[Measurement]:
    """Measure simulating a patient and writing its files, in seconds of one core."""
    seconds = []
    for number in range(1, effort.patients + 1):
        start = time.process_time()
        name = simulate_one(PatientOrigin(PRESETS["default"], SEED, number), folder)
        seconds.append(time.process_time() - start)
        shutil.rmtree(folder / name)
    how = "processor time of simulating one patient of the preset `default` and writing all files"
    return [
        summarise("Simulation of a patient", seconds, unit="s", how=how, target=SIMULATION_TARGET_S)
    ]
