"""A stand-in for MLflow's client, which MONAI's handler talks to."""

from types import SimpleNamespace


class Client:
    """Keep what is logged."""

    metrics: list
    images: dict

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
        Client.metrics += metrics

    def log_image(self, run_id, image, artifact_file):
        Client.images[artifact_file] = image

    def log_artifact(self, run_id, path):
        pass

    def set_terminated(self, run_id, status):
        pass


def make_mlflow() -> SimpleNamespace:
    """Return what stands for the package, with nothing logged."""
    Client.metrics, Client.images = [], {}
    entities = SimpleNamespace(
        RunStatus=SimpleNamespace(FINISHED=0, to_string=str),
        Param=lambda *_: None,
        Metric=lambda key, value, _, step: (key, step, float(value)),
        LifecycleStage=SimpleNamespace(ACTIVE="active"),
    )
    return SimpleNamespace(MlflowClient=Client, entities=entities)
