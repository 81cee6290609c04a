"""Files that are there whole or not at all, whatever interrupts their writing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

PARTIAL_PREFIX = ".partial-"
"""Begins the name of a file that is being written; before the name, so that its ending stays."""


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place, then move it there.

    Args:
        path: the file; its folder exists. One that is there already is replaced.
        write: writes the content to the path that it is given.

    Raises:
        OSError: if it cannot be written; a file that was there before is untouched.
    """
    partial = path.with_name(f"{PARTIAL_PREFIX}{path.name}")
    try:
        write(partial)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    write_whole(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def write_json(path: Path, content: Any, *, indent: int = 2) -> None:
    """Write a JSON file, whole or not at all; text stays readable, whatever its language.

    Raises:
        ValueError: if the content holds NaN or infinity, which JSON does not have.
    """
    text = json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")
