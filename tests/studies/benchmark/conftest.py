"""A clock for the benchmark that only the test moves."""

from dataclasses import dataclass

import pytest

from bonescan.studies.benchmark import loop, measurement, results, systems


@dataclass
class Clock:
    """Stands for the module time.

    Attributes:
        now_s: what it shows.
        look_s: by how much each look at it moves it on.
    """

    now_s: float = 100.0
    look_s: float = 0.0

    def perf_counter(self) -> float:
        self.now_s += self.look_s
        return self.now_s

    process_time = perf_counter

    def advance(self, duration_s: float) -> None:
        self.now_s += duration_s


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """Return the clock by which the benchmark times."""
    fake = Clock()
    for module in (loop, measurement, results, systems):
        monkeypatch.setattr(module, "time", fake)
    return fake
