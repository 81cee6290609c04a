"""Randomness that depends on the seed and the epoch alone."""

import torch
from ignite.engine import Engine, Events
from monai.data.utils import set_rnd
from monai.utils import set_determinism
from torch.utils.data import Dataset


class EpochSeed:
    """Seed every generator at the start of each epoch, and begin the data anew.

    Epoch n then does not depend on how it was reached: a run that was killed and resumed draws the
    same order, augmentation and dropout as one that was not interrupted, and no generator state
    has to be saved. That holds for epochs of any number of iterations, too: Ignite alone would go
    on in the order of the epoch before. Every process of a distributed run draws its own numbers.

    Args:
        dataset: dataset whose random transforms are seeded (in this process; worker processes
            take their seeds from torch's generator when the epoch's iterator is made). One that
            has a method `set_epoch`, as samplers of torch have, is told the epoch.
        seed: seed of the run.
    """

    def __init__(self, dataset: Dataset, *, seed: int) -> None:
        self.dataset = dataset
        self.seed = seed

    def attach(self, engine: Engine) -> None:
        """Register on the engine's EPOCH_STARTED."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Seed Python, numpy, torch and the dataset's transforms; then start the loader."""
        # A prime apart, so that neighbouring seeds do not share epochs.
        seed = (self.seed * 100_003 + engine.state.epoch * 1_009 + engine.state.rank) % 2**32
        deterministic = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
        set_determinism(seed)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = deterministic
        set_rnd(self.dataset, seed)
        if hasattr(self.dataset, "set_epoch"):
            self.dataset.set_epoch(engine.state.epoch)
        engine.set_data(engine.state.dataloader)
