"""What several processes of one training must agree on."""

import os
from typing import Any

import ignite.distributed as idist
import torch.distributed as dist
from ignite.engine import Engine, Events
from torch import nn


class SharedBuffers:
    """Give every process the buffers of process 0 when a validation starts.

    Gradients, and so weights, are the same everywhere; the running statistics of batch
    normalisation are those of each process's own images. Validation and checkpoint must mean one
    and the same network: that of process 0.

    Args:
        network: network without its distributed wrapper.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def attach(self, engine: Engine) -> None:
        """Register on the evaluator's STARTED."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self) -> None:
        """Copy the buffers; a collective step of all processes."""
        for buffer in self.network.buffers():
            dist.broadcast(buffer, src=0)


class StopWhenOrphaned:
    """End a process whose parent has gone: nothing would hinder a new run from doing its work, too.

    A process of torchrun outlives it where that is killed by `kill -9`.
    """

    def __init__(self) -> None:
        self.started_by = os.getppid()

    def attach(self, engine: Engine) -> None:
        """Register on the engine's ITERATION_STARTED."""
        engine.add_event_handler(Events.ITERATION_STARTED, self)

    def __call__(self) -> None:
        """Look who the parent is.

        Raises:
            RuntimeError: if it is another than at the start.
        """
        if os.getppid() != self.started_by:
            raise RuntimeError("the process that started this one must go on running, but is gone")


def gather(items: list[Any]) -> list[Any]:
    """Return the items of all processes, in each of them."""
    if idist.get_world_size() == 1:
        return items
    return [item for shard in idist.all_gather(items) for item in shard]
