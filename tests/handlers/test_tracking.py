from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ignite.engine import Engine, Events
from monai.handlers import mlflow_handler

from bonescan.handlers.tracking import (
    MLflowTraining,
    TensorBoardTraining,
    ValidationPictures,
    epoch_scalars,
)
from bonescan.keys import META_SIMULATED
from tests.mlflow_client import Client, make_mlflow


@pytest.fixture
def sample(make_stack):
    """One scan of two views: a lesion in the posterior view, predicted one column beside."""
    image = make_stack(torch.rand(2, 5, 7))
    image.meta[META_SIMULATED] = True
    label, pred = torch.zeros(2, *image.shape)
    label[1, 2, 3] = pred[1, 2, 4] = 1
    return {"image": image, "label": label, "pred": pred}


def make_engines(sample, every=1):
    """Make a trainer that validates a sample in some epochs."""
    evaluator = Engine(lambda engine, batch: [sample])
    evaluator.add_event_handler(Events.COMPLETED, lambda: evaluator.state.metrics.update(dice=0.5))
    trainer = Engine(lambda engine, batch: None)

    @trainer.on(Events.EPOCH_COMPLETED(every=every))
    def validate():
        epoch = trainer.state.epoch
        evaluator.state.epoch = epoch - 1
        evaluator.run([[{"patient": "p"}]], max_epochs=epoch)

    @trainer.on(Events.EPOCH_COMPLETED)
    def measure():
        trainer.state.metrics["loss"] = 1 / trainer.state.epoch

    trainer.add_event_handler(Events.STARTED, lambda: setattr(trainer.state, "rank", 0))
    return trainer, evaluator


def pictures_of(trainer, pictures, epochs):
    drawn = {}
    trainer.add_event_handler(
        Events.EPOCH_COMPLETED, lambda: drawn.update({trainer.state.epoch: pictures.draw(trainer)})
    )
    trainer.run([0], max_epochs=epochs)
    return drawn


def test_names_say_what_was_measured_on(sample):
    trainer, evaluator = make_engines(sample, every=2)
    seen = []
    trainer.add_event_handler(
        Events.EPOCH_COMPLETED, lambda: seen.append(epoch_scalars(trainer, evaluator))
    )
    trainer.run([0], max_epochs=2)
    assert seen == [{"train/loss": 1.0}, {"train/loss": 0.5, "validation/dice": 0.5}]


def test_pictures_come_at_their_interval_and_at_the_end(sample):
    trainer, evaluator = make_engines(sample)
    pictures = ValidationPictures(evaluator=evaluator, interval=2)
    drawn = pictures_of(trainer, pictures, 5)
    assert [epoch for epoch, picture in drawn.items() if picture is not None] == [2, 4, 5]
    assert drawn[2].dtype == np.uint8
    assert drawn[2].shape[2] == 3


def test_only_images_with_a_lesion_are_shown(sample):
    trainer, evaluator = make_engines(sample)
    pictures = ValidationPictures(evaluator=evaluator, interval=1)
    trainer.run([0], max_epochs=1)
    (image,) = pictures.images.values()
    assert image.form == "posterior"
    assert np.argwhere(image.truth_mask).tolist() == [[2, 3]]
    assert np.argwhere(image.pred_mask).tolist() == [[2, 4]]


@pytest.mark.parametrize("change", [{"pred": torch.zeros(4)}, {"label": None}])
def test_nothing_is_drawn_of_a_system_that_says_nothing_of_pixels(sample, change):
    trainer, evaluator = make_engines({**sample, **change})
    pictures = ValidationPictures(evaluator=evaluator, interval=1)
    assert pictures_of(trainer, pictures, 1) == {1: None}


def test_without_validation_there_is_no_picture(sample):
    pictures = ValidationPictures(evaluator=None, interval=1)
    state = SimpleNamespace(epoch=1, max_epochs=1)
    assert pictures.draw(SimpleNamespace(state=state)) is None


def test_an_interval_is_one_or_more():
    with pytest.raises(ValueError, match="interval must be 1 or more, got 0"):
        ValidationPictures(evaluator=None, interval=0)


def test_mlflow_gets_names_steps_and_pictures(sample, monkeypatch, tmp_path):
    monkeypatch.setattr(mlflow_handler, "mlflow", make_mlflow())
    trainer, evaluator = make_engines(sample)
    pictures = ValidationPictures(evaluator=evaluator, interval=3)
    MLflowTraining(
        tracking_uri=f"sqlite:///{tmp_path}/runs.db",
        experiment_name="test",
        evaluator=evaluator,
        pictures=pictures,
    ).attach(trainer)
    TensorBoardTraining(tmp_path, evaluator=evaluator, pictures=pictures).attach(trainer)
    trainer.run([0], max_epochs=3)
    assert [each for each in Client.metrics if each[1] == 3] == [
        ("train/loss", 3, pytest.approx(1 / 3)),
        ("validation/dice", 3, 0.5),
    ]
    assert list(Client.images) == ["validation/lesions/0003.png"]
