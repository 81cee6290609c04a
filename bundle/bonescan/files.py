"""Files that are there whole or not at all, and tables that lose no row, whatever interrupts."""

import csv
import errno
import fcntl
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bonescan.errors import StorageError

PARTIAL_PREFIX = ".partial-"
"""Begins the name of a file that is being written; before the name, so that its ending stays."""
_APOSTROPHE = "'"
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", _APOSTROPHE)
"""What spreadsheets take for the beginning of a formula; the apostrophe, to read it back."""


_LASTING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
"""Errors that the next file to be written there meets, too."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say what could not be written, and what to do, where a disk is full or may not be written.

    Raises:
        StorageError: in place of such an error.
    """
    try:
        yield
    except OSError as err:
        if err.errno not in _LASTING:
            raise
        raise StorageError(
            f"{path} cannot be written ({err.strerror}); make room or give rights there, or give "
            "another folder"
        ) from err


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place, then move it there.

    Args:
        path: the file; its folder exists. One that is there already is replaced.
        write: writes the content to the path that it is given.

    Raises:
        OSError: if it cannot be written; a file that was there before is untouched.
        StorageError: if nothing can be written there.
    """
    partial = path.with_name(f"{PARTIAL_PREFIX}{path.name}")
    try:
        with writing(path):
            write(partial)
            partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_lasting(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all, so that it outlives a loss of power from then on.

    Raises:
        StorageError: if nothing can be written there.
    """

    def write(partial: Path) -> None:
        partial.write_bytes(data)
        flush_to_disk(partial)

    write_whole(path, write)
    flush_to_disk(path.parent)


def flush_to_disk(path: Path) -> None:
    """Wait until a file's content, or a folder's list of files, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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


def harmless(value: object) -> object:
    """Return a value of a table so that no spreadsheet takes it for a formula.

    Text that begins like one gets an apostrophe before it, as OWASP advises; numbers stay.
    """
    if not isinstance(value, str) or not value.startswith(_FORMULA_SIGNS) or _is_number(value):
        return value
    return f"{_APOSTROPHE}{value}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _as_written(text: str) -> str:
    """Take away the apostrophe that `harmless` has put before a text."""
    added = text.startswith(_APOSTROPHE) and text[1:].startswith(_FORMULA_SIGNS)
    return text[1:] if added else text


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by name of the column; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return [{name: _as_written(value or "") for name, value in row.items()} for row in rows]


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a CSV file with the columns of the first row, whole or not at all.

    Raises:
        ValueError: if there is no row, or one has a column that the first has not.
    """
    if not rows:
        raise ValueError(f"{path.name}: a table must have at least one row, got none")

    def write(partial: Path) -> None:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(map(_harmless_row, rows))

    write_whole(path, write)


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row to a CSV file, whole or not at all; the file is made where there is none.

    Several processes may add to one file: each locks it for its row.

    Raises:
        ValueError: if the file has other columns, as one of another version may; it is left as it
            was, since the values would stand under the wrong titles.
    """
    with writing(path), path.open("ab", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
        before = file.seek(0, os.SEEK_END)
        if before:
            _require_columns(path, list(row))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(row))
        if not before:
            writer.writeheader()
        writer.writerow(_harmless_row(row))
        content = text.getvalue().encode()
        if file.write(content) < len(content):  # at once: a process that is killed leaves no half
            file.truncate(before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _require_columns(path: Path, expected: Sequence[str]) -> None:
    """See that a table has the columns of a row that is to be added."""
    with path.open(newline="", encoding="utf-8") as file:
        columns = next(csv.reader(file), [])
    if columns != expected:
        raise ValueError(
            f"{path.name}: columns must be {', '.join(expected)}, got {', '.join(columns)}: the "
            "table is of another version; give another folder"
        )


def _harmless_row(row: Mapping[str, Any]) -> dict[str, object]:
    return {name: harmless(value) for name, value in row.items()}
