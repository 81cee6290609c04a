"""What the commands share that run a workflow of the bundle: train, evaluate, infer."""

import argparse
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from bonescan.run_folder import SYSTEM
from bonescan.workflow.installation import find_configs, find_systems

WORKFLOWS = ("train", "evaluate", "inference")
DATALIST_SUFFIX = ".json"
_SETTING = re.compile(r"[+]{0,2}\w+(?:(?:#|::)\w+)*=.*", re.DOTALL)


def list_systems() -> list[str]:
    """Return the names of all systems that are trained."""
    return [path.stem for path in find_systems()]


def list_overlays() -> list[str]:
    """Return the names of all overlays."""
    return sorted(path.stem for path in find_configs().glob("*.yaml") if path.stem not in WORKFLOWS)


def add_overlay(parser: argparse.ArgumentParser) -> None:
    """Add the choice of overlays."""
    parser.add_argument(
        "--overlay",
        action="append",
        choices=list_overlays(),
        default=[],
        help="configuration to lay over the others; may be repeated",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add the choice of the device."""
    parser.add_argument(
        "--device", metavar="NAME", help="auto (the first GPU, else the CPU), cpu, cuda:1 or mps"
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add settings of any key of the configuration."""
    parser.add_argument(
        "--set",
        dest="settings",
        type=setting,
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="any other keys of the configuration, such as width=8 size=[320,128]",
    )


def setting(text: str) -> str:
    """Take the form of a setting.

    Raises:
        ArgumentTypeError: if it has another.
    """
    if not _SETTING.fullmatch(text):
        raise argparse.ArgumentTypeError(f"setting must be KEY=VALUE, got {text!r}")
    return text


def run_folder(text: str) -> Path:
    """Take the folder of a training.

    Raises:
        ArgumentTypeError: if it is none.
    """
    folder = Path(text)
    if not (folder / SYSTEM).is_file():
        raise argparse.ArgumentTypeError(
            f"run must be the folder of a training, which holds {SYSTEM}, got {text!r}"
        )
    return folder


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add the word that allows code in a run's folder."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="allow a run with a system of its maker's own, which is code: only if you trust them",
    )


def data_values(path: Path | None) -> dict[str, Path]:
    """Return the keys that a folder with a datalist, or a datalist, gives values to."""
    if path is None:
        return {}
    if path.suffix.lower() == DATALIST_SUFFIX:
        return {"dataset_dir": path.parent, "datalist": path}
    return {"dataset_dir": path}


def start(
    run_id: str,
    config_files: Sequence[Path],
    *,
    args_file: Path | None = None,
    values: Mapping[str, str | Path | int | bool | Sequence[str] | None],
    settings: Sequence[str],
) -> int:
    """Say which command of MONAI this is, and run it in this process.

    Args:
        run_id: what to run.
        config_files: configuration files, the later laid over the earlier.
        args_file: file of a system.
        values: values by key, taken literally; None leaves the key to the configuration.
        settings: further `KEY=VALUE`.

    Returns:
        The exit code.
    """
    from bonescan.workflow.arguments import make_arguments
    from bonescan.workflow.command import hide_private
    from bonescan.workflow.launch import launch

    arguments = make_arguments(
        run_id, config_files, args_file=args_file, values=values, settings=settings
    )
    if is_first_process():
        words = " ".join(_quoted(argument) for argument in hide_private(arguments))
        print(f"python -m monai.bundle run {words}", flush=True)
    return launch(arguments)


def _quoted(word: str) -> str:
    """Quote a word for the shell: a list of names in double quotes, which leave it legible."""
    is_list = word.startswith("[") and not set(word) & set('$`"\\!')
    return f'"{word}"' if is_list else shlex.quote(word)


def is_first_process() -> bool:
    """Tell whether this process is the one of torchrun's that speaks."""
    return os.environ.get("RANK", "0") == "0"


def count_processes() -> int:
    """Return how many processes torchrun has started, this one among them; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))
