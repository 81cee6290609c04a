import os

import pytest

from bonescan.processes import worker_pool


def remember(text: str) -> None:
    os.environ["REMEMBERED"] = text


def recall() -> tuple[str, int]:
    return os.environ["REMEMBERED"], os.getpid()


def test_workers_are_other_processes_that_were_prepared():
    with worker_pool(1, remember, "a word") as pool:
        word, process = pool.submit(recall).result()
    assert word == "a word"
    assert process != os.getpid()
    assert "REMEMBERED" not in os.environ


def test_no_workers_are_refused():
    with pytest.raises(ValueError, match="number of workers must be 1 or more, got 0"):
        worker_pool(0)
