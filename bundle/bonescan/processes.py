"""Worker processes that do not outlive the process that started them."""

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial


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
    if workers < 1:
        raise ValueError(f"number of workers must be 1 or more, got {workers}")
    return ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=partial(_start_worker, initializer, *arguments),
    )


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
