import pytest
import torch
from ignite.engine import Engine, Events

from bonescan.handlers.mean_loss import MeanLoss, mean_losses, scalar_losses


def run(outputs) -> Engine:
    """Run an epoch whose steps put these out; note what its end knows."""
    engine = Engine(lambda _, output: output)
    MeanLoss().attach(engine)
    engine.add_event_handler(
        Events.EPOCH_COMPLETED, lambda: setattr(engine.state, "seen", mean_losses(engine))
    )
    engine.run(outputs)
    return engine


def test_losses_are_the_scalars_by_name():
    output = {"loss": torch.tensor(2.0), "g_loss": 0.5, "pred": torch.ones(1), "name": "x"}
    assert scalar_losses(output) == {"loss": 2.0, "g_loss": 0.5}
    assert scalar_losses([output, output]) == {"loss": 2.0, "g_loss": 0.5}


def test_mean_of_each_loss():
    engine = run([{"g_loss": 1.0, "d_loss": 4.0}, {"g_loss": 2.0, "d_loss": 8.0}])
    assert engine.state.seen == {"g_loss": 1.5, "d_loss": 6.0}


def test_terms_of_a_detector_have_a_mean_beside_the_loss():
    outputs = [
        {"loss": torch.tensor(a + b), "pred": {"box": torch.tensor(a), "mask": torch.tensor(b)}}
        for a, b in ((1.0, 2.0), (3.0, 6.0))
    ]
    engine = run(outputs)
    assert engine.state.metrics == {"loss": 6.0, "box": 2.0, "mask": 4.0}
    assert engine.state.seen == {"loss": 6.0}


def test_an_epoch_starts_from_nothing():
    engine = Engine(lambda engine, _: {"loss": torch.tensor(float(engine.state.epoch))})
    MeanLoss().attach(engine)
    engine.run([0, 0, 0], max_epochs=3)
    assert engine.state.metrics["loss"] == pytest.approx(3)
