"""What tests ask of a folder that is being filled."""

import hashlib
import time
from pathlib import Path
from subprocess import Popen


def tree(folder: Path) -> dict[str, str]:
    """Hash of each file of a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def wait_for(pattern: str, folder: Path, process: Popen) -> None:
    """Wait until a process has made something there, or ends."""
    while process.poll() is None and not list(folder.glob(pattern)):
        time.sleep(0.05)
