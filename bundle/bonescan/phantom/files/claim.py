"""A folder that is made from known settings, begun once and gone on with: claimed, or refused."""

import os
import platform
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

import bonescan
from bonescan.files import PARTIAL_PREFIX, write_text

SIMULATOR = 4
"""Raised whenever the same seed gives other patients: no folder must mix them."""

LIBRARIES = ("numpy", "scipy", "scikit-image", "pydicom", "nibabel")
"""Whose versions may change the bytes."""


def versions() -> dict[str, Any]:
    """Return the versions that decide the bytes of what is simulated."""
    return {
        "bundle_version": bonescan.__version__,
        "simulator": SIMULATOR,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def claim_folder(folder: Path, name: str, wanted: dict[str, Any], what: str) -> None:
    """Make a folder the one of these settings, or refuse it; drop what an interruption left behind.

    Args:
        folder: is created where it is missing.
        name: of the YAML file that holds the settings.
        wanted: the settings, plain values.
        what: what the folder holds, for messages: "cohort".

    Raises:
        ValueError: if the folder holds something else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if path.exists():
        _check_same(path, wanted, what)
    elif any(not path.name.startswith(PARTIAL_PREFIX) for path in folder.iterdir()):
        raise ValueError(
            f"{folder} must be empty or hold a {what} that was begun before, got other "
            "files; choose another folder"
        )
    else:
        write_text(path, yaml.safe_dump(wanted, sort_keys=False))
    for left_over in folder.glob(f"{PARTIAL_PREFIX}*"):
        if left_over.is_dir():
            shutil.rmtree(left_over)
        else:
            left_over.unlink()


def make_once(folder: Path, name: str, write: Callable[[Path], None]) -> str:
    """Make a folder inside a claimed one that appears only when complete.

    One that is there is left alone: a cluster that lost a worker asks for its work again.

    Args:
        folder: the claimed one.
        name: of the folder to make.
        write: writes the content into the folder that it is given.

    Returns:
        The name.
    """
    if (folder / name).exists():
        return name
    # A name of this process's own: a worker that was given up may still be writing.
    partial = folder / f"{PARTIAL_PREFIX}{name}-{platform.node()}-{os.getpid()}"
    partial.mkdir()
    try:
        write(partial)
        partial.rename(folder / name)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return name


def read_settings(path: Path, what: str) -> dict[str, Any]:
    """Return the settings that a folder was claimed with.

    Raises:
        ValueError: if the file is broken.
    """
    try:
        stored = yaml.safe_load(path.read_text())
    except yaml.YAMLError as err:
        raise ValueError(f"{path} must be the configuration of a {what}, got broken YAML") from err
    return stored if isinstance(stored, dict) else {}


def _check_same(path: Path, wanted: dict[str, Any], what: str) -> None:
    """Refuse a folder that was made from something else."""
    stored = read_settings(path, what)
    different = [key for key in wanted if stored.get(key) != wanted[key]]
    if different:
        raise ValueError(
            f"{path.parent} must hold a {what} of the same {', '.join(different)}, got one that "
            "was made otherwise; choose another folder or delete this one"
        )
