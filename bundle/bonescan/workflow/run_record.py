"""What a run leaves beside its results so that anybody can repeat it."""

import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events

from bonescan import __version__, run_folder
from bonescan.data.datalist import data_hash
from bonescan.files import write_json
from bonescan.versions import package_versions, utc_now
from bonescan.workflow.command import compose, current_command, hide_private
from bonescan.workflow.installation import find_configs
from bonescan.workflow.training_origin import TRAINED_ON, find_training_origin

SYSTEM_KEYS = (
    "name",
    "field",
    "paper",
    "width",
    "norm",
    "white_percentile",
    "plan",
    "network_def",
    "memory_format",
    "size",
    "load",
    "preprocess",
    "inferer",
    "activate",
    "keep_prob",
    "decide",
    "label_values",
    "key_metric",
    "report",
)
"""Keys that training, evaluation and inference share: they say what a trained system is."""
CHANGES = "+changes"
"""At the end of a revision whose files were changed after the commit."""


def git_revision(root: Path) -> str | None:
    """Return the commit of a checkout, with "+changes" if files differ.

    None where this folder is not the root of one: an installed package may well lie inside the
    checkout of something else.
    """
    if not (root / ".git").exists():
        return None
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
    return head + (CHANGES if status.strip() else "")


def describe_run(
    *, seed: int | None, datalist: Path | None, bank: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return command, seed, versions, hardware, data hash, bank and revision, ready for JSON.

    The command is None where Python code made the workflow.
    """
    command = current_command()
    words = (
        None
        if command is None
        else ["python", "-m", "monai.bundle", "run", *hide_private(command.words)]
    )
    return {
        "bundle": __version__,
        "revision": git_revision(find_configs().parent),
        "started": utc_now(),
        "command": words,
        "seed": seed,
        "data_sha256": data_hash(datalist) if datalist is not None else None,
        "bank": None if bank is None else dict(bank),
        "python": platform.python_version(),
        "packages": package_versions(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
    }


class RunRecord:
    """Write `run.json` when a run starts.

    Args:
        output_dir: folder of the run; it exists.
        seed: seed of the run, None where nothing is drawn.
        datalist: datalist of the run, None where it reads none.
        bank: what says which bank of bodies the run draws patients from, None where it draws none.
    """

    def __init__(
        self,
        output_dir: str | Path,
        *,
        seed: int | None = None,
        datalist: str | Path | None = None,
        bank: Mapping[str, Any] | None = None,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.seed = seed
        self.datalist = None if datalist is None else Path(datalist)
        self.bank = bank

    def attach(self, engine: Engine) -> None:
        """Register on the engine's STARTED."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the file (process 0 only)."""
        if engine.state.rank == 0:
            write_json(self.output_dir / run_folder.RECORD, self.describe())

    def describe(self) -> dict[str, Any]:
        """Return what the file holds."""
        return describe_run(seed=self.seed, datalist=self.datalist, bank=self.bank)


class TrainingRecord(RunRecord):
    """Write `config.json`, the composed configuration, and `system.json`, too.

    They are written where the run has a command; a workflow that Python code made keeps its
    configuration itself. A system that takes a plan from its training set leaves it in `plan.json`;
    `system.json` has the plan itself where the configuration says how to make one. The record says
    what the weights are trained on, too.

    Args:
        output_dir: folder of the run; it exists.
        seed: seed of the run.
        datalist: datalist of the run.
        bank: as of RunRecord.
        plan: the plan, ready for JSON; None where there is none.
    """

    def __init__(
        self,
        output_dir: str | Path,
        *,
        seed: int | None = None,
        datalist: str | Path | None = None,
        bank: Mapping[str, Any] | None = None,
        plan: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(output_dir, seed=seed, datalist=datalist, bank=bank)
        self.plan = plan

    def __call__(self, engine: Engine) -> None:
        """Write the files (process 0 only)."""
        super().__call__(engine)
        if engine.state.rank != 0:
            return
        if self.plan is not None:
            write_json(self.output_dir / run_folder.PLAN, self.plan, indent=1)
        if (config := _compose_current()) is None:
            return
        write_json(self.output_dir / run_folder.CONFIGURATION, config)
        system = {**{key: config[key] for key in SYSTEM_KEYS}, "plan": self.plan}
        write_json(self.output_dir / run_folder.SYSTEM, system)

    def describe(self) -> dict[str, Any]:
        """Return what the record holds: as of any run, and what the weights are trained on."""
        origin = find_training_origin(_compose_current(), datalist=self.datalist, bank=self.bank)
        return {**super().describe(), TRAINED_ON: origin}


def _compose_current() -> dict[str, Any] | None:
    """Return the configuration of the command that runs; None where Python code made it."""
    command = current_command()
    return None if command is None else compose(command)
