"""Run a grid: in parallel on several GPUs or CPU processes, with progress; can be continued."""

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from pathlib import Path

import torch

from bonescan.cluster import cluster_pool
from bonescan.processes import worker_pool
from bonescan.studies.experiments.grid import Run
from bonescan.studies.experiments.run import RunFailedError, perform


@dataclass
class Outcome:
    """How a grid went.

    Attributes:
        failed: the runs that failed, with the reason.
        skipped: runs that need one of them.
    """

    failed: list[tuple[Run, str]] = field(default_factory=list)
    skipped: list[Run] = field(default_factory=list)


def default_workers() -> int:
    """Return one process per visible GPU, without GPU one per core."""
    return torch.cuda.device_count() or os.cpu_count() or 1


def execute(
    runs: Sequence[Run],
    *,
    workers: int,
    cluster: str | None = None,
    announce: Callable[[str], None],
) -> Outcome:
    """Do all runs; one that fails stops only those that need it.

    Args:
        runs: each after those that it needs.
        workers: processes; each has a GPU of its own where there are GPUs, and its share of cores.
        cluster: address of a Dask cluster that does them instead; which GPU and how many cores each
            of its workers has is for whoever starts it to say.
        announce: is told a line about each run.

    Returns:
        What failed.

    Raises:
        KeyboardInterrupt: if it is interrupted; done steps are kept.
        RuntimeError: if a worker process dies.
        ValueError: if there are no workers, or the cluster is not fit.
    """
    if not runs:
        return Outcome()
    pool = _share_out(workers) if cluster is None else cluster_pool(cluster, _shared_folder(runs))
    try:
        with pool as executor:
            return _execute_waves(runs, executor, _Progress(len(runs), announce))
    except BrokenProcessPool as err:
        raise RuntimeError(
            "a worker process died, perhaps for lack of memory; the same command, with fewer "
            "workers, goes on where it stopped; the logs of the runs say how far they came"
        ) from err


def _execute_waves(runs: Sequence[Run], executor: Executor, progress: "_Progress") -> Outcome:
    """Do the runs, wave after wave; the rest is dropped when it is left early."""
    outcome = Outcome()
    left = list(runs)
    futures: dict[Future[dict[str, float]], Run] = {}
    try:
        while left:
            wave, left = _split_wave(left)
            futures = {executor.submit(perform, run): run for run in wave}
            for future in as_completed(futures):
                _settle(future, futures[future], outcome, progress)
            skipped, left = _split_lost(left, {run.folder for run, _ in outcome.failed})
            outcome.skipped += skipped
    finally:
        for future in futures:
            future.cancel()
    return outcome


def _shared_folder(runs: Sequence[Run]) -> Path:
    """Return the folder that holds all runs, which exists from now on."""
    folder = Path(os.path.commonpath([run.folder.absolute() for run in runs]))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _share_out(workers: int) -> AbstractContextManager[Executor]:
    """Return processes that share the GPUs and the cores of this machine."""
    numbers = multiprocessing.get_context("spawn").Queue()
    for number in range(workers):
        numbers.put(number)
    threads, gpus = max(1, (os.cpu_count() or 1) // max(workers, 1)), torch.cuda.device_count()
    return worker_pool(workers, _take_share, numbers, threads, gpus)


def _take_share(numbers: "Queue[int]", threads: int, gpus: int) -> None:
    """Take a GPU of one's own, before anything asks for one, and a share of the cores."""
    number = numbers.get()
    if gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(number % gpus)
    torch.set_num_threads(threads)


def _split_wave(runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """Take the runs that need none of the others."""
    open_folders = {run.folder for run in runs}
    wave = [run for run in runs if not open_folders & set(run.needs)]
    return wave, [run for run in runs if run not in wave]


def _split_lost(runs: Sequence[Run], lost: set[Path]) -> tuple[list[Run], list[Run]]:
    """Take the runs that need one of the lost, or one that does."""
    lost = set(lost)
    skipped = []
    for run in runs:  # in order: what a run needs comes before it
        if lost & set(run.needs):
            lost.add(run.folder)
            skipped.append(run)
    return skipped, [run for run in runs if run not in skipped]


def _settle(
    future: "Future[dict[str, float]]", run: Run, outcome: Outcome, progress: "_Progress"
) -> None:
    """Note how a run ended."""
    try:
        seconds = future.result()
    except (RunFailedError, ValueError, OSError) as err:
        outcome.failed.append((run, str(err)))
        progress.tell(f"{run.label} FAILED: {err}")
    else:
        said = f"{sum(seconds.values()):.0f} s" if seconds else "done before"
        progress.tell(f"{run.label}: {said}", worked=bool(seconds))


class _Progress:
    """Say how many runs are done, and how long the others may take."""

    def __init__(self, total: int, announce: Callable[[str], None]) -> None:
        self.total = total
        self.announce = announce
        self.done = 0
        self.worked = 0
        self.start = time.monotonic()

    def tell(self, line: str, *, worked: bool = True) -> None:
        """Announce the end of a run.

        Args:
            line: what is said of it.
            worked: whether there was something left to do; a run that was done before tells nothing
                of how long the others may take.
        """
        self.done += 1
        self.worked += worked
        elapsed_min = (time.monotonic() - self.start) / 60
        time_left = ""
        if self.worked:
            left_min = elapsed_min / self.worked * (self.total - self.done)
            time_left = f", about {left_min:.1f} min left"
        self.announce(
            f"[{self.done}/{self.total}] {line} ({elapsed_min:.1f} min so far{time_left})"
        )
