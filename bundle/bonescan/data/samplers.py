"""Samplers: which images of a training set an epoch draws, and in which order."""

import math
from collections.abc import Iterator
from itertools import chain, cycle, islice, repeat

import ignite.distributed as idist
import torch
from torch.utils.data import Sampler

from bonescan.data.samples import SampleDataset


class ProcessShare(Sampler[int]):
    """Give each process of a training its share of what any sampler draws.

    Process 0 draws and tells the others, so that all share one epoch whatever the sampler's
    randomness hangs on. Process k of n takes every n-th index from the k-th on. All take equally
    many, since their steps wait for each other: where the number does not divide evenly, the first
    indices are given out once more.

    Args:
        sampler: sampler that knows how many indices it draws.
    """

    def __init__(self, sampler: Sampler[int]) -> None:
        self.sampler = sampler

    def __len__(self) -> int:
        """Return how many indices each process takes."""
        return math.ceil(len(self.sampler) / idist.get_world_size())  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[int]:
        """Draw an epoch; a collective step of all processes."""
        processes, rank = idist.get_world_size(), idist.get_rank()
        is_first = rank == 0
        drawn = list(self.sampler) if is_first else [0] * len(self.sampler)  # type: ignore[arg-type]
        told = idist.broadcast(torch.tensor(drawn, device=idist.device()), src=0).tolist()
        return islice(cycle(told), rank, len(self) * processes, processes)


class StreamSampler(Sampler[int]):
    """Fill every batch from two streams: labelled images, and images without a label.

    Each stream goes through its images in random order again and again. An epoch lasts until both
    have gone through theirs, so that the shorter one comes round several times. All batches are
    full; of several processes (ProcessShare), each takes its part of both streams.

    Args:
        dataset: samples that say whether they are labelled.
        batch_size: images of a batch, of each process.
        labelled_share: share of a batch that is labelled, to the nearest whole number of images.
            0 draws from the images without label alone, 1 from those with one.

    Raises:
        ValueError: if the share is not within 0 and 1 or leaves one stream out by rounding, or if a
            stream that is drawn from has no image.
    """

    def __init__(
        self, dataset: SampleDataset, batch_size: int, labelled_share: float = 0.5
    ) -> None:
        if not 0 <= labelled_share <= 1:
            raise ValueError(f"labelled_share must be within 0 and 1, got {labelled_share}")
        of_labelled = round(labelled_share * batch_size)
        if 0 < labelled_share < 1 and not 0 < of_labelled < batch_size:
            raise ValueError(
                f"batch_size must leave room for both streams at a labelled_share of "
                f"{labelled_share}, got {batch_size}"
            )
        self.takes = (of_labelled, batch_size - of_labelled)
        self.streams = tuple(
            [index for index, labelled in enumerate(dataset.labelled) if labelled is wanted]
            for wanted in (True, False)
        )
        for take, stream, kind, remedy in zip(
            self.takes, self.streams, ("a label", "no label"), _REMEDIES, strict=True
        ):
            if take and not stream:
                raise ValueError(
                    f"some training images must have {kind}, none of {len(dataset.labelled)} "
                    f"has: {remedy}"
                )

    def _batches(self) -> int:
        """Return the batches of an epoch, over all processes at once."""
        processes = idist.get_world_size()
        return max(
            math.ceil(len(stream) / (take * processes))
            for take, stream in zip(self.takes, self.streams, strict=True)
            if take
        )

    def __len__(self) -> int:
        """Return the number of images of an epoch, over all processes."""
        return self._batches() * sum(self.takes) * idist.get_world_size()

    def __iter__(self) -> Iterator[int]:
        """Draw an epoch: in each batch the labelled images come first."""
        processes = idist.get_world_size()
        drawn = [_shuffle_forever(stream) for stream in self.streams]
        for _ in range(self._batches()):
            for take, stream in zip(self.takes, drawn, strict=True):
                yield from islice(stream, take * processes)


_REMEDIES = (
    "choose another fold, give a larger --labelled_fraction, or train without any label by "
    "--sampler#labelled_share 0",
    "give a --labelled_fraction below 1, or train on labelled images alone by "
    "--sampler#labelled_share 1",
)
"""What to do where no image is labelled, and where all are."""


def _shuffle_forever(stream: list[int]) -> Iterator[int]:
    orders = (torch.randperm(len(stream)).tolist() for _ in repeat(None))
    return (stream[place] for place in chain.from_iterable(orders))
