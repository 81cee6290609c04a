"""How long the bundle takes to start, beside what MONAI takes to import."""

import subprocess
import sys
from pathlib import Path

from bonescan.studies.benchmark.inputs import ROOT, BenchmarkSize
from bonescan.studies.benchmark.measurement import Measurement, summarise_ratio, time_s

TARGET = 1.5


def measure_startup(folder: Path, effort: BenchmarkSize) -> list[Measurement]:
    """Measure the ratio of starting a workflow to importing MONAI, in fresh processes in turn.

    Args:
        folder: empty folder to work in.
        effort: how long to measure.
    """
    # The checks before the first scan are the part of a run that needs no scan; weights need only
    # be there.
    weights = folder / "weights.pt"
    weights.touch()
    config = ["--config_file", "configs/inference.yaml", "--run", '["$@preflight.check()"]']
    where = ["--weights", str(weights), "--output_dir", str(folder / "out")]
    whole = ["-m", "monai.bundle", "run", *config, *where]
    bare = ["-c", "import monai"]
    pairs = [
        (time_s(lambda: _run_python(whole)), time_s(lambda: _run_python(bare)))
        for _ in range(effort.starts)
    ]
    how = (
        "wall time of `python -m monai.bundle run` with configs/inference.yaml up to the first "
        "scan, over `python -c 'import monai'`"
    )
    return [
        summarise_ratio("Start-up, monai.bundle over import", pairs[1:], how=how, target=TARGET)
    ]


def _run_python(arguments: list[str]) -> None:
    subprocess.run(  # noqa: S603
        [sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True
    )
