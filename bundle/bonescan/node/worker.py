"""The process that infers: what ends or hangs over a scan is this process, not the node."""

import logging
import multiprocessing
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from bonescan.errors import ScanError, one_line, root_cause

logger = logging.getLogger(__name__)

_STOP_S = 5.0
"""Time for a process to end by itself."""
_LOAD_S = 600.0
"""Time to load a system, from a slow disk on a busy machine."""


class Inference(Protocol):
    """What infers, loaded once.

    Attributes:
        description: of what makes the results, without identifiers.
    """

    description: Mapping[str, Any]

    def __call__(self, files: Sequence[Path], folder: Path) -> None:
        """Infer on a scan.

        Args:
            files: of the scan.
            folder: where the results go, each into a folder of the scan.

        Raises:
            ScanError: if the files are no bone scan.
        """


Load = Callable[[], Inference]


class ScanRefusedError(Exception):
    """A scan cannot be inferred, however often it is tried; the message says why."""


class AttemptFailedError(Exception):
    """An attempt failed, and another may do better; the message says what happened."""


@dataclass(frozen=True)
class _Answer:
    """What the process says: of what it loaded, or of a scan."""

    description: Mapping[str, Any] | None = None
    refused: str = ""
    failed: str = ""


class Worker:
    """A process that has loaded a system.

    Args:
        load: loads it there; a function or object that can be pickled.
        limit_s: time for one scan, in seconds.
    """

    def __init__(self, load: Load, *, limit_s: float) -> None:
        self._load = load
        self._limit_s = limit_s
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self.description: Mapping[str, Any] = {}

    def start(self) -> None:
        """Start the process, and wait until it has loaded the system.

        Raises:
            RuntimeError: if it cannot be loaded; the message says why.
        """
        context = multiprocessing.get_context("spawn")
        self._connection, its_own = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(its_own, self._load), name="inference", daemon=True
        )
        self._process.start()
        its_own.close()  # so that its end is noticed
        try:
            answer = self._receive(_LOAD_S)
        except AttemptFailedError as err:
            answer = _Answer(failed=str(err))
        if answer.description is None:
            self.stop()
            raise RuntimeError(f"the system cannot be loaded: {answer.failed}")
        self.description = answer.description

    def infer(self, files: Sequence[Path], folder: Path) -> None:
        """Infer on a scan.

        Raises:
            ScanRefusedError: if it is no bone scan that can be inferred.
            AttemptFailedError: if anything else went wrong.
        """
        try:
            if self._process is None or not self._process.is_alive():
                self.start()
            if self._connection is None:
                raise AttemptFailedError("the process of the inference is not there")
            self._connection.send((list(files), folder))
            answer = self._receive(self._limit_s)
        except (OSError, RuntimeError) as err:
            raise AttemptFailedError(one_line(err)) from err
        if answer.refused:
            raise ScanRefusedError(answer.refused)
        if answer.failed:
            raise AttemptFailedError(answer.failed)

    def stop(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if self._connection is not None:
            self._connection.close()
        if process is None:
            return
        process.join(_STOP_S)
        if process.is_alive():
            process.kill()
            process.join()

    def _receive(self, limit_s: float) -> _Answer:
        """Wait for an answer; what says nothing is ended.

        Raises:
            AttemptFailedError: if none comes.
        """
        if self._connection is None:
            raise AttemptFailedError("the process of the inference is not there")
        try:
            if self._connection.poll(limit_s):
                answer: _Answer = self._connection.recv()
                return answer
            reason = f"nothing after {limit_s:g} s, so the process of the inference was stopped"
        except (EOFError, OSError):
            reason = "the process of the inference died, perhaps for lack of memory"
        if self._process is not None:
            self._process.kill()
        self.stop()
        raise AttemptFailedError(reason)


def _serve(connection: Connection, load: Load) -> None:
    """Load, then answer requests until the node is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the node's to handle, which ends this process
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        infer = load()
    except Exception as err:  # noqa: BLE001 - it is told, and ends the node
        connection.send(_Answer(failed=one_line(root_cause(err))))
        return
    connection.send(_Answer(description=dict(infer.description)))
    while True:
        try:
            files, folder = connection.recv()
        except (EOFError, OSError):
            return
        answer = _try(infer, files, folder)
        try:
            connection.send(answer)
        except OSError:
            return


def _try(infer: Inference, files: Sequence[Path], folder: Path) -> _Answer:
    """Infer, and say what came of it in words that hold nothing of the patient."""
    try:
        infer(files, folder)
    except ScanError as err:
        return _Answer(refused=one_line(err))
    except Exception as err:  # noqa: BLE001 - the next scan is another one
        cause = root_cause(err)
        if isinstance(cause, ScanError):
            return _Answer(refused=one_line(cause))
        # The text of any other error may quote a header.
        return _Answer(failed=type(cause).__name__)
    return _Answer()
