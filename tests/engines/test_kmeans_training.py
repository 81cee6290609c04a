"""The K-means system through the ordinary configurations: training, evaluation, inference."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from bonescan import run_folder
from bonescan.data.nifti import read_view_stack
from bonescan.networks.kmeans import rank_pixels
from bonescan.run_folder import FAILURES
from bonescan.workflow.run_record import SYSTEM_KEYS
from tests.workflows import FEW_OUTPUTS, TINY, make_workflow, read_system, run_workflow

UPPER_BOUND = {"_target_": "bonescan.transforms.OracleThresholdd", "keys": "pred"}


def system() -> dict:
    """The overrides of the system, as its file gives them to every workflow."""
    return read_system("lin2020_kmeans")


def shared() -> dict:
    """Return what evaluation and inference take of the system."""
    return {key: value for key, value in system().items() if key in SYSTEM_KEYS}


def train(cohort, folder, *overlays, **overrides):
    where = {"dataset_dir": str(cohort), "output_dir": str(folder)}
    return run_workflow(
        "train", *overlays, workflow_type="train", **{**system(), **where, **overrides}
    )


def evaluate(cohort, run_dir, folder, **overrides) -> list[dict[str, str]]:
    """Evaluate the test patients; return the rows of the images."""
    run_workflow(
        "evaluate",
        workflow_type="infer",
        dataset_dir=str(cohort),
        run_dir=str(run_dir),
        output_dir=str(folder),
        baseline=False,
        **{**shared(), **overrides},
    )
    with (folder / "images.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def history(folder) -> list[dict[str, str]]:
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def fitted(cohort, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("kmeans")
    train(cohort, folder)
    return folder


@pytest.fixture(scope="module")
def samples(cohort) -> list[dict]:
    """The training images."""
    workflow = make_workflow("train", workflow_type="train", dataset_dir=str(cohort), **system())
    workflow.initialize()
    dataset = workflow.parser.get_parsed_content("train#dataset")
    return [dataset[index] for index in range(len(dataset))]


def test_training_finds_the_number_that_fits_all_images_best(fitted, samples):
    ranks = np.concatenate(
        [rank_pixels(sample["image"][0].numpy(), 9).ravel() for sample in samples]
    )
    lesion = np.concatenate([sample["label"].numpy().ravel() == 1 for sample in samples])
    ious = [
        np.count_nonzero((ranks <= m) & lesion) / np.count_nonzero((ranks <= m) | lesion)
        for m in range(1, 9)
    ]
    pixels = torch.load(fitted / run_folder.WEIGHTS, weights_only=True)["pixels"]
    assert pixels.shape == (9, 2)
    assert pixels[:, 1].sum() == lesion.sum() > 0
    assert pixels.sum() == len(samples) * np.prod(TINY["size"])
    workflow = make_workflow("train", workflow_type="train", **system())
    network = workflow.parser.get_parsed_content("network_def")
    network.load_state_dict({"pixels": pixels})
    assert network.n_hot == 1 + int(np.argmax(ious))
    assert network.iou().item() == pytest.approx(max(ious))


def test_run_leaves_what_every_training_leaves(fitted):
    (row,) = history(fitted)
    assert (fitted / "run.json").is_file()
    state = torch.load(fitted / run_folder.LAST_STATE, weights_only=True)
    assert (row["epoch"], state["epoch"], state["best_epoch"]) == ("1", 1, 1)
    assert state["best_metric"] > 0
    assert float(row["validation_metric"]) == pytest.approx(state["best_metric"], abs=1e-6)


def test_profile_for_the_cpu_keeps_the_one_pass(cohort, fitted, tmp_path):
    workflow = train(cohort, tmp_path, "fast")
    assert workflow.parser.get_parsed_content("train#trainer").state.max_epochs == 1
    assert isinstance(workflow.parser.get_parsed_content("optimizer"), torch.optim.SGD)
    first, second = (
        torch.load(folder / run_folder.WEIGHTS, weights_only=True) for folder in (fitted, tmp_path)
    )
    assert torch.equal(first["pixels"], second["pixels"])


def test_second_pass_changes_nothing_but_the_counts(cohort, fitted, tmp_path):
    train(cohort, tmp_path)
    train(cohort, tmp_path, epochs=2, resume=True)
    once = torch.load(fitted / run_folder.LAST_STATE, weights_only=True)
    twice = torch.load(tmp_path / run_folder.LAST_STATE, weights_only=True)
    first, second = (each["networks"]["network"]["pixels"] for each in (once, twice))
    assert torch.equal(second, 2 * first)
    assert twice["best_metric"] == once["best_metric"]
    assert [row["epoch"] for row in history(tmp_path)] == ["1", "2"]


def test_truth_chooses_no_worse_than_the_rule(cohort, fitted, tmp_path):
    fixed = evaluate(cohort, fitted, tmp_path / "fixed")
    chosen = evaluate(cohort, fitted, tmp_path / "chosen", **{"decide#0": UPPER_BOUND})
    pairs = [
        (float(rule["iou"]), float(bound["iou"])) for rule, bound in zip(fixed, chosen, strict=True)
    ]
    assert all(rule <= bound for rule, bound in pairs)
    assert any(rule < bound for rule, bound in pairs)


def test_rule_of_the_command_line_reaches_the_network(cohort, fitted, tmp_path):
    settings = {"network_def#rule": "highest", "operating_point": None}
    rows = evaluate(cohort, fitted, tmp_path, **settings)
    workflow = make_workflow(
        "evaluate", workflow_type="infer", dataset_dir=str(cohort), size=TINY["size"]
    )
    workflow.initialize()
    dataset = workflow.parser.get_parsed_content("dataset")
    marked = [
        np.count_nonzero(rank_pixels(view.numpy(), 9) == 1)
        for index in range(len(dataset))
        for view in dataset[index]["image"]
    ]
    assert sorted(int(row["tp"]) + int(row["fp"]) for row in rows) == sorted(marked)


def test_inference_writes_label_maps(cohort, fitted, tmp_path):
    run_workflow(
        "inference",
        workflow_type="infer",
        input=str(cohort / "sim-0001" / "scan.dcm"),
        run_dir=str(fitted),
        output_dir=str(tmp_path),
        outputs=FEW_OUTPUTS,
        **shared(),
    )
    (file,) = tmp_path.rglob("*_label.nii.gz")
    label = read_view_stack(file).array
    assert set(np.unique(label)) == {0, 1}
    assert all(view.any() for view in label)


def test_truth_is_refused_where_there_is_none(cohort, fitted, tmp_path):
    workflow = make_workflow(
        "inference",
        workflow_type="infer",
        input=str(cohort / "sim-0001" / "scan.dcm"),
        run_dir=str(fitted),
        output_dir=str(tmp_path),
        **{**shared(), "decide#0": UPPER_BOUND},
    )
    workflow.initialize()
    workflow.run()
    assert "an upper bound that needs the truth" in (tmp_path / FAILURES).read_text()
    assert not list(tmp_path.rglob("*_label.nii.gz"))
