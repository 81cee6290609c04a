"""The loop of an engine beside the bare work that it does."""

import time
from collections.abc import Callable

from ignite.engine import Engine, Events

from bonescan.studies.benchmark.measurement import time_s


class LoopComparison:
    """Do the bare work once more after each iteration of an engine, and time both; attached last.

    Everything that the engine does between two iterations falls to the loop: loading, augmentation,
    handlers, checkpoints, results.

    Args:
        make_bare: makes the bare work of the iteration that the engine has just completed.
        until: event that ends a repeat, ITERATION_COMPLETED or EPOCH_COMPLETED.

    Attributes:
        pairs: (loop, bare) times of each repeat in seconds.
    """

    def __init__(self, make_bare: Callable[[Engine], Callable[[], object]], until: Events) -> None:
        self.make_bare = make_bare
        self.until = until
        self.pairs: list[tuple[float, float]] = []
        self._loop_s = self._bare_s = self._since = 0.0

    def attach(self, engine: Engine) -> None:
        """Register on the events of the loop."""
        engine.add_event_handler(Events.STARTED, self._restart)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._compare)
        engine.add_event_handler(self.until, self._end_repeat)

    def _restart(self) -> None:
        self._loop_s = self._bare_s = 0.0
        self._since = time.perf_counter()

    def _compare(self, engine: Engine) -> None:
        self._loop_s += time.perf_counter() - self._since
        self._bare_s += time_s(self.make_bare(engine))
        self._since = time.perf_counter()

    def _end_repeat(self) -> None:
        self._loop_s += time.perf_counter() - self._since
        self.pairs.append((self._loop_s, self._bare_s))
        self._restart()
