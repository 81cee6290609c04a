"""One measured quantity, and how to time things so that noise cancels."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measurement:
    """A measured quantity, or the reason why it was not measured.

    Attributes:
        name: what was measured.
        unit: its unit, or "ratio".
        repeats: the number that each repeat gave, one or more; None if nothing was measured.
        how: what exactly was measured, or why nothing was.
        target: largest value that is good enough, None where none is set.
        system: file of configs/systems that it belongs to, None for what concerns them all.
    """

    name: str
    unit: str
    repeats: Sequence[float] | None
    how: str
    target: float | None = None
    system: str | None = None

    def __post_init__(self) -> None:
        if self.repeats is not None and not self.repeats:
            raise ValueError(f"{self.name}: repeats must hold at least one number, got none")

    @property
    def value(self) -> float | None:
        """The median of the repeats."""
        return None if self.repeats is None else statistics.median(self.repeats)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where none is set or nothing was measured."""
        return None if self.target is None or self.value is None else self.value <= self.target

    def to_entry(self) -> dict[str, Any]:
        """Return everything for JSON: the median, smallest and largest repeat, their number."""
        repeats = self.repeats or ()
        return {
            "name": self.name,
            "value": self.value,
            "low": min(repeats, default=None),
            "high": max(repeats, default=None),
            "unit": self.unit,
            "repeats": len(repeats),
            "how": self.how,
            "target": self.target,
            "system": self.system,
            "met": self.met,
        }


def compare_times(
    name: str, pairs: Sequence[tuple[float, float]], *, how: str, target: float
) -> Measurement:
    """Make a measurement of the ratios of paired times.

    The two times of a pair are taken one right after the other: what else the machine does slows
    both, and cancels.

    Args:
        name: what was measured.
        pairs: (whole, bare) times of each repeat in seconds.
        how: what exactly was measured; the median times are added.
        target: largest ratio that is good enough.
    """
    ratios = [whole_s / bare_s for whole_s, bare_s in pairs]
    medians = " / ".join(f"{statistics.median(times):.3g} s" for times in zip(*pairs, strict=True))
    return Measurement(name, "ratio", ratios, f"{how} ({medians})", target)


def time_s(action: Callable[[], object]) -> float:
    """Return the wall time of an action in seconds."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def time_repeats_ms(action: Callable[[], object], repeats: int) -> list[float]:
    """Return the wall times of an action in milliseconds, after one run that warms up."""
    action()
    return [1000 * time_s(action) for _ in range(repeats)]
