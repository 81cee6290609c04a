"""Running the bundle's workflows in tests: small, and from the bundle root or elsewhere."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigParser, ConfigWorkflow

from bonescan.run_folder import SYSTEM
from bonescan.workflow.command import FAMILIES, lay_files
from bonescan.workflow.launch import launch
from bonescan.workflow.run_record import SYSTEM_KEYS

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"

SCHEMA_HASH = {
    "hash_val": "cd64aa8a5904426f6fc6855dabe46af8c742d5bad644b4e9cfb78ebad09ad678",
    "hash_type": "sha256",
}
"""Of MONAI's schema of metadata."""

TINY = {
    "width": 2,
    "epochs": 2,
    "epoch_length": "$None",
    "batch_size": 4,
    "learning_rate": 0.01,
    "size": [256, 224],
}
"""A network that costs nothing, on images that are not square, of which an epoch is one pass."""
VIEW_SIZE = [128, 48]
"""The same of a view that is not cropped to the thorax."""
SIZES = {
    "both_views": [128, 64],
    "chen2023": VIEW_SIZE,
    "liu2021_location": [512, 128],
    "liu2021": [256, 64],
}
"""The same by how the names of the systems begin."""
PARTLY_LABELLED = (
    *(f"lin2022_t{steps}" for steps in (1, 2, 3, 4)),
    "lin2022_t3_features",
    "mean_teacher_unet_res",
    "fixmatch_unet_res",
)
"""Systems that use the labels of half of the patients, who may well be those without lesions."""
MEASURED = ("seconds", "processor_seconds", "memory_mb")
"""Columns of a history that no two runs share."""
FEW_OUTPUTS = [
    {"_target_": f"bonescan.report.writers.{name}"}
    for name in ("LabelMapWriter", "FindingsWriter", "SummaryWriter")
]
"""What inference writes for a test that no picture, page or DICOM object concerns: to write these
takes most of the time."""
FILES = ("image", "label", "instances", "benign", "regions")
"""Keys of a datalist's entries that name files."""


def make_workflow(
    name: str, /, *overlays: str, workflow_type: str, **overrides: object
) -> ConfigWorkflow:
    """Compose a workflow over each_view.yaml; the root of the bundle is the checkout."""
    files = [str(CONFIGS / f"{file}.yaml") for file in (name, "each_view", *overlays)]
    return ConfigWorkflow(
        config_file=files,
        workflow_type=workflow_type,
        logging_file=False,
        **{"bundle_root": str(ROOT), **TINY, **overrides},
    )


def run_workflow(
    name: str, /, *overlays: str, workflow_type: str, **overrides: object
) -> ConfigWorkflow:
    """Run a workflow in this process."""
    workflow = make_workflow(name, *overlays, workflow_type=workflow_type, **overrides)
    workflow.initialize()
    workflow.run()
    workflow.finalize()
    return workflow


def read_system(name: str) -> dict[str, Any]:
    """Read what a file of configs/systems, and its families, change in each_view.yaml."""
    path = CONFIGS / "systems" / f"{name}.yaml"
    files = [file for file in lay_files([""], [path])[1:] if Path(file).parent.name == FAMILIES]
    families = ConfigParser.load_config_files(files)
    own = ConfigParser.load_config_file(str(path))
    return {key: value for key, value in {**families, **own}.items() if key != "config_file"}


def describe_system(**changes: object) -> str:
    """Describe U-Net-Res with some changes, as a run's folder does for evaluation and inference."""
    files = [str(CONFIGS / "train.yaml"), str(CONFIGS / "each_view.yaml")]
    config = ConfigParser.load_config_files(files)
    return json.dumps({**{key: config[key] for key in SYSTEM_KEYS}, **changes})


def run_command(*arguments: object) -> int:
    """Run `monai.bundle run` in this process, from the bundle root; return its exit code."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.chdir(ROOT)
        patch.setattr(sys, "argv", sys.argv)
        warnings.filterwarnings("ignore", "parsing config_file")  # of every monai.bundle.run
        return launch([str(argument) for argument in arguments])


def train_system(name: str, datalist: Path, folder: Path, *arguments: object) -> None:
    """Train a file of configs/systems by the command of the README, tiny."""
    size = next((s for start, s in SIZES.items() if name.startswith(start)), TINY["size"])
    some_labels = ("--positive_value", 0) if name in PARTLY_LABELLED else ()
    done = run_command(
        "training", "--args_file", f"configs/systems/{name}.yaml", "--datalist", datalist,
        "--output_dir", folder, "--width", 2, "--size", size, "--epochs", 2, "--batch_size", 2,
        "--epoch_length", "$None", *some_labels, *arguments,
    )  # fmt: skip
    assert done == 0


def handed_on(run_dir: Path) -> dict[str, Any]:
    """Return what a run hands on to evaluation and inference."""
    return json.loads((run_dir / SYSTEM).read_text(encoding="utf-8"))


def locate_datalist(cohort: Path) -> dict[str, list[dict[str, Any]]]:
    """Read a cohort's datalist, its files as absolute paths: it may be written anywhere."""

    def locate(value: Any) -> Any:
        if isinstance(value, list):
            return [locate(name) for name in value]
        return str(cohort / value)

    content = json.loads((cohort / "datalist.json").read_text(encoding="utf-8"))
    return {
        section: [
            {key: locate(value) if key in FILES else value for key, value in entry.items()}
            for entry in content[section]
        ]
        for section in ("training", "test")
    }


def tiny_arguments() -> list[str]:
    """TINY as arguments of a command line."""
    return [text for key, value in TINY.items() for text in (f"--{key}", str(value))]


def start(*arguments: str, cwd: Path = ROOT) -> subprocess.Popen:
    """Start Python with one thread, its output kept."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    """Run Python to its end."""
    process = start(*arguments, cwd=cwd)
    output, _ = process.communicate(timeout=300)
    return subprocess.CompletedProcess(arguments, process.returncode, output)
