"""A system of somebody else that brings its sampler, a handler and its own report."""

from pathlib import Path

import pytest
import yaml
from ignite.engine import Events

from bonescan.run_folder import IMAGE_ROWS, SYSTEM
from bonescan.workflow.launch import launch
from tests.workflows import ROOT, tiny_arguments


class NoteBatches:
    """Leave the number of images of each batch of a training."""

    def __init__(self, folder: str) -> None:
        self.path = Path(folder) / "batches.txt"
        self.sizes: list[int] = []

    def attach(self, engine) -> None:
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._note)
        engine.add_event_handler(Events.COMPLETED, self._write)

    def _note(self, engine) -> None:
        self.sizes.append(len(engine.state.output["image"]))

    def _write(self) -> None:
        self.path.write_text(" ".join(map(str, self.sizes)))


class CountReport:
    """An evaluation that counts scans."""

    def __init__(self, output_dir: str, unit: str) -> None:
        self.path = Path(output_dir) / "count.txt"
        self.unit = unit

    def attach(self, engine) -> None:
        engine.add_event_handler(Events.COMPLETED, self._write)

    def _write(self, engine) -> None:
        self.path.write_text(f"{engine.state.iteration} {self.unit}")


OWN = {
    "config_file": ["configs/train.yaml", "configs/each_view.yaml"],
    "name": "Own",
    "sampler": {"_target_": "torch.utils.data.SubsetRandomSampler", "indices": "$list(range(5))"},
    "added_handlers": [{"_target_": f"{__name__}.NoteBatches", "folder": "@output_dir"}],
    "report": {"_target_": f"{__name__}.CountReport", "output_dir": "@output_dir", "unit": "scans"},
}


@pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning")  # of every monai.bundle.run
def test_a_system_brings_its_sampler_handler_and_report(cohort, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    (tmp_path / "systems").mkdir()
    args_file = tmp_path / "systems" / "own.yaml"
    args_file.write_text(yaml.safe_dump(OWN))
    run_dir, data = str(tmp_path / "run"), ("--dataset_dir", str(cohort))
    where = ("--args_file", str(args_file), *data, "--output_dir", run_dir)
    assert launch(["training", *where, *tiny_arguments()]) == 0
    assert (tmp_path / "run" / "batches.txt").read_text() == "4 1 4 1"
    files = f"['configs/evaluate.yaml','{run_dir}/{SYSTEM}']"
    assert launch(["evaluating", "--config_file", files, *data, "--run_dir", run_dir]) == 0
    assert (tmp_path / "run" / "evaluation" / "count.txt").read_text() == "2 scans"
    assert not (tmp_path / "run" / "evaluation" / IMAGE_ROWS).exists()
