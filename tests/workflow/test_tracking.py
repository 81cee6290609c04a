"""A training as TensorBoard and MLflow hold it, with a stand-in for MLflow."""

import io

import numpy as np
import pytest
from monai.handlers import mlflow_handler
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.mlflow_client import Client, make_mlflow
from tests.workflows import CONFIGS, run_workflow


@pytest.mark.slow
def test_tensorboard_and_mlflow_hold_the_same(monkeypatch, cohort, tmp_path):
    monkeypatch.setattr(mlflow_handler, "mlflow", make_mlflow())
    run_workflow(
        "train", workflow_type="train", dataset_dir=str(cohort), output_dir=str(tmp_path),
        tracking=str(CONFIGS / "tracking_mlflow.json"), picture_interval=2,
    )  # fmt: skip
    board = EventAccumulator(str(tmp_path / "tensorboard"), {"images": 0, "scalars": 0}).Reload()
    scalars = {
        (name, event.step): event.value
        for name in board.Tags()["scalars"]
        for event in board.Scalars(name)
    }
    logged = {(name, step): value for name, step, value in Client.metrics}
    assert len(logged) == len(Client.metrics)  # nothing twice
    assert set(logged) == set(scalars)
    assert {("train/loss", 1), ("train/loss", 2), ("validation/dice", 2)} <= set(logged)
    assert [logged[key] for key in scalars] == pytest.approx(list(scalars.values()), rel=1e-6)

    (event,) = board.Images("validation/lesions")
    assert list(Client.images) == [f"validation/lesions/{event.step:04d}.png"]
    shown = np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))
    assert np.array_equal(shown, Client.images["validation/lesions/0002.png"])
