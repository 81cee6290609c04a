"""Which runs count as results of an experiment."""

import json
from dataclasses import replace

import pytest

from bonescan.studies.experiments.experiment import Row
from bonescan.studies.experiments.grid import Run, write_arguments
from bonescan.studies.experiments.row_results import is_trained


@pytest.fixture
def run(tmp_path):
    made = Run(
        row=Row("one", "One", "lin2020_unet"), fold=None, seed=7, folder=tmp_path / "one",
        training={"seed": 7, "epochs": 2}, evaluation={},
    )  # fmt: skip
    write_arguments(made, "arguments.json")
    return made


def test_a_run_is_trained_once_its_state_says_so(run):
    assert not is_trained(run)
    (run.folder / "state.json").write_text(json.dumps({"training": 3.0}))
    assert is_trained(run)


def test_a_run_of_other_settings_is_no_result(run):
    (run.folder / "state.json").write_text(json.dumps({"training": 3.0}))
    assert not is_trained(replace(run, training={**run.training, "epochs": 3}))
