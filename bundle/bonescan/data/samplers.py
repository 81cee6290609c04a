"""Samplers: which images of a training set an epoch draws, and in which order."""

import math
from collections.abc import Iterator
from itertools import cycle, islice

import ignite.distributed as idist
import torch
from torch.utils.data import Sampler


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
