"""How long single steps take: the start of a workflow, the thorax crop, the simulation."""

import shutil
import subprocess
import sys
import time
from functools import partial

from monai.transforms import Compose, LoadImaged

from bonescan.data.reader import BoneScanReader
from bonescan.keys import IMAGE
from bonescan.phantom.cohort import simulate_one
from bonescan.phantom.files.patient_files import PatientOrigin
from bonescan.phantom.presets import PRESETS
from bonescan.studies.benchmark.inputs import ROOT, SEED, BenchmarkInputs
from bonescan.studies.benchmark.measurement import (
    Measurement,
    compare_times,
    time_repeats_ms,
    time_s,
)
from bonescan.transforms import MirrorPosteriord, ThoraxCropd

START_TARGET = 1.5
SIMULATION_TARGET_S = 2.0


def measure_startup(inputs: BenchmarkInputs) -> list[Measurement]:
    """Measure the ratio of starting a workflow to importing MONAI, in new processes in turn."""
    # The checks before the first scan are the part of a run that needs no scan; weights need only
    # be there.
    weights = inputs.folder / "weights.pt"
    weights.touch()
    config = ["--config_file", "configs/inference.yaml", "--run", '["$@preflight.check()"]']
    files = ["--weights", str(weights), "--output_dir", str(inputs.folder / "out")]
    whole = partial(_run_python, "-m", "monai.bundle", "run", *config, *files)
    bare = partial(_run_python, "-c", "import monai")
    pairs = [(time_s(whole), time_s(bare)) for _ in range(inputs.size.starts)]
    how = (
        "wall time of `python -m monai.bundle run` with configs/inference.yaml up to the first "
        "scan, over `python -c 'import monai'`"
    )
    name = "Start-up, inference / import of MONAI"
    return [compare_times(name, pairs[1:], how=how, target=START_TARGET)]


def _run_python(*arguments: str) -> None:
    subprocess.run(  # noqa: S603
        [sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True
    )


def measure_crop(inputs: BenchmarkInputs) -> list[Measurement]:
    """Measure the thorax crop of a loaded scan of two views."""
    load = Compose([LoadImaged(IMAGE, reader=BoneScanReader), MirrorPosteriord(IMAGE)])
    crop = ThoraxCropd(IMAGE)
    times_ms = [
        time_ms
        for scan in inputs.scans
        for time_ms in time_repeats_ms(
            partial(crop, load({IMAGE: str(scan / "scan.dcm")})), inputs.size.readings
        )
    ]
    how = f"time for a loaded scan of two views, over {len(inputs.scans)} scans"
    return [Measurement("Thorax crop", "ms", times_ms, how)]


def measure_simulation(inputs: BenchmarkInputs) -> list[Measurement]:
    """Measure simulating a patient and writing its files, in seconds of one core."""
    times_s = []
    for number in range(1, inputs.size.patients + 1):
        start = time.process_time()
        name = simulate_one(PatientOrigin(PRESETS["default"], SEED, number), inputs.folder)
        times_s.append(time.process_time() - start)
        shutil.rmtree(inputs.folder / name)
    how = "processor time for one patient of the default preset, with all files written"
    return [Measurement("Simulation of a patient", "s", times_s, how, SIMULATION_TARGET_S)]
