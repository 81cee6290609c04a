"""Trainings without end: exact when gone on with, and whatever the number of processes."""

import json

import pytest
import torch

from bonescan.phantom.bank import Bank
from bonescan.run_folder import LAST_STATE
from tests.workflows import run_command, tiny_arguments

pytestmark = pytest.mark.slow


@pytest.fixture
def train(cohort, lung_bank, tmp_path):
    def run(name, *arguments):
        done = run_command(
            "training", "--config_file",
            "['configs/train.yaml','configs/each_view.yaml','configs/endless.yaml']",
            "--dataset_dir", cohort, "--output_dir", tmp_path / name, "--bank", lung_bank,
            "--preset", "he2024", "--patients", 3, *tiny_arguments(), *arguments,
        )  # fmt: skip
        return done, tmp_path / name

    return run


def weights(folder):
    return torch.load(folder / LAST_STATE, weights_only=True)["networks"]["network"]


def assert_same(first, second):
    assert all(torch.equal(value, second[key]) for key, value in first.items())


def test_a_resumed_training_equals_an_uninterrupted_one(lung_bank, train, capfd):
    done, whole = train("whole")
    assert done == 0
    assert json.loads((whole / "run.json").read_text())["bank"] == Bank.open(lung_bank).summary()
    train("parts", "--epochs", 1)
    done, parts = train("parts", "--resume", "--num_workers", 2)
    assert done == 0
    assert_same(weights(whole), weights(parts))
    other, _ = train("parts", "--resume", "--epochs", 3, "--patients", 4)
    assert other == 1
    assert "--resume must have the patients that the training in" in capfd.readouterr().err


def test_epochs_of_any_length(train):
    """Five steps of four samples: more than the six samples of three patients."""
    whole = train("whole", "--epoch_length", 5)[1]
    train("parts", "--epoch_length", 5, "--epochs", 1)
    parts = train("parts", "--epoch_length", 5, "--resume")[1]
    assert_same(weights(whole), weights(parts))
