"""Two networks against each other by MONAI's GanTrainer, with the handlers of every training."""

import csv
from pathlib import Path

import pytest
import torch
from ignite.engine import Events
from monai.engines import GanTrainer
from monai.handlers import LrScheduleHandler
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from bonescan.handlers.checkpoint import TrainingCheckpoint
from bonescan.handlers.mean_loss import MeanLoss
from bonescan.handlers.progress import History, TrainingProgress
from bonescan.handlers.seeding import EpochSeed
from bonescan.handlers.tracking import TensorBoardTraining
from bonescan.run_folder import HISTORY, LAST_STATE, TENSORBOARD, WEIGHTS
from tests.workflows import MEASURED

EPOCHS, STEPS = 3, 4


class KilledError(Exception):
    """Ends a training where a signal would."""


def make_trainer(folder: Path, *, resume: bool = False) -> GanTrainer:
    """Make the training of a generator of points in a plane against a critic."""
    torch.manual_seed(0)
    generator, critic = nn.Linear(3, 2), nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizers = {
        "generator": torch.optim.Adam(generator.parameters(), lr=0.01),
        "critic": torch.optim.SGD(critic.parameters(), lr=0.5, momentum=0.9),
    }
    schedulers = {"generator": StepLR(optimizers["generator"], 1, gamma=0.5)}
    loss = nn.BCEWithLogitsLoss()

    def tell_apart(fakes: torch.Tensor, reals: torch.Tensor) -> torch.Tensor:
        logits = critic(torch.cat([fakes.detach(), reals]))
        true = torch.cat([torch.zeros(len(fakes), 1), torch.ones(len(reals), 1)])
        return loss(logits, true)

    def pass_for_real(fakes: torch.Tensor) -> torch.Tensor:
        return loss(critic(fakes), torch.ones(len(fakes), 1))

    dataset = TensorDataset(torch.rand(2 * STEPS, 2) + torch.tensor([2.0, -1.0]))
    handlers = [
        EpochSeed(dataset, seed=0),
        MeanLoss(),
        History(folder, optimizers=optimizers),
        LrScheduleHandler(schedulers["generator"], print_lr=False),
        TrainingProgress(),
        TrainingCheckpoint(
            folder,
            networks={"generator": generator, "critic": critic},
            optimizers=optimizers,
            schedulers=schedulers,
            weights_of="generator",
            resume=resume,
        ),
        TensorBoardTraining(folder),
    ]
    return GanTrainer(
        device=torch.device("cpu"),
        max_epochs=EPOCHS,
        train_data_loader=DataLoader(dataset, batch_size=2, sampler=RandomSampler(dataset)),
        g_network=generator,
        g_optimizer=optimizers["generator"],
        g_loss_function=pass_for_real,
        d_network=critic,
        d_optimizer=optimizers["critic"],
        d_loss_function=tell_apart,
        d_prepare_batch=lambda batch, *_: batch[0],
        latent_shape=3,
        train_handlers=handlers,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    make_trainer(folder).run()
    return folder


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / HISTORY).open(newline="") as file:
        return [{**row, **dict.fromkeys(MEASURED, "")} for row in csv.DictReader(file)]


def test_history_has_each_loss_and_each_learning_rate(whole):
    rows = history(whole)
    assert list(rows[0]) == [
        "epoch", "g_loss", "d_loss", "learning_rate_generator", "learning_rate_critic",
        "validation_metric", "seconds", "images", "processor_seconds", "memory_mb",
    ]  # fmt: skip
    assert [row["learning_rate_generator"] for row in rows] == ["0.01", "0.005", "0.0025"]
    assert {row["learning_rate_critic"] for row in rows} == {"0.5"}


def test_tensorboard_has_each_loss(whole):
    scalars = EventAccumulator(str(whole / TENSORBOARD))
    scalars.Reload()
    for name in ("g_loss", "d_loss"):
        values = [event.value for event in scalars.Scalars(f"train/{name}")]
        assert values == pytest.approx([float(row[name]) for row in history(whole)], abs=1e-6)


def test_kept_weights_are_those_of_the_generator(whole):
    assert set(torch.load(whole / WEIGHTS, weights_only=True)) == {"weight", "bias"}


def test_killed_training_resumes_to_the_same_state(whole, tmp_path):
    trainer = make_trainer(tmp_path)

    def kill() -> None:
        raise KilledError

    trainer.add_event_handler(Events.ITERATION_COMPLETED(once=STEPS + 2), kill)
    with pytest.raises(KilledError):
        trainer.run()
    assert torch.load(tmp_path / LAST_STATE, weights_only=True)["epoch"] == 1
    make_trainer(tmp_path, resume=True).run()
    assert history(tmp_path) == history(whole)
    states = [torch.load(folder / LAST_STATE, weights_only=True) for folder in (whole, tmp_path)]
    torch.testing.assert_close(*states, rtol=0, atol=0)
