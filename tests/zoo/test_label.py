"""What MONAI Label needs of a bundle; the server itself is in test_monailabel.py."""

import pytest

from bonescan.zoo.flatten import flatten
from bonescan.zoo.label import show_on_file, take_labels
from tests.workflows import CONFIGS


@pytest.fixture
def train():
    config = flatten([CONFIGS / "train.yaml"], {})
    take_labels(config)
    return config


def test_maps_are_laid_out_after_everything_else():
    config = {"postprocessing": {"_target_": "Compose", "transforms": []}}
    show_on_file(config)
    steps = config["post_transforms"]["transforms"]
    assert steps == [
        "@postprocessing",
        {"_target_": "bonescan.transforms.FileVolumed", "keys": "pred"},
    ]


def test_a_training_loads_maps_that_were_drawn_on_the_files(train):
    for part in ("train", "validate"):
        targets = [step["_target_"] for step in train[part]["preprocessing"]["transforms"]]
        assert targets.count("bonescan.transforms.LoadDrawnd") == 1
        assert "LoadImaged" not in targets


def test_a_record_names_no_datalist_that_was_not_used(train):
    assert train["preflight"]["datalist"] == "@listed"
    handlers = {
        handler["_target_"].rpartition(".")[2]: handler for handler in train["train"]["handlers"]
    }
    assert handlers["TrainingRecord"]["datalist"] == "@listed"
    assert handlers["ChooseAtEnd"]["_disabled_"].endswith(" or not @listed")
    assert train["run"][-1] == "$None if @listed else @adopt()"
