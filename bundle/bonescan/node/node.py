"""The node: what it is made of, starting and stopping."""

import logging
import ssl
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from bonescan.errors import one_line
from bonescan.node.assembly import Assembler
from bonescan.node.commitment import Commitment
from bonescan.node.delivery import Connected, Delivery, DeliveryError
from bonescan.node.folder import MEGABYTE, NodeFolder
from bonescan.node.health import HealthPage, iso_time
from bonescan.node.queue import Job, Queue, State, wait_before
from bonescan.node.receiver import Receiver
from bonescan.node.requests import Requests
from bonescan.node.settings import Peer, Settings
from bonescan.node.tls import make_contexts
from bonescan.node.worker import AttemptFailedError, ScanRefusedError, Worker
from bonescan.workflow.folder_lock import hold_folder, release_folder

logger = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.2
"""How often the queue is looked at: short beside the seconds that a scan takes."""
_MOST_ATTEMPTS = 3
"""At inferring one scan, a default of ours: what fails thrice is not for lack of memory alone."""
_FIRST_WAIT_S = 5.0
"""After the first failed attempt; doubled each time (bonescan.node.queue.wait_before)."""
_STOP_S = 30.0
"""Time for what runs to be finished when the node is stopped: below the 90 s that systemd gives."""
_GOODBYE_S = 5.0
"""Time for senders to end their connections."""


