"""A database whose commits are on the disk, shared by threads."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Database:
    """An SQLite database with a write-ahead log and synchronous FULL.

    What is committed is on the disk: no kill and no loss of power takes it back.

    Args:
        path: of the file; made if it is not there.
        tables: SQL that makes the tables that are not there.
    """

    def __init__(self, path: Path, tables: str) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {setting}")
        self._connection.executescript(tables)

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._connection.close()

    def rows(self, question: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows that answer a question."""
        with self._lock:
            return self._connection.execute(question, values).fetchall()

    def execute(self, order: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Carry out an order, within a transaction or as one."""
        with self.transaction():
            return self._connection.execute(order, values)

    def execute_each(self, order: str, rows: Iterable[Sequence[Any]]) -> None:
        """Carry out an order for each of several rows, within a transaction or as one."""
        with self.transaction():
            self._connection.executemany(order, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all of it or nothing; one inside another belongs to it."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
