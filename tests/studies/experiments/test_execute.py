"""In which order a grid runs, and what a failed run takes with it; the runs are faked."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from bonescan.studies.experiments import execute as module
from bonescan.studies.experiments.execute import execute
from bonescan.studies.experiments.run import RunFailedError

NEEDS = {"base": [], "prior": [], "next": ["prior"], "mined": ["base"], "last": ["mined"]}
"""Runs in the order of a grid, with those that each needs."""


def make_runs() -> list[SimpleNamespace]:
    return [
        SimpleNamespace(label=name, folder=Path(name), needs=tuple(map(Path, needs)))
        for name, needs in NEEDS.items()
    ]


@pytest.fixture
def started(monkeypatch) -> list[str]:
    """Do runs in a thread, of which "base" fails; return the labels of those that were started."""
    labels: list[str] = []

    def perform(run: SimpleNamespace) -> dict[str, float]:
        labels.append(run.label)
        if run.label == "base":
            raise RunFailedError("training: out of memory")
        return {"training": 2.0, "evaluation": 1.0}

    monkeypatch.setattr(module, "worker_pool", lambda *_: ThreadPoolExecutor(1))
    monkeypatch.setattr(module, "perform", perform)
    return labels


def test_a_run_waits_for_what_it_needs(started):
    runs = [run for run in make_runs() if run.label in {"prior", "next"}]
    outcome = execute(runs[::-1], workers=1, announce=lambda _: None)
    assert started == ["prior", "next"]
    assert (outcome.failed, outcome.skipped) == ([], [])


def test_a_failed_run_stops_only_those_that_need_it(started):
    runs, lines = make_runs(), []
    outcome = execute(runs, workers=1, announce=lines.append)
    assert started == ["base", "prior", "next"]
    assert outcome.failed == [(runs[0], "training: out of memory")]
    assert [run.label for run in outcome.skipped] == ["mined", "last"]
    said = [re.fullmatch(r"\[(\d)/5\] (.*) \(.*\)", line).groups() for line in lines]
    assert [number for number, _ in said] == ["1", "2", "3"]
    # which of two independent runs is told first is left open
    assert {text for _, text in said[:2]} == {"base FAILED: training: out of memory", "prior: 3 s"}
    assert said[2][1] == "next: 3 s"


def test_what_was_done_before_says_nothing_of_the_time_left(monkeypatch):
    seconds = {"base": {}, "prior": {"training": 4.0}, "next": {"training": 2.0}}
    clock = iter([60.0, 66.0, 180.0, 240.0])
    monkeypatch.setattr(module, "worker_pool", lambda *_: ThreadPoolExecutor(1))
    monkeypatch.setattr(module, "perform", lambda run: seconds[run.label])
    monkeypatch.setattr(module, "as_completed", list)  # in the order of the runs
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    runs, lines = [run for run in make_runs() if run.label in seconds], []
    execute(runs, workers=1, announce=lines.append)
    assert lines == [
        "[1/3] base: done before (0.1 min so far)",
        "[2/3] prior: 4 s (2.0 min so far, about 2.0 min left)",
        "[3/3] next: 2 s (3.0 min so far, about 0.0 min left)",
    ]


def test_no_workers_are_refused():
    with pytest.raises(ValueError, match="number of workers must be 1 or more, got 0"):
        execute(make_runs(), workers=0, announce=lambda _: None)
