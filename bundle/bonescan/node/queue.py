"""The queue on disk: which objects were received, which scans they make up, how far each is.

It holds keyed digests of UIDs, and no patient.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from bonescan.node.database import Database

_TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    changed REAL NOT NULL,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS objects (
    digest TEXT PRIMARY KEY,
    file TEXT NOT NULL,
    sop_class TEXT NOT NULL,
    received REAL NOT NULL,
    job INTEGER REFERENCES jobs (id)
);
CREATE TABLE IF NOT EXISTS results (
    job INTEGER NOT NULL REFERENCES jobs (id),
    file TEXT NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job, file)
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, due);
CREATE INDEX IF NOT EXISTS objects_by_job ON objects (job);
"""

_LONGEST_WAIT_S = 3600.0
"""Between two attempts: a default of ours; a PACS that is back is noticed within an hour."""


class State(StrEnum):
    """How far a scan is."""

    RECEIVED = "received"
    RUNNING = "running"
    READY = "results ready"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"


_NEXT: Mapping[State, frozenset[State]] = {
    State.RECEIVED: frozenset({State.RUNNING}),
    State.RUNNING: frozenset({State.READY, State.RECEIVED, State.FAILED}),
    State.READY: frozenset({State.SENT}),
    State.SENT: frozenset({State.DONE}),
    State.DONE: frozenset(),
    State.FAILED: frozenset(),
}
"""What may follow each state. RUNNING goes back where an attempt failed or was interrupted."""

_FINAL = tuple(state for state, following in _NEXT.items() if not following)


@dataclass(frozen=True)
class StoredObject:
    """An object that was received.

    Attributes:
        digest: keyed digest of its SOP Instance UID.
        file: name of its file.
        sop_class: UID of its class.
        received: when, in seconds since 1970.
    """

    digest: str
    file: str
    sop_class: str
    received: float


@dataclass(frozen=True)
class Job:
    """A scan that is worked on.

    Attributes:
        number: of the job.
        attempts: that failed in this state.
        files: names of the files of its objects.
    """

    number: int
    attempts: int
    files: tuple[str, ...]


def wait_before(attempts: int, first_s: float) -> float:
    """Return how long to wait after so many failed attempts: twice as long each time, up to 1 h."""
    return float(min(first_s * 2 ** min(attempts - 1, 30), _LONGEST_WAIT_S))


