"""What is kept of an epoch."""

import pytest
import torch
from ignite.engine import Engine

from bonescan.handlers.progress import MeanLoss


def test_loss_of_an_epoch_is_the_mean_of_its_batches_and_so_is_each_term():
    batches = iter([(1.0, 3.0), (6.0, 9.0), (0.5, 1.0), (0.5, 2.0)])

    def step(*_):
        box, total = map(torch.tensor, next(batches))
        return {"loss": total, "pred": {"box": box}}

    engine = Engine(step)
    MeanLoss().attach(engine)
    assert engine.run([0, 0], max_epochs=1).metrics == {"box": 3.5, "loss": 6.0}
    assert engine.run([0, 0], max_epochs=2).metrics == pytest.approx({"box": 0.5, "loss": 1.5})
