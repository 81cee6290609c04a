"""A training as released weights: what inference needs, and where it comes from."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bonescan import run_folder
from bonescan.files import write_json
from bonescan.zoo.archive import sha256_of

RELEASE = "release.json"
"""Names the SHA-256 of every other file of a release."""
MAX_BYTES = 16 * 2**20
"""Of a file, so that a release travels with the source code."""
NEEDED = (
    run_folder.WEIGHTS,
    run_folder.SYSTEM,
    run_folder.CONFIGURATION,
    run_folder.RECORD,
    run_folder.HISTORY,
)
"""Files of a training, without which nobody can use the weights or train them again."""
EVALUATED = (
    run_folder.SUMMARY_JSON,
    run_folder.SUMMARY_PAGE,
    run_folder.REGIONS_JSON,
    run_folder.REGIONS_PAGE,
    run_folder.EXAMPLES,
    run_folder.FROC_CURVE,
    run_folder.RELIABILITY,
    run_folder.TRAINING_CURVES,
)
"""Files of an evaluation that a release shows, where they are there."""


def release(run: Path, folder: Path, *, root: Path) -> Path:
    """Copy what is worth keeping of a run into a folder that can be used as a run.

    Paths in the records are written as seen from the root: those of one machine mean nothing
    elsewhere, and may name people.

    Args:
        run: folder of a training, with its evaluation.
        folder: where to; it must not exist.
        root: folder that the records' paths lie in.

    Returns:
        The file that names all others with their SHA-256.

    Raises:
        FileExistsError: if the folder is there.
        FileNotFoundError: if the run lacks a file, or was not evaluated.
        ValueError: if a file is too large, or a record names a place outside of the root.
    """
    evaluation = run / run_folder.EVALUATION
    needed = _list_needed(run)
    missing = [run / name for name in needed if not (run / name).is_file()]
    missing += [path for path in (evaluation / run_folder.SUMMARY_JSON,) if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"a release must have {missing[0]}, which does not exist")
    for path in (run / name for name in needed):
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(
                f"{path} must have {MAX_BYTES} bytes at most to be released, has "
                f"{path.stat().st_size}: train a narrower network"
            )
    (folder / run_folder.EVALUATION).mkdir(parents=True)
    for name in needed:
        _copy(run / name, folder / name, root)
    for name in EVALUATED:
        if (evaluation / name).is_file():
            _copy(evaluation / name, folder / run_folder.EVALUATION / name, root)
    listed = sorted(path for path in folder.rglob("*") if path.is_file())
    document = {str(path.relative_to(folder)): sha256_of(path) for path in listed}
    write_json(folder / RELEASE, {"sha256": document})
    return folder / RELEASE


def _list_needed(run: Path) -> tuple[str, ...]:
    """Return the names of the files that a release of a run must have.

    A system that chooses nothing on its validation patients has no operating point.
    """
    path = run / run_folder.CONFIGURATION
    chosen = path.is_file() and json.loads(path.read_text(encoding="utf-8"))["chosen_on_validation"]
    return (*NEEDED, run_folder.OPERATING_POINT) if chosen else NEEDED


def check_release(folder: Path) -> None:
    """Check that the files of a release are those that were released.

    Raises:
        ValueError: if a file is missing or differs.
    """
    sums: Mapping[str, str] = json.loads((folder / RELEASE).read_text(encoding="utf-8"))["sha256"]
    for name, wanted in sums.items():
        if not (folder / name).is_file() or sha256_of(folder / name) != wanted:
            raise ValueError(
                f"{folder / name} must have the SHA-256 {wanted} of its release: it was damaged or "
                "exchanged; take it from the release again"
            )


def _copy(source: Path, target: Path, root: Path) -> None:
    """Copy a file; in a JSON file, write paths as seen from the root."""
    if source.suffix != ".json":
        shutil.copyfile(source, target)
        return
    content = json.loads(source.read_text(encoding="utf-8"))
    write_json(target, _localise(content, f"{root.resolve()}/", source))


def _localise(node: Any, root: str, source: Path) -> Any:
    if isinstance(node, Mapping):
        return {key: _localise(value, root, source) for key, value in node.items()}
    if isinstance(node, list):
        return [_localise(value, root, source) for value in node]
    if isinstance(node, str):
        local = node.replace(root, "")
        if local.startswith("/"):
            raise ValueError(f"{source}: paths must lie in {root}, got {node}")
        return local
    return node