class Queue:
    """The queue; several threads may share it.

    Args:
        path: of the database; made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _TABLES)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def knows(self, digest: str) -> bool:
        """Say whether an object is safe here already; one whose scan failed may come again."""
        found = self._database.rows(
            "SELECT 1 FROM objects LEFT JOIN jobs ON jobs.id = job "
            "WHERE digest = ? AND (state IS NULL OR state != ?)",
            (digest, State.FAILED),
        )
        return bool(found)

    def add_object(self, stored: StoredObject) -> bool:
        """Add an object whose file is on the disk.

        Returns:
            Whether it was added: not if it is known already.
        """
        with self._database.transaction():
            if self.knows(stored.digest):
                return False
            self._database.execute(
                "INSERT OR REPLACE INTO objects (digest, file, sop_class, received) "
                "VALUES (?, ?, ?, ?)",
                (stored.digest, stored.file, stored.sop_class, stored.received),
            )
        return True

    def find_object(self, digest: str) -> StoredObject | None:
        """Return an object by its digest; None if it was never received."""
        found = self._objects("WHERE digest = ?", (digest,))
        return found[0] if found else None

    def unassigned(self) -> list[StoredObject]:
        """Return the objects that belong to no job yet, the first received first."""
        return self._objects("WHERE job IS NULL ORDER BY received, digest", ())

    def add_job(self, digests: Sequence[str], *, state: State = State.RECEIVED) -> int:
        """Make a job of objects.

        Args:
            digests: of its objects, which belong to no job yet.
            state: in which it begins: DONE where there is nothing to do.

        Returns:
            Its number.

        Raises:
            ValueError: if an object is unknown, or belongs to another job.
        """
        now = time.time()
        with self._database.transaction():
            made = self._database.execute(
                "INSERT INTO jobs (state, due, changed) VALUES (?, ?, ?)", (state, now, now)
            )
            number = int(made.lastrowid or 0)
            for digest in digests:
                taken = self._database.execute(
                    "UPDATE objects SET job = ? WHERE digest = ? AND job IS NULL", (number, digest)
                )
                if taken.rowcount != 1:
                    raise ValueError(f"an object of a job must belong to no other, got {digest}")
        return number

    def next_job(self, state: State) -> Job | None:
        """Return the job of a state that has been due for longest; None if none is."""
        found = self._database.rows(
            "SELECT id, attempts FROM jobs WHERE state = ? AND due <= ? ORDER BY due, id LIMIT 1",
            (state, time.time()),
        )
        if not found:
            return None
        number, attempts = found[0]
        return Job(number, attempts, self.files_of(number))

    def files_of(self, number: int) -> tuple[str, ...]:
        """Return the names of the files of a job's objects, the first received first."""
        found = self._objects("WHERE job = ? ORDER BY received, digest", (number,))
        return tuple(one.file for one in found)

    def move(self, number: int, state: State, *, reason: str = "") -> None:
        """Bring a job into its next state, in which no attempt has failed yet.

        Raises:
            ValueError: if that state cannot follow.
        """
        with self._database.transaction():
            self._require_next(number, state)
            now = time.time()
            self._database.execute(
                "UPDATE jobs SET state = ?, attempts = 0, due = ?, changed = ?, reason = ? "
                "WHERE id = ?",
                (state, now, now, reason, number),
            )

    def start(self, number: int) -> None:
        """Begin with a job; the attempts that failed before still count.

        Raises:
            ValueError: if it is not one that was received.
        """
        with self._database.transaction():
            self._require_next(number, State.RUNNING)
            self._database.execute(
                "UPDATE jobs SET state = ? WHERE id = ?", (State.RUNNING, number)
            )

    def put_off(self, number: int, state: State, *, wait_s: float, reason: str) -> None:
        """Note that an attempt failed, and when to try again.

        Args:
            number: of the job.
            state: the one in which it waits: its own, or the one before.
            wait_s: from now.
            reason: without identifiers.

        Raises:
            ValueError: if it cannot wait in that state.
        """
        with self._database.transaction():
            if self.state_of(number) != state:
                self._require_next(number, state)
            self._database.execute(
                "UPDATE jobs SET state = ?, attempts = attempts + 1, due = ?, reason = ? "
                "WHERE id = ?",
                (state, time.time() + wait_s, reason, number),
            )

    def finish(self, number: int, results: Sequence[str]) -> None:
        """Note the results of a job, which are on the disk.

        Raises:
            ValueError: if it does not run.
        """
        with self._database.transaction():
            self.move(number, State.READY)
            self._database.execute_each(
                "INSERT INTO results (job, file) VALUES (?, ?)",
                [(number, name) for name in results],
            )

    def unsent(self, number: int) -> list[str]:
        """Return the names of the results of a job that the destination does not have."""
        found = self._database.rows(
            "SELECT file FROM results WHERE job = ? AND sent = 0 ORDER BY file", (number,)
        )
        return [row[0] for row in found]

    def note_sent(self, number: int, name: str) -> None:
        """Note that the destination has a result."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE results SET sent = 1 WHERE job = ? AND file = ?", (number, name)
            )

    def recover(self) -> int:
        """Put back the jobs that were running when the program ended; return how many.

        It is no fault of theirs: a scan that ends a program ends that of the inference, not this.
        """
        with self._database.transaction():
            return self._database.execute(
                "UPDATE jobs SET state = ?, due = ? WHERE state = ?",
                (State.RECEIVED, time.time(), State.RUNNING),
            ).rowcount

    def state_of(self, number: int) -> State:
        """Return the state of a job.

        Raises:
            ValueError: if there is no such job.
        """
        found = self._database.rows("SELECT state FROM jobs WHERE id = ?", (number,))
        if not found:
            raise ValueError(f"job must be one of the queue, got {number}")
        return State(found[0][0])

    def pending_objects(self) -> int:
        """Count the objects that wait or are worked on."""
        return int(
            self._database.rows(
                "SELECT (SELECT count(*) FROM objects WHERE job IS NULL) + (SELECT count(*) FROM "
                "jobs JOIN objects ON job = jobs.id WHERE state NOT IN (?, ?))",
                _FINAL,
            )[0][0]
        )

    def needed_files(self) -> set[str]:
        """Return the names of the files that are still to be worked on."""
        found = self._database.rows(
            "SELECT file FROM objects LEFT JOIN jobs ON jobs.id = job "
            "WHERE state IS NULL OR state NOT IN (?, ?)",
            _FINAL,
        )
        return {row[0] for row in found}

    def done_files(self) -> set[str]:
        """Return the names of the files of the jobs that are done."""
        found = self._database.rows(
            "SELECT file FROM objects JOIN jobs ON jobs.id = job WHERE state = ?", (State.DONE,)
        )
        return {row[0] for row in found}

    def counts(self) -> dict[str, int]:
        """Count the jobs by state, and the objects that still wait for the rest of their scan."""
        found = dict(self._database.rows("SELECT state, count(*) FROM jobs GROUP BY state", ()))
        waiting = self._database.rows("SELECT count(*) FROM objects WHERE job IS NULL", ())[0][0]
        return {"waiting": waiting, **{str(state): found.get(state, 0) for state in State}}

    def last_success(self) -> float | None:
        """Return when a scan was last done, in seconds since 1970; None if none ever was."""
        found = self._database.rows("SELECT max(changed) FROM jobs WHERE state = ?", (State.DONE,))
        return found[0][0]

    def last_reason(self) -> str:
        """Return why the last attempt failed of those jobs that are not finished; else nothing."""
        found = self._database.rows(
            "SELECT reason FROM jobs WHERE reason != '' AND state NOT IN (?, ?) "
            "ORDER BY due DESC LIMIT 1",
            _FINAL,
        )
        return found[0][0] if found else ""

    def _require_next(self, number: int, state: State) -> None:
        now = self.state_of(number)
        if state not in _NEXT[now]:
            allowed = ", ".join(sorted(_NEXT[now])) or "nothing"
            raise ValueError(f"after {now!s} must come {allowed}, got {state!s} (job {number})")

    def _objects(self, condition: str, values: tuple[Any, ...]) -> list[StoredObject]:
        found = self._database.rows(
            f"SELECT digest, file, sop_class, received FROM objects {condition}",  # noqa: S608 - ours
            values,
        )
        return [StoredObject(*row) for row in found]
