import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import yaml

from bonescan.run_folder import LAST_STATE, WEIGHTS
from tests.workflows import (
    ROOT,
    TINY,
    locate_datalist,
    make_workflow,
    run_workflow,
    tiny_arguments,
)

pytestmark = pytest.mark.slow

EACH_VIEW = "configs/each_view.yaml"
NORM = {"network_def#norm": "batch"}
"""Normalisation has running statistics, which each process gathers from its own images."""
EVALUATION = {"width": 2, "size": TINY["size"], "section": "training", **NORM}


def torchrun(*arguments: str, succeeds: bool = True) -> str:
    """Run two processes of `monai.bundle run` on the processor; return what they print."""
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2",
            "-m", "monai.bundle", "run", *arguments,
        ],
        check=False,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "GLOO_SOCKET_IFNAME": "lo",
            "CUDA_VISIBLE_DEVICES": "",
            "PYTHONPATH": str(ROOT),
        },
    )  # fmt: skip
    assert (done.returncode == 0) == succeeds, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def datalist(cohort, tmp_path_factory) -> Path:
    """Three patients to validate on and two to train on: no even share for two processes."""
    content = locate_datalist(cohort)
    for index, entry in enumerate(content["training"]):
        entry["fold"] = 0 if index < 3 else 1
    path = tmp_path_factory.mktemp("datalist") / "datalist.json"
    path.write_text(json.dumps(content))
    return path


def train(
    datalist: Path,
    folder: Path,
    *arguments: str,
    overlays: Sequence[str] = (),
    system: str = "",
    held: str = "@network_def",
) -> str:
    """Train on two processes that leave a hash of what they hold."""
    folder.mkdir(exist_ok=True)
    digest = {
        "_target_": "tests.handlers.fakes.write_digest",
        "network": held,
        "folder": "@output_dir",
    }
    digests = folder / "digest.yaml"
    digests.write_text(yaml.safe_dump({"+run": [digest]}))
    return torchrun(
        "training", *(("--args_file", system) if system else ()), "--config_file",
        f"{['configs/train.yaml', EACH_VIEW, *overlays, 'configs/multi_gpu.yaml', str(digests)]}",
        "--datalist", str(datalist), "--output_dir", str(folder), "--network_def#norm", "batch",
        *tiny_arguments(), *arguments,
    )  # fmt: skip


@pytest.fixture(scope="module")
def run_dir(datalist, make_once) -> Path:
    return make_once("two processes", lambda folder: train(datalist, folder))


def test_processes_hold_the_same_network(run_dir):
    digests = [(run_dir / f"rank {rank}.txt").read_text() for rank in (0, 1)]
    assert digests[0] == digests[1]


def test_one_checkpoint_that_one_process_can_load(run_dir):
    assert {path.name for path in run_dir.glob("*.pt")} == {WEIGHTS, LAST_STATE}
    weights = torch.load(run_dir / WEIGHTS, weights_only=True)
    workflow = make_workflow("train", workflow_type="train", **NORM)
    workflow.initialize()
    workflow.network_def.load_state_dict(weights)
    assert any("running_var" in name for name in weights)
    with (run_dir / "history.csv").open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]


def test_run_is_recorded(run_dir):
    system = json.loads((run_dir / "system.json").read_text())
    assert (system["width"], system["size"]) == (2, TINY["size"])
    assert "DistributedDataParallel" in (run_dir / "config.json").read_text()
    assert json.loads((run_dir / "run.json").read_text())["seed"] == 0


def test_resumed_run_equals_uninterrupted_one(datalist, run_dir, tmp_path):
    train(datalist, tmp_path, "--epochs", "1")
    train(datalist, tmp_path, "--resume")
    digests = {(folder / "rank 0.txt").read_text() for folder in (run_dir, tmp_path)}
    assert len(digests) == 1


def teach(datalist: Path, folder: Path, *arguments: str) -> None:
    """Train a network with a teacher on two processes that leave a hash of what they hold."""
    families = ("partly_labelled", "teacher")
    train(
        datalist,
        folder,
        *arguments,
        overlays=[f"configs/families/{family}.yaml" for family in families],
        system="configs/systems/mean_teacher_unet_res.yaml",
        held="@loss",
    )


def test_processes_have_one_teacher_and_resume_with_it(datalist, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    share = ("--labelled_fraction", "0.5", "--positive_value", "0")
    teach(datalist, whole, *share)
    teach(datalist, parts, *share, "--epochs", "1")
    teach(datalist, parts, *share, "--resume")
    digests = {
        (path / f"rank {rank}.txt").read_text() for path in (whole, parts) for rank in (0, 1)
    }
    assert len(digests) == 1
    with (whole / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert all(float(row["unsupervised_loss"]) > 0 for row in rows)


def test_evaluation_uses_each_scan_once(datalist, run_dir, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    where = {"datalist": str(datalist), "run_dir": str(run_dir)}
    run_workflow("evaluate", workflow_type="infer", **where, **EVALUATION, output_dir=str(one))
    settings = {**where, **EVALUATION, "output_dir": str(two)}
    torchrun(
        "evaluating", "--config_file",
        f"['configs/evaluate.yaml','{EACH_VIEW}','configs/multi_gpu_evaluate.yaml']",
        *(text for key, value in settings.items() for text in (f"--{key}", str(value))),
    )  # fmt: skip
    assert (one / "images.csv").read_text() == (two / "images.csv").read_text()
    assert (one / "summary.json").read_text() == (two / "summary.json").read_text()
    with (two / "images.csv").open(newline="") as file:
        assert len({row["patient"] for row in csv.DictReader(file)}) == 5


def test_patients_without_end_are_shared_and_resumed(datalist, lung_bank, tmp_path):
    settings = ("--bank", str(lung_bank), "--preset", "he2024", "--patients", "5")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(datalist, whole, *settings, overlays=["configs/endless.yaml"])
    train(datalist, parts, *settings, "--epochs", "1", overlays=["configs/endless.yaml"])
    train(datalist, parts, *settings, "--resume", overlays=["configs/endless.yaml"])
    digests = {(whole / f"rank {rank}.txt").read_text() for rank in (0, 1)}
    assert digests == {(parts / "rank 0.txt").read_text()}
    assert len(digests) == 1


def test_misspelt_override_ends_all_processes(datalist, tmp_path):
    output = torchrun(
        "--config_file", "['configs/train.yaml','configs/multi_gpu.yaml']",
        "--datalist", str(datalist), "--output_dir", str(tmp_path), "--epoch", "3",
        succeeds=False,
    )  # fmt: skip
    assert "did you mean 'epochs'?" in output
    assert not list(tmp_path.iterdir())
