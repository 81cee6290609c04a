"""Worker processes that do not outlive the process that started them."""

import multiprocessing
import os
import threading


def exit_with_parent() -> None:
    """End this process at once when its parent is gone; it would wait for work for ever."""
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
