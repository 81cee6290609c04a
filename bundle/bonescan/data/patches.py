"""Which patches an epoch draws, and which of them must show a lesion."""

import math
from collections.abc import Iterator

import ignite.distributed as idist
import torch
from torch.utils.data import Sampler

from bonescan.data.samples import SampleDataset

LESION_SHARE = 0.33
"""Share of a batch whose patches must show foreground: nnU-Net v2's."""


class PatchSampler(Sampler[int]):
    """Draw images with replacement; about a third of a batch are patches that show a lesion.

    They are the last of a batch, round(0.67 B) being from anywhere, as in nnU-Net v2. That draws
    these from all images, and cuts anywhere in one without lesion; here they are of images with
    one, so that a third do show a lesion where most patients are healthy. An epoch draws as many
    patches as there are images, in full batches. Of several processes (ProcessShare), each gets
    both kinds.

    Args:
        dataset: samples that are there for patches.
        batch_size: patches of a batch, of each process; one alone may be from anywhere.

    Raises:
        ValueError: if no image shows a lesion.
    """

    def __init__(self, dataset: SampleDataset, batch_size: int) -> None:
        self.n_images = len(dataset)
        self.anywhere = round(batch_size * (1 - LESION_SHARE))
        self.batch_size = batch_size
        self.positive = torch.tensor(dataset.positive).nonzero()[:, 0]
        if not len(self.positive):
            raise ValueError(
                f"some training images must show a lesion to cut patches of, none of "
                f"{self.n_images} does: choose another fold"
            )

    def _batches(self) -> int:
        return math.ceil(self.n_images / (self.batch_size * idist.get_world_size()))

    def __len__(self) -> int:
        """Return the number of patches of an epoch, over all processes at once."""
        return self._batches() * self.batch_size * idist.get_world_size()

    def __iter__(self) -> Iterator[int]:
        """Draw an epoch."""
        processes = idist.get_world_size()
        showing = (self.batch_size - self.anywhere) * processes
        for _ in range(self._batches()):
            yield from torch.randint(self.n_images, (self.anywhere * processes,)).tolist()
            drawn = self.positive[torch.randint(len(self.positive), (showing,))]
            yield from (self.n_images + drawn).tolist()
