"""Requests for storage commitment that have not been answered, on disk."""

import time
from dataclasses import dataclass
from pathlib import Path

from bonescan.node.database import Database

_TABLE = """
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY,
    peer TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    content TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class Request:
    """A request.

    Attributes:
        number: of the request.
        peer: AE title of who asks.
        attempts: at answering that failed.
        content: what was asked.
    """

    number: int
    peer: str
    attempts: int
    content: str


class Requests:
    """The requests; several threads may share them.

    Args:
        path: of the database, made if it is not there. It holds UIDs until they are answered.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _TABLE)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def add(self, peer: str, content: str) -> None:
        """Add a request; it is on the disk from then on."""
        self._database.execute(
            "INSERT INTO requests (peer, due, content) VALUES (?, ?, ?)",
            (peer, time.time(), content),
        )

    def next(self) -> Request | None:
        """Return the request that has been due for longest; None if none is."""
        found = self._database.rows(
            "SELECT id, peer, attempts, content FROM requests WHERE due <= ? ORDER BY due, id "
            "LIMIT 1",
            (time.time(),),
        )
        return Request(*found[0]) if found else None

    def put_off(self, number: int, wait_s: float) -> None:
        """Note that an answer could not be sent, and when to try again."""
        self._database.execute(
            "UPDATE requests SET attempts = attempts + 1, due = ? WHERE id = ?",
            (time.time() + wait_s, number),
        )

    def remove(self, number: int) -> None:
        """Forget a request that has been answered."""
        self._database.execute("DELETE FROM requests WHERE id = ?", (number,))

    def count(self) -> int:
        """Count the requests."""
        return int(self._database.rows("SELECT count(*) FROM requests")[0][0])
