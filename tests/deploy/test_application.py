"""The application in the MONAI Deploy App SDK itself, which needs an environment of its own."""

import os
import shutil
import subprocess

import numpy as np
import pytest

import bonescan
from bonescan.data.nifti import read_view_stack
from tests.workflows import ROOT

VARIABLE = "BONESCAN_DEPLOY_PYTHON"
"""Names the Python of an environment with the extra `deploy` (docs/how-to/deploy.md)."""
PYTHON = os.environ.get(VARIABLE)
RESULTS = {"segmentation.dcm", "measurements.dcm", "report.html", "report.pdf", "report.dcm"}


@pytest.mark.slow
@pytest.mark.skipif(PYTHON is None, reason=f"{VARIABLE} names no Python with the extra deploy")
def test_a_study_gives_the_results_of_inference(cohort, tmp_path):
    run, scan = ROOT / "models" / "both_views", cohort / "sim-0001" / "scan.dcm"
    study = tmp_path / "study"
    study.mkdir()
    shutil.copy(scan, study)
    words = ["-W", "ignore", "-m", "bonescan.deploy", "-i", "study", "-o", "out", "-m", run]
    done = subprocess.run(
        [PYTHON, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "bundle")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    ours = bonescan.load(run, device="cpu")(scan)
    folder = tmp_path / "out" / ours.scan_id
    assert {file.name for file in folder.iterdir()} >= RESULTS
    found = read_view_stack(folder / f"{ours.scan_id}_label.nii.gz")
    np.testing.assert_array_equal(found.array, ours.label_map)
