"""Entries without label: left out of supervised runs, loaded and marked where they are wanted."""

import csv
import json
from itertools import chain

import pytest
import torch
from monai.bundle import ConfigParser
from monai.transforms import Compose

from bonescan.data.datalist import load_items, rename_files
from bonescan.keys import IMAGE, LABEL, LABELLED
from bonescan.workflow.command import compose, parse_command
from tests.workflows import ROOT, make_workflow, run_workflow


@pytest.fixture(scope="module")
def datalist(cohort, tmp_path_factory):
    """The cohort's datalist, with the scans of folds 0 and 1 and of the test set once more, without
    label."""
    content = json.loads((cohort / "datalist.json").read_text())
    for section in ("training", "test"):
        entries = [
            rename_files(entry, lambda name: str(cohort / name)) for entry in content[section]
        ]
        again = [entry for entry in entries if entry.get("fold", 0) in {0, 1}]
        unlabelled = [{k: v for k, v in entry.items() if k != "label"} for entry in again]
        content[section] = [*unlabelled, *entries]
    path = tmp_path_factory.mktemp("unlabelled") / "datalist.json"
    path.write_text(json.dumps(content))
    return path


def test_training_and_validation_pass_over_entries_without_label(
    datalist, trained, tmp_path, caplog
):
    caplog.set_level("INFO")
    run_workflow("train", workflow_type="train", datalist=str(datalist), output_dir=str(tmp_path))
    for name in ("model.pt", "last.pt"):
        first, second = (torch.load(folder / name) for folder in (trained, tmp_path))
        first, second = (
            state.get("networks", {}).get("network", state) for state in (first, second)
        )
        assert all(torch.equal(value, second[key]) for key, value in first.items())
    assert caplog.text.count("section 'training': 1 entries without 'label' left out of") == 2


def test_evaluation_passes_over_entries_without_label(datalist, trained, tmp_path, caplog):
    caplog.set_level("INFO")
    run_workflow(
        "evaluate",
        workflow_type="infer",
        datalist=str(datalist),
        run_dir=str(trained),
        output_dir=str(tmp_path),
    )
    with (tmp_path / "images.csv").open(newline="") as file:
        images = [(row["scan_id"], row["form"]) for row in csv.DictReader(file)]
    assert len(images) == len(set(images))  # the scans without label are the same again
    assert "section 'test': 2 entries without 'label' left out of 4" in caplog.text
    assert "section 'training': 2 entries without 'label' left out of" in caplog.text  # baseline


def test_entries_without_label_are_loaded_and_marked_where_they_are_wanted(datalist, tmp_path):
    split = {"_target_": "bonescan.transforms.SplitViewsd", "keys": "@keys"}
    select = {"_target_": "SelectItemsd", "keys": [IMAGE, LABEL, LABELLED]}
    workflow = make_workflow(
        "train",
        workflow_type="train",
        datalist=str(datalist),
        output_dir=str(tmp_path),
        augmentation=[split, select],
        labelled_only=False,
    )
    workflow.initialize()
    samples = workflow.parser.get_parsed_content("train#dataset")
    unlabelled = [sample for sample in samples if not sample[LABELLED]]
    assert len(unlabelled) == 2  # the views of one scan
    for sample in unlabelled:
        (twin,) = (
            other for other in samples if other[LABELLED] and other[IMAGE].equal(sample[IMAGE])
        )
        assert not sample[LABEL].any()
        assert sample[LABEL].shape == twin[LABEL].shape
        assert sample[LABEL].meta["views"] == twin[LABEL].meta["views"]


@pytest.mark.parametrize("system", ["lin2020_unet", "chen2023_otsu", "chen2023_negative_mining"])
def test_every_system_takes_an_entry_without_label(datalist, system, monkeypatch):
    monkeypatch.chdir(ROOT)
    parser = ConfigParser(compose(parse_command(["--args_file", f"configs/systems/{system}.yaml"])))
    parts = [parser.get_parsed_content(key) for key in ("load", "preprocess", "label_mapping")]
    sample = Compose([*chain.from_iterable(parts)])(load_items(datalist, labelled=False)[0])
    assert sample[LABELLED] is False
    assert sample[LABEL].shape == sample[IMAGE].shape
    assert not (sample[LABEL] == parser["positive_value"]).any()
