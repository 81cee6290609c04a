"""One measured number, and how to time things so that noise cancels."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """A measured number, or the reason why there is none.

    Attributes:
        name: what was measured.
        value: median of the repeats; like low and high None where there is no number.
        low: smallest of the repeats.
        high: largest of the repeats.
        unit: unit, or "ratio".
        repeats: how many numbers the value is the median of.
        how: what exactly was measured, or why nothing was.
        target: largest value that is good enough, None where none is set.
        system: file of configs/systems that it belongs to, None for what concerns them all.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    repeats: int
    how: str
    target: float | None = None
    system: str | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where none is set or nothing was measured."""
        if self.target is None or self.value is None:
            return None
        return self.value <= self.target


def summarise(
    name: str,
    numbers: Sequence[float],
    *,
    unit: str,
    how: str,
    target: float | None = None,
    system: str | None = None,
) -> Measurement:
    """Make a measurement of repeated numbers.

    Raises:
        ValueError: if there is no number.
    """
    if not numbers:
        raise ValueError(f"{name}: numbers must hold at least one repeat, got none")
    return Measurement(
        name=name,
        value=statistics.median(numbers),
        low=min(numbers),
        high=max(numbers),
        unit=unit,
        repeats=len(numbers),
        how=how,
        target=target,
        system=system,
    )


def not_measured(name: str, *, unit: str, reason: str, system: str | None = None) -> Measurement:
    """Make a measurement that says why there is no number."""
    return Measurement(
        name=name, value=None, low=None, high=None, unit=unit, repeats=0, how=reason, system=system
    )


def summarise_ratio(
    name: str, pairs: Sequence[tuple[float, float]], *, how: str, target: float
) -> Measurement:
    """Make a measurement of the ratios of paired times.

    The two times of a pair are taken one right after the other: what else the machine does slows
    both, and cancels.

    Args:
        name: what was measured.
        pairs: (whole, bare) times of each repeat.
        how: what exactly was measured; the median times are added.
        target: largest ratio that is good enough.
    """
    whole_s, bare_s = (statistics.median(times) for times in zip(*pairs, strict=True))
    return summarise(
        name,
        [whole / bare for whole, bare in pairs],
        unit="ratio",
        how=f"{how} ({whole_s:.3g} s over {bare_s:.3g} s)",
        target=target,
    )


def time_s(action: Callable[[], object]) -> float:
    """Return the wall time of an action in seconds."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def time_repeats_ms(action: Callable[[], object], repeats: int) -> list[float]:
    """Return the wall times of an action in milliseconds, after one run that warms up."""
    action()
    return [1000 * time_s(action) for _ in range(repeats)]
