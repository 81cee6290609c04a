"""Training of a DCGAN: what it leaves, resuming, and what is refused."""

import csv
import json
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bonescan.networks import DCGANGenerator
from bonescan.run_folder import HISTORY, LAST_STATE, SYSTEM, TENSORBOARD, WEIGHTS
from tests.thorax_sets import SIDE, train_gan
from tests.workflows import MEASURED


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / HISTORY).open(newline="") as file:
        return [{**row, **dict.fromkeys(MEASURED, "")} for row in csv.DictReader(file)]


def test_both_losses_and_both_rates_are_shown(trained_gan):
    rows = history(trained_gan)
    assert list(rows[0]) == [
        "epoch", "g_loss", "d_loss", "learning_rate_generator", "learning_rate_discriminator",
        "validation_metric", "seconds", "images", "processor_seconds", "memory_mb",
    ]  # fmt: skip
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert {row["learning_rate_discriminator"] for row in rows} == {"0.0002"}
    scalars = EventAccumulator(str(trained_gan / TENSORBOARD))
    scalars.Reload()
    values = [event.value for event in scalars.Scalars("train/g_loss")]
    assert values == pytest.approx([float(row["g_loss"]) for row in rows], abs=1e-6)


def test_weights_are_those_of_the_generator_in_its_last_epoch(trained_gan):
    generator = DCGANGenerator(5, (SIDE, SIDE), 2)
    weights = torch.load(trained_gan / WEIGHTS, weights_only=True)
    generator.load_state_dict(weights)
    state = torch.load(trained_gan / LAST_STATE, weights_only=True)
    assert set(state["networks"]) == {"generator", "discriminator"}
    torch.testing.assert_close(state["networks"]["generator"], dict(weights), rtol=0, atol=0)


def test_the_fold_and_the_test_section_are_left_out(trained_gan):
    """Eight views of four patients fill two batches; the generator learns at each third."""
    state = torch.load(trained_gan / LAST_STATE, weights_only=True)
    assert state["iteration"] == 3 * 2
    steps = {
        name: int(next(iter(optimizer["state"].values()))["step"])
        for name, optimizer in state["optimizers"].items()
    }
    assert steps == {"generator": 2, "discriminator": 6}


def test_resumed_training_comes_to_the_same_state(trained_gan, thorax_set, tmp_path):
    assert train_gan(thorax_set, tmp_path, "--epochs", 1) == 0
    assert train_gan(thorax_set, tmp_path, "--resume") == 0
    assert history(tmp_path) == history(trained_gan)
    states = [
        torch.load(folder / LAST_STATE, weights_only=True) for folder in (trained_gan, tmp_path)
    ]
    torch.testing.assert_close(*states, rtol=0, atol=0)


def test_run_says_how_to_make_images(trained_gan):
    system = json.loads((trained_gan / SYSTEM).read_text())
    assert system["network_def"]["_target_"] == "bonescan.networks.DCGANGenerator"
    assert system["name"] == "DCGAN"


def test_too_few_images_are_refused(thorax_set, tmp_path, capfd):
    assert train_gan(thorax_set, tmp_path, "--batch_size", 9) == 1
    reason = "training set must have at least 9 samples to fill a batch, got 8"
    assert reason in "".join(capfd.readouterr())


def test_a_loss_that_is_no_number_ends_the_run(thorax_set, tmp_path, capfd):
    assert train_gan(thorax_set, tmp_path, "--learning_rate", 1e38) == 1
    assert "_loss must be finite, got nan at iteration" in "".join(capfd.readouterr())
    assert not (tmp_path / WEIGHTS).exists()
