"""Several handlers in the place of one."""

from collections.abc import Sequence
from typing import Protocol

from ignite.engine import Engine


class Handler(Protocol):
    """What registers itself on the events of an engine."""

    def attach(self, engine: Engine) -> None:
        """Register."""


class Several:
    """Attach several handlers where a configuration has room for one.

    Args:
        handlers: in the order in which they are attached.
    """

    def __init__(self, handlers: Sequence[Handler]) -> None:
        self.handlers = tuple(handlers)

    def attach(self, engine: Engine) -> None:
        """Register each."""
        for handler in self.handlers:
            handler.attach(engine)
