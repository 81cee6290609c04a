"""Work in other processes: those of this machine, which end with this one, or a cluster's."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TypeVar

from bonescan.cluster import cluster_pool

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_each(
    function: Callable[[Item, Path], Result],
    items: Iterable[Item],
    folder: Path,
    *,
    workers: int = 1,
    cluster: str | None = None,
) -> Generator[Result, None, None]:
    """Call `function(item, folder)` for each item; yield the results as they are done.

    Close the generator to leave it early: what has begun is waited for on this machine, the rest is
    dropped.

    Args:
        function: called in this process where one worker is asked for, else elsewhere; it may be
            called twice for one item where a cluster loses a worker.
        items: what to do.
        folder: where it is written; it exists.
        workers: processes of this machine, 1 or more; they pay no heed to Ctrl-C, which is this
            process's to handle.
        cluster: address of a Dask cluster that does it instead.

    Raises:
        ValueError: if there are no workers, or the cluster is not fit (see
            `bonescan.cluster.cluster_pool`).
        BrokenProcessPool: if a worker dies, on a cluster if several do over one item.
    """
    _require_workers(workers)
    if workers == 1 and cluster is None:
        yield from (function(item, folder) for item in items)
        return
    folder = folder.absolute()
    pool: AbstractContextManager[Executor] = (
        worker_pool(workers, _ignore_interrupt)
        if cluster is None
        else cluster_pool(cluster, folder)
    )
    with pool as executor:
        futures = [executor.submit(function, item, folder) for item in items]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


def worker_pool(
    workers: int, initializer: Callable[..., None] | None = None, *arguments: object
) -> ProcessPoolExecutor:
    """Return a pool of processes that end with this one, however it ends.

    Spawned, not forked: alike on all systems, and safe beside the threads of numerical libraries.

    Args:
        workers: number of processes, 1 or more.
        initializer: called once in each process, before its work.
        arguments: of the initializer.

    Raises:
        ValueError: if there are no workers.
    """
    _require_workers(workers)
    return ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=partial(_start_worker, initializer, *arguments),
    )


def _require_workers(workers: int) -> None:
    if workers < 1:
        raise ValueError(f"number of workers must be 1 or more, got {workers}")


def _ignore_interrupt() -> None:
    """Leave it to the parent what a Ctrl-C of the user stops: a worker finishes its item."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _start_worker(initializer: Callable[..., None] | None, *arguments: object) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if initializer is not None:
        initializer(*arguments)


def _end_with_parent() -> None:
    """End this process at once when its parent is gone; it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
