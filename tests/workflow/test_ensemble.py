"""Several runs of one system as one: their mean probability decides."""

import csv
import json
from pathlib import Path

import numpy as np

from bonescan.data.nifti import read_view_stack
from tests.handlers.fakes import NETWORK, save_weights
from tests.workflows import FEW_OUTPUTS, run_workflow

LEVELS = (0.7137, 0.9009)
"""The mean probability of these two exceeds a half where the grey value exceeds MEAN_LEVEL."""
MEAN_LEVEL = 0.8073


def save_run(folder: Path, level: float) -> str:
    folder.mkdir()
    save_weights(folder / "model.pt", level)
    return str(folder)


def run_both(name: str, folder: Path, **settings: object) -> tuple[Path, Path]:
    """Run a workflow with the one network and with the two; return the folders of the results."""
    settings = {"workflow_type": "infer", "network_def": NETWORK, **settings}
    one, two = folder / "one", folder / "two"
    run_dir = save_run(folder / "run", MEAN_LEVEL)
    run_workflow(name, **settings, run_dir=run_dir, output_dir=str(one))
    run_dirs = [save_run(folder / f"run {level}", level) for level in LEVELS]
    run_workflow(name, "ensemble", **settings, run_dirs=run_dirs, output_dir=str(two))
    return one, two


def test_inference_marks_what_the_mean_marks(cohort, tmp_path):
    scan = cohort / "sim-0001" / "scan.dcm"
    outputs = run_both("inference", tmp_path, input=str(scan), outputs=FEW_OUTPUTS)
    one, two = (read_view_stack(next(output.glob("*/*.nii.gz"))) for output in outputs)
    np.testing.assert_array_equal(one.array, two.array)
    scores = [
        [one["score"] for one in json.loads(file.read_text())["findings"]]
        for output in outputs
        for file in output.glob("*/findings.json")
    ]
    assert len(scores[0]) == len(scores[1]) > 0
    assert scores[0] != scores[1]
    assert min(scores[1]) > 0.5


def test_evaluation_counts_what_the_mean_marks(cohort, tmp_path):
    outputs = run_both("evaluate", tmp_path, dataset_dir=str(cohort), baseline=False)
    counts = []
    for output in outputs:
        with (output / "images.csv").open(newline="") as file:
            rows = csv.DictReader(file)
            counts.append([[int(row[key]) for key in ("tp", "fp", "fn")] for row in rows])
    assert counts[0] == counts[1]
    assert sum(tp for tp, _, _ in counts[0]) > 0
