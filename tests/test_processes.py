import os
from pathlib import Path

import pytest

from bonescan.processes import run_each, worker_pool
from tests.cluster_work import note


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
    with pytest.raises(ValueError, match="number of workers must be 1 or more, got 0"):
        next(run_each(note, [1], Path(), workers=0))


def test_one_worker_is_this_process(tmp_path):
    results = run_each(note, [1, 2, 5], tmp_path)
    assert [next(results), next(results)] == [10, 20]
    assert {path.name for path in tmp_path.iterdir()} == {f"1-{os.getpid()}", f"2-{os.getpid()}"}
    with pytest.raises(ValueError, match="patient 5 must have a spine"):
        next(results)


def test_several_workers_are_other_processes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert sorted(run_each(note, [1, 2, 3], Path(), workers=2)) == [10, 20, 30]
    made = [path.name.split("-") for path in tmp_path.iterdir()]
    assert sorted(number for number, _ in made) == ["1", "2", "3"]
    assert str(os.getpid()) not in {process for _, process in made}
