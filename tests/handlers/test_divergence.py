import pytest
import torch
from ignite.engine import Engine, Events

from bonescan.handlers.divergence import StopAtDivergence


def train(folder, losses, *, epoch_length=3):
    """Put out these losses, and say which epochs were completed."""
    done = []
    engine = Engine(lambda _engine, batch: {"loss": batch, "pred": torch.ones(2)})
    StopAtDivergence(folder).attach(engine)
    engine.add_event_handler(Events.EPOCH_COMPLETED, lambda: done.append(engine.state.epoch))
    batches = iter(losses)
    engine.run(batches, max_epochs=len(losses) // epoch_length, epoch_length=epoch_length)
    return done


def test_finite_losses_go_on(tmp_path):
    assert train(tmp_path, [torch.tensor(1e30, requires_grad=True), 0.0, -1, 1, 2, 3]) == [1, 2]


@pytest.mark.parametrize("bad", [torch.tensor(float("nan")), float("inf"), float("-inf")])
def test_the_first_loss_that_is_no_number_ends_the_training(tmp_path, bad):
    (tmp_path / "last.pt").write_bytes(b"good")
    expected = (
        rf"loss must be finite, got {float(bad)} at iteration 5 \(epoch 2, batch 2 of 3\); "
        r".*last\.pt holds the epoch before; train with a lower --learning_rate"
    )
    with pytest.raises(ValueError, match=expected):
        train(tmp_path, [1.0, 2.0, 3.0, 4.0, bad, 5.0])
    assert (tmp_path / "last.pt").read_bytes() == b"good"


def test_nothing_saved_is_said(tmp_path):
    with pytest.raises(ValueError, match="nothing was saved"):
        train(tmp_path, [float("nan"), 1, 1])
