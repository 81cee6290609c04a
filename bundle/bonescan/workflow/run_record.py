"""What a run leaves beside its results so that anybody can repeat it."""

import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events

from bonescan import __version__
from bonescan.data.datalist import data_hash
from bonescan.files import write_json
from bonescan.handlers.checkpoint import SYSTEM_NAME
from bonescan.workflow.command import compose, this_command

RUN_NAME = "run.json"
CONFIG_NAME = "config.json"

SYSTEM_KEYS = (
    "name",
    "assessed",
    "published",
    "width",
    "norm",
    "network_def",
    "memory_format",
    "size",
    "load",
    "sample",
    "inferer",
    "activate",
    "decide",
)
"""Keys that training, evaluation and inference share: they say what a trained system is."""

PACKAGES = ("torch", "monai", "pytorch-ignite", "numpy", "pydicom")


def git_revision(root: Path) -> str | None:
    """Return the commit of a checkout, with "+changes" if files differ; None outside git."""
    git = ["git", "-C", str(root)]
    try:
        head = subprocess.run(  # noqa: S603
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        status = subprocess.run(  # noqa: S603
            [*git, "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+changes" if status.strip() else "")


def describe_run(*, seed: int, datalist: Path | None) -> dict[str, Any]:
    """Return seed, versions, hardware, data hash and revision as a JSON-ready dictionary."""
    return {
        "bundle": __version__,
        "revision": git_revision(Path(__file__).parents[3]),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "seed": seed,
        "data_sha256": data_hash(datalist) if datalist is not None else None,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
    }


class RunRecord:
    """Write `run.json`, `config.json` and `system.json` when a run starts.

    The composed configuration is known when the run was started by `monai.bundle run`; a workflow
    object that Python code made keeps it itself, and only `run.json` is written then.

    Args:
        output_dir: folder of the run.
        seed: seed of the run.
        datalist: datalist of the run.
    """

    def __init__(self, output_dir: str | Path, *, seed: int, datalist: str | Path) -> None:
        self.output_dir = Path(output_dir)
        self.seed = seed
        self.datalist = Path(datalist)

    def attach(self, engine: Engine) -> None:
        """Register on the engine's STARTED."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the files (process 0 only)."""
        if engine.state.rank != 0:
            return
        record = describe_run(seed=self.seed, datalist=self.datalist)
        write_json(self.output_dir / RUN_NAME, record)
        command = this_command()
        if command is None:
            return
        config = compose(command)
        write_json(self.output_dir / CONFIG_NAME, config)
        system = {key: config[key] for key in SYSTEM_KEYS}
        write_json(self.output_dir / SYSTEM_NAME, system)
