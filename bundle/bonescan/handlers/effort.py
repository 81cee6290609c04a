"""What a training costs: images seen, processor time and memory, by which trainings compare."""

import resource
from collections.abc import Mapping
from typing import Any

import ignite.distributed as idist
from ignite.engine import Engine, Events

from bonescan.keys import IMAGE

IMAGES = "images"
PROCESSOR_S = "processor_seconds"
MEMORY_MB = "memory_mb"


def processor_s() -> float:
    """Return the processor seconds of this process and of those that it started and saw end."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def peak_memory_mb() -> float:
    """Return the most memory in MB (1e6 bytes) that this process has had resident so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6  # Linux counts in KiB


class EpochEffort:
    """Count what each epoch of a training takes, validation included.

    Attributes:
        columns: of the last epoch: IMAGES that the network was trained on, an image drawn twice
            counts twice; PROCESSOR_S of all processes, those that load data included once they have
            ended; MEMORY_MB, the peak of the main process since its start, GPU memory not included.
    """

    def __init__(self) -> None:
        self.columns: dict[str, str] = {}
        self._images = 0
        self._start_s = 0.0

    def attach(self, engine: Engine) -> None:
        """Register on the events of the epoch; what reads the columns is attached after this."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._count)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._finish)

    def _start(self) -> None:
        self._images = 0
        self._start_s = processor_s()

    def _count(self, engine: Engine) -> None:
        self._images += count_images(engine.state.batch)

    def _finish(self) -> None:
        images = idist.all_reduce(self._images)
        seconds = idist.all_reduce(processor_s() - self._start_s)
        self.columns = {
            IMAGES: str(images),
            PROCESSOR_S: f"{seconds:.2f}",
            MEMORY_MB: f"{peak_memory_mb():.0f}",
        }


def count_images(batch: Mapping[str, Any] | list[Any]) -> int:
    """Return the number of images of a batch, the first of its parts where those have no names."""
    return len(batch[IMAGE] if isinstance(batch, Mapping) else batch[0])
