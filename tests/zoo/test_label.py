"""What MONAI Label needs of a bundle; the server itself is in test_monailabel.py."""

import pytest
from monai.bundle import ConfigParser

from bonescan.zoo.flatten import flatten
from bonescan.zoo.label import name_values, show_on_file, take_labels
from tests.workflows import CONFIGS

PARTS = ("preprocessing", "postprocessing")


@pytest.fixture
def train():
    config = flatten([CONFIGS / "train.yaml"], {})
    take_labels(config)
    return config


def test_of_a_scan_the_image_alone_is_read_and_the_rest_is_done_as_ever():
    config = flatten([CONFIGS / "inference.yaml"], {})
    show_on_file(config)
    load, *others = config["pre_transforms"]["transforms"]
    first, *steps = config["preprocessing"]["transforms"]
    assert load == {**first, "keys": "image"}
    assert len(first["keys"]) > 1
    assert others == [f"@preprocessing#transforms#{n}" for n in range(1, len(steps) + 1)]


def test_maps_are_laid_out_after_everything_else():
    config = {part: {"_target_": "Compose", "transforms": [{}]} for part in PARTS}
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


def test_the_rate_falls_over_the_epochs_that_are_asked_for(train):
    assert train["lr_scheduler"]["T_max"] == "@train#trainer#max_epochs"
    assert train["train"]["trainer"]["max_epochs"] == "@epochs"
    assert train["val_interval"] == "$1 if @listed else 1"


@pytest.mark.parametrize(("listed", "rate"), [("a.json", 0.003), (None, 0.0003)])
def test_weights_are_trained_on_at_a_lower_rate(train, listed, rate):
    parts = {key: train[key] for key in ("learning_rate", "paper")}
    parser = ConfigParser({**parts, "listed": listed})
    assert parser.get_parsed_content("learning_rate") == pytest.approx(rate)


@pytest.mark.parametrize(
    ("channels", "values", "last"),
    [
        (["metastasis"], [1], "metastasis"),
        (["background", "metastasis"], [1], "metastasis"),
        (["air", "body", "metastasis"], [1], "metastasis"),
        (["bladder"], [2], "bladder"),
        (["output 0", "output 1"], [1], "metastasis"),
        (["posterior bladder", "posterior metastasis", "posterior skull"], [1], "bladder"),
    ],
)
def test_a_viewer_gives_each_value_its_own_name(channels, values, last):
    names = {"metastasis": ["background", "metastasis"]}
    names["bladder"] = [*names["metastasis"], "bladder"]
    named = name_values(channels, values)
    assert named == {str(value): name for value, name in enumerate(names[last])}
