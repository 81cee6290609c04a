import ast

import pytest

from bonescan.studies.peers.length import Length
from bonescan.studies.peers.trainer import parse_told, sum_epochs, write_trainer

LENGTH = Length(epochs=3, epoch_steps=12)
TOLD = [
    "Epoch 0",
    "bonescan: parameters=33000123",
    "bonescan: epoch=1 processor_seconds=10.25 seconds=6.00 memory_mb=1500",
    "bonescan: epoch=2 processor_seconds=99.00 seconds=50.00 memory_mb=1400",
    "2026-11-22: train_loss 0.5",
    "bonescan: parameters=33000123",
    "bonescan: epoch=2 processor_seconds=11.00 seconds=7.00 memory_mb=1600",
    "bonescan: epoch=3 processor_seconds=12.50 seconds=8.50 memory_mb=1550",
]


def test_only_the_length_of_nnunets_trainer_is_set(tmp_path):
    path = write_trainer(tmp_path / "new", "BonescanTrainer_time", LENGTH)
    (trainer,) = (n for n in ast.parse(path.read_text()).body if isinstance(n, ast.ClassDef))
    assert (path.stem, trainer.name) == ("BonescanTrainer_time", "BonescanTrainer_time")
    assert [base.id for base in trainer.bases] == ["nnUNetTrainer"]
    numbers = {
        node.targets[0].attr: node.value.value
        for node in ast.walk(trainer)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    assert numbers == {
        "num_epochs": 3,
        "num_iterations_per_epoch": 12,
        "num_val_iterations_per_epoch": 2,
        "save_every": 1,
    }


def test_an_epoch_that_was_done_twice_counts_as_it_was_done_last():
    assert sum_epochs(TOLD, LENGTH) == {
        "processor_seconds": 33.75,
        "seconds": 21.5,
        "memory_mb": 1600,
        "parameters": 33_000_123,
    }


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (TOLD[:-1], "of 3 epochs and of one network, got 2 epochs and 1 numbers"),
        ([TOLD[2], *TOLD[6:]], "got 3 epochs and 0 numbers of parameters"),
        ([*TOLD, "bonescan: parameters=5"], "got 3 epochs and 2 numbers"),
    ],
)
def test_a_log_that_lacks_an_epoch_is_no_training(lines, message):
    with pytest.raises(ValueError, match=message):
        sum_epochs(lines, LENGTH)


def test_other_lines_tell_nothing():
    assert parse_told("epoch=3 of bonescan: 5") == {}
