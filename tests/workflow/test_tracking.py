"""Experiment tracking by MONAI's MLflow handler, with a stand-in for MLflow."""

from types import SimpleNamespace

import pytest
from monai.handlers import mlflow_handler

from tests.workflows import CONFIGS, run_workflow


class Client:
    """Keep what is logged, as MLflow's client would send it."""

    logged: list

    def __init__(self, **_):
        pass

    def get_experiment_by_name(self, name):
        return SimpleNamespace(experiment_id=name, lifecycle_stage="active")

    def search_runs(self, experiment_id):
        return []

    def create_run(self, experiment_id, run_name):
        return SimpleNamespace(info=SimpleNamespace(run_id="1"))

    def get_run(self, run_id):
        return SimpleNamespace(data=SimpleNamespace(params={}))

    def log_batch(self, run_id, metrics, params, tags):
        Client.logged += metrics

    def log_artifact(self, run_id, path):
        pass

    def set_terminated(self, run_id, status):
        pass


@pytest.fixture
def logged(monkeypatch):
    Client.logged = []
    entities = SimpleNamespace(
        RunStatus=SimpleNamespace(FINISHED=0, to_string=str),
        Param=lambda *_: None,
        Metric=lambda key, value, _, step: (key, float(value), step),
        LifecycleStage=SimpleNamespace(ACTIVE="active"),
    )
    monkeypatch.setattr(
        mlflow_handler, "mlflow", SimpleNamespace(MlflowClient=Client, entities=entities)
    )
    return Client.logged


@pytest.mark.slow
def test_losses_and_validation_of_each_epoch_are_logged(logged, cohort, tmp_path):
    run_workflow(
        "train", workflow_type="train", dataset_dir=str(cohort), output_dir=str(tmp_path),
        tracking=str(CONFIGS / "tracking_mlflow.json"),
    )  # fmt: skip
    steps = {key: [step for name, _, step in logged if name == key] for key, *_ in logged}
    assert steps["loss"] == [1, 2]
    assert {"loss", "dice"} <= set(steps)