class Node:
    """A DICOM node around inference.

    Args:
        settings: of the node.
        worker: infers; not started yet.

    Raises:
        ValueError: if the files for TLS are not fit.
    """

    def __init__(self, settings: Settings, worker: Worker) -> None:
        self.settings = settings
        self.started = time.time()
        self.folder = NodeFolder(settings.folder)
        self.worker = worker
        if settings.tls is None and not settings.is_local:
            logger.warning("other machines can connect, and nothing is encrypted: see tls")
        self._accepting: ssl.SSLContext | None = None
        self._connecting: ssl.SSLContext | None = None
        if settings.tls is not None:
            self._accepting, self._connecting = make_contexts(settings.tls)
        destination = Peer.parse(settings.destination)
        self._delivery = Delivery(settings.ae_title, destination, context=self._connecting)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Take the folder, load the system, go on where an earlier node ended, and listen.

        Raises:
            OSError: if another node holds the folder, or the port is taken.
            RuntimeError: if the system cannot be loaded.
        """
        _silence_libraries()
        self.folder.make()
        self._lock = hold_folder(self.folder.root)
        self.queue = Queue(self.folder.queue)
        self._recover()
        self._assembler = Assembler(self.folder, self.queue, quiet_s=self.settings.quiet_s)
        places = (self.settings, self.folder, self.queue)
        self._requests = Requests(self.folder.requests)
        commitment = (
            Commitment(*places, self._requests, context=self._connecting)
            if self.settings.commitment
            else None
        )
        self.receiver = Receiver(*places, commitment=commitment, context=self._accepting)
        self.page = HealthPage(self.settings.health_port, self.health)
        try:
            self.page.start()
            self.worker.start()
            self.receiver.start()
        except BaseException:
            self.stop()
            raise
        self._repeat("assembly", self._assembler.step)
        self._repeat("inference", self._infer_next)
        self._repeat("delivery", self._deliver_next)
        if commitment is not None:
            self._repeat("commitment", commitment.report_next)

    def stop(self) -> None:
        """Stop gracefully: what runs is finished, or stays in the queue."""
        self.receiver.stop(_GOODBYE_S)
        self._stopping.set()
        until = time.monotonic() + _STOP_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self.worker.stop()  # an inference that still runs ends here; its scan stays in the queue
        for thread in self._threads:
            thread.join()
        self.page.stop()
        self.queue.close()
        self._requests.close()
        release_folder(self._lock)

    def health(self) -> dict[str, Any]:
        """Return how the node does, without identifiers; `status` is "ok" where all is well."""
        limits, free_mb = self.settings.limits, self.folder.free_bytes() // MEGABYTE
        problems = {
            "the disk is full": free_mb < limits.free_mb,
            "the queue is full": self.queue.pending_objects() >= limits.queue,
            "a part has ended": not all(thread.is_alive() for thread in self._threads),
        }
        return {
            "status": "; ".join(name for name, holds in problems.items() if holds) or "ok",
            "scans": self.queue.counts(),
            "commitment_requests": self._requests.count(),
            "last_success": iso_time(self.queue.last_success()),
            "last_problem": self.queue.last_reason(),
            "free_mb": free_mb,
            "model": dict(self.worker.description),
            "uptime_s": round(time.time() - self.started),
        }

    def _recover(self) -> None:
        """Go on where an earlier node was ended, by whatever means."""
        self.queue.recover()
        needed = self.queue.needed_files()
        self.folder.clear(needed | (self.queue.done_files() if self.settings.keep else set()))

    def _repeat(self, name: str, step: Callable[[], object]) -> None:
        """Call a step again and again in a thread of its own, until the node stops.

        A step that has done something says so by True, and is called again at once.
        """

        def run() -> None:
            while not self._stopping.is_set():
                try:
                    busy = step()
                except Exception as err:  # noqa: BLE001 - a full disk, say: the node lives on
                    logger.error("%s: %s", name, _tell(err))
                    busy = False
                if not busy:
                    self._stopping.wait(_LOOK_EVERY_S)

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _infer_next(self) -> bool:
        """Infer on the scan that has waited for longest; return whether there was one."""
        self.queue.recover()  # what an error, such as a full disk, has interrupted
        job = self.queue.next_job(State.RECEIVED)
        if job is None:
            return False
        self.queue.start(job.number)
        work = self.folder.start_work(job.number)
        try:
            self.worker.infer([self.folder.objects / name for name in job.files], work)
        except ScanRefusedError as err:
            self._set_aside(job, str(err))
        except AttemptFailedError as err:
            self._try_again(job, str(err))
        else:
            results = self.folder.keep_results(job.number, work)
            self.queue.finish(job.number, results)
            logger.info("job %d: %d results are ready", job.number, len(results))
        return True

    def _try_again(self, job: Job, reason: str) -> None:
        if self._stopping.is_set():
            return  # it was ended by this node: the next one goes on with it
        attempts = job.attempts + 1
        logger.warning("job %d: attempt %d failed: %s", job.number, attempts, reason)
        has_room = self.folder.free_bytes() > self.settings.limits.free_mb * MEGABYTE
        if attempts >= _MOST_ATTEMPTS and has_room:
            self._set_aside(job, f"{reason} ({attempts} attempts)")
            return
        wait_s = wait_before(attempts, _FIRST_WAIT_S)
        self.queue.put_off(job.number, State.RECEIVED, wait_s=wait_s, reason=reason)

    def _set_aside(self, job: Job, reason: str) -> None:
        """Put a scan where a person can look at it, and go on without it."""
        self.folder.put_aside(job.number, job.files, reason)
        self.queue.move(job.number, State.FAILED, reason=reason)
        self.folder.remove_objects(job.files)
        logger.warning("job %d was set aside: %s", job.number, reason)

    def _deliver_next(self) -> bool:
        """Send the results that have waited for longest; return whether there were any."""
        done = self.queue.next_job(State.SENT)
        if done is not None:
            self._tidy(done)
            return True
        job = self.queue.next_job(State.READY)
        if job is None:
            return False
        try:
            with self._delivery.connect() as connected:
                self._send(job, connected)
        except DeliveryError as err:
            wait_s = wait_before(job.attempts + 1, _FIRST_WAIT_S)
            self.queue.put_off(job.number, State.READY, wait_s=wait_s, reason=str(err))
            logger.warning("job %d: %s; next attempt in %.0f s", job.number, err, wait_s)
            return True
        self.queue.move(job.number, State.SENT)
        return True

    def _send(self, job: Job, connected: Connected) -> None:
        """Send what the destination does not have.

        Raises:
            DeliveryError: if it did not take all of it.
        """
        failure: DeliveryError | None = None
        for name in self.queue.unsent(job.number):
            try:
                connected.send(self.folder.results(job.number) / name)
            except DeliveryError as err:
                failure = err
            else:
                self.queue.note_sent(job.number, name)
        if failure is not None:
            raise failure

    def _tidy(self, job: Job) -> None:
        """Remove what nobody needs any more."""
        self.folder.remove_results(job.number)
        if not self.settings.keep:
            self.folder.remove_objects(job.files)
        self.queue.move(job.number, State.DONE)
        logger.info("job %d: done", job.number)


def _silence_libraries() -> None:
    """Keep out of logs what libraries write there: names of peers, and values of headers.

    For the whole process and for good: threads that filter warnings for a while undo each other's
    filters.
    """
    warnings.simplefilter("ignore")
    for name in ("pynetdicom", "pydicom"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _tell(err: Exception) -> str:
    """Tell an error of the disk by its words; of any other its kind, as it may quote a header."""
    return one_line(err) if isinstance(err, OSError) else type(err).__name__
