"""An output folder belongs to one run at a time."""

import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from bonescan import run_folder

_LONGEST_WAIT_S = 15.0
"""For the worker processes of a run that was killed: they hold its lock until they notice."""


def hold_folder(folder: Path) -> FileLock:
    """Keep other processes from writing to a folder; the lock ends with this process at the latest.

    A process may hold a folder more than once. What a process left that is no more, even by
    `kill -9`, hinders nobody.

    Args:
        folder: an output folder; it exists.

    Returns:
        The lock, for `release_folder` when the run is over.

    Raises:
        OSError: if another process holds it; says which one, and since when.
    """
    path = folder / run_folder.LOCK
    lock = FileLock(path, is_singleton=True)
    holder = _read_holder(path)
    try:
        lock.acquire(timeout=_LONGEST_WAIT_S if _is_dead(holder) else 0)
    except Timeout:
        who = _read_holder(path) or {"process": "?", "host": "another host", "since": "?"}
        raise OSError(
            f"folder {folder} is in use by process {who['process']} on {who['host']} since "
            f"{who['since']}; wait for it, or give another one"
        ) from None
    now = datetime.now(UTC).isoformat(timespec="seconds")
    holder = {"process": os.getpid(), "host": socket.gethostname(), "since": now}
    path.write_text(json.dumps(holder), encoding="utf-8")
    return lock


def release_folder(lock: FileLock) -> None:
    """Let other processes write to a folder, and leave nothing of the lock there."""
    if lock.lock_counter == 1:
        Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def _read_holder(path: Path) -> dict[str, Any]:
    """Return what the last holder wrote; empty if it wrote nothing, or is about to."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _is_dead(holder: dict[str, Any]) -> bool:
    return holder.get("host") == socket.gethostname() and not psutil.pid_exists(holder["process"])
