"""Running the bundle's workflows in tests: small, and from the bundle root or elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

from monai.bundle import ConfigWorkflow

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"

TINY = {"width": 2, "epochs": 2, "batch_size": 4, "learning_rate": 0.01, "size": [256, 224]}
"""A network that costs nothing, on images that are not square."""


def make_workflow(
    name: str, /, *overlays: str, workflow_type: str, **overrides: object
) -> ConfigWorkflow:
    """Compose a workflow; the root of the bundle is the checkout."""
    files = [str(CONFIGS / f"{file}.yaml") for file in (name, *overlays)]
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
