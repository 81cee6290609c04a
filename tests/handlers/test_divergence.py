import pytest
import torch
from ignite.engine import Engine, Events
from monai.data import DataLoader, MetaTensor
from monai.transforms import Compose

from bonescan.data.samples import SampleDataset
from bonescan.handlers.divergence import StopAtDivergence


def load(entry: dict) -> dict:
    return {"image": MetaTensor(torch.ones(entry["views"], 2, 3), meta={"scan_id": entry["id"]})}


def split(sample: dict) -> list[dict]:
    return [{"image": view[None].as_tensor()} for view in sample["image"]]


def train(folder, losses, *, epoch_length=3):
    """Put out these losses, and say which epochs were completed."""
    done = []
    engine = Engine(lambda _engine, batch: {"loss": batch, "pred": torch.ones(2)})
    StopAtDivergence(folder, torch.utils.data.TensorDataset()).attach(engine)
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


def test_scans_of_the_batch_are_named(tmp_path):
    entries = [{"id": "b3", "views": 2}, {"id": "a1", "views": 1}, {"id": "c5", "views": 2}]
    dataset = SampleDataset(entries, Compose([load, split]), progress=False)
    engine = Engine(lambda engine, batch: {"loss": float("nan" if batch["sample"][0] else 1)})
    StopAtDivergence(tmp_path, dataset).attach(engine)
    expected = r"iteration 2 \(epoch 1, batch 2 of 2\), scans a1, c5; nothing was saved; train"
    with pytest.raises(ValueError, match=expected):
        engine.run(DataLoader(dataset, batch_sampler=[[0, 1], [2, 4, 3]]))


def test_nothing_saved_is_said(tmp_path):
    with pytest.raises(ValueError, match="nothing was saved"):
        train(tmp_path, [float("nan"), 1, 1])
