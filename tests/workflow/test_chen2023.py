"""The systems of Chen 2023 from training over inference and mining to evaluation, tiny."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.data import MetaTensor
from monai.transforms import Invertd

from bonescan.data.datalist import load_items
from bonescan.data.load import load_scan
from bonescan.data.nifti import read_view_stack, write_view_stack
from bonescan.errors import root_cause
from bonescan.labels import BodyLabel, Label
from bonescan.losses import FocalTverskyLoss
from bonescan.metrics.pixel import METRICS, confusion_counts, scores
from bonescan.prepare.negative_mining import mine_datalist
from bonescan.transforms.mirror import is_mirrored
from bonescan.workflow.run_record import SYSTEM_KEYS
from tests.workflows import CONFIGS, make_workflow, run_workflow

SYSTEMS = ("baseline", "otsu", "negative_mining")
DSC = METRICS.index("dsc")
SIZE = [128, 48]
"""Of a view; the input of the network is 128 x 96."""


def system_of(name: str, **overrides) -> dict:
    """Read a system as overrides, at a size that costs nothing."""
    path = CONFIGS / "systems" / f"chen2023_{name}.yaml"
    system = ConfigParser.load_config_file(str(path))
    del system["config_file"]
    return {**system, "size": SIZE, **overrides}


def shared(name: str) -> dict:
    """Return what evaluation and inference take of a system."""
    return {key: value for key, value in system_of(name).items() if key in SYSTEM_KEYS}


def train(name: str, datalist: Path, output: Path, **overrides):
    settings = {"datalist": str(datalist), "output_dir": str(output), **overrides}
    return run_workflow("train", workflow_type="train", **system_of(name, **settings))


def make_training(name: str, datalist: Path, output: Path, **overrides):
    settings = {"datalist": str(datalist), "output_dir": str(output), **overrides}
    workflow = make_workflow("train", workflow_type="train", **system_of(name, **settings))
    workflow.initialize()
    return workflow


def refusal(workflow: ConfigWorkflow) -> str:
    """Return why the training set cannot be made, as the command line says it."""
    with pytest.raises(RuntimeError) as raised:
        workflow.parser.get_parsed_content("train#dataset")
    return str(root_cause(raised.value))


@pytest.fixture(scope="module")
def datalist(cohort) -> Path:
    return cohort / "datalist.json"


def entries_of(datalist: Path) -> list[dict]:
    return [*load_items(datalist), *load_items(datalist, "test")]


@pytest.fixture(scope="module")
def mined(datalist, tmp_path_factory) -> Path:
    """The cohort with masks mined from predictions of a box in every view."""
    folder = tmp_path_factory.mktemp("mined")
    for entry in entries_of(datalist):
        scan = load_scan(entry["image"])
        pred = np.zeros(scan.stack().shape, np.uint8)
        pred[:, 200:260, 100:140] = 1
        (folder / scan.scan_id).mkdir()
        path = folder / scan.scan_id / f"{scan.scan_id}_label.nii.gz"
        write_view_stack(path, pred, scan.spacing_mm, scan.views)
    path = folder / "datalist.json"
    assert (mine_datalist(datalist, folder, path) > 1000).all()
    return path


def infer(name: str, source: Path, run_dir: Path, output: Path) -> list[dict[str, str]]:
    settings = {"input": str(source), "run_dir": str(run_dir), "output_dir": str(output)}
    run_workflow("inference", workflow_type="infer", **shared(name), **settings)
    with (output / "summary.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def assert_predictions_cover_the_scans(datalist: Path, predictions: Path) -> None:
    for entry in entries_of(datalist):
        scan = load_scan(entry["image"])
        label = read_view_stack(predictions / scan.scan_id / f"{scan.scan_id}_label.nii.gz")
        assert label.array.shape == scan.stack().shape
        assert label.views == scan.views
        assert set(np.unique(label.array)) <= {Label.BACKGROUND, Label.METASTASIS}


def evaluate(name: str, datalist: Path, run_dir: Path) -> dict:
    settings = {"datalist": str(datalist), "run_dir": str(run_dir), "baseline": False}
    run_workflow("evaluate", workflow_type="infer", **shared(name), **settings)
    return json.loads((run_dir / "evaluation" / "summary.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
def test_trains_infers_and_evaluates(name, datalist, mined, tmp_path):
    source = mined if name == "negative_mining" else datalist
    train(name, source, tmp_path)
    assert len(infer(name, source, tmp_path, tmp_path / "predictions")) == 7
    assert_predictions_cover_the_scans(datalist, tmp_path / "predictions")
    assert list(evaluate(name, source, tmp_path)) == [system_of(name)["name"]]
    assert len(mine_datalist(datalist, tmp_path / "predictions", tmp_path / "datalist.json")) == 7


@pytest.mark.slow
def test_weights_of_one_cohort_start_the_next(datalist, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    train("otsu", datalist, first, epochs=1)
    weights = str(first / "model.pt")
    workflow = train("otsu", datalist, second, epochs=1, learning_rate=0.0, initial_weights=weights)
    network = workflow.parser.get_parsed_content("network")
    started_from = torch.load(weights, weights_only=True)
    for name, parameter in network.named_parameters():  # its running statistics move on
        assert torch.equal(parameter, started_from[name]), name


def sample_of(name: str, datalist: Path, **overrides) -> dict:
    """Load the first validated scan as the system's chain makes it."""
    workflow = make_training(name, datalist, datalist.parent, **overrides)
    return workflow.parser.get_parsed_content("validate#dataset")[0]


def test_full_size_is_not_resampled(datalist):
    resized = sample_of("otsu", datalist, size=[640, 256])
    plain = sample_of("otsu", datalist, sample=system_of("otsu")["sample"][:-2])
    assert resized["image"].shape == (len(resized["label"]), 640, 256)
    assert torch.equal(255 * resized["image"].as_tensor(), plain["image"].as_tensor())
    assert torch.equal(resized["label"].as_tensor(), plain["label"].as_tensor())


@pytest.mark.parametrize(("size", "agreement"), [([640, 256], 1.0), ([320, 128], 0.7)])
def test_a_prediction_returns_to_its_place_in_the_scan(size, agreement, datalist, tmp_path):
    workflow = make_training("otsu", datalist, tmp_path, size=size)
    chain = workflow.parser.get_parsed_content("validate#preprocessing")
    invert = Invertd("pred", chain, orig_keys="image", nearest_interp=True)
    shown = [entry for entry in load_items(datalist) if entry["lesions"] > 0][:3]
    assert len(shown) == 3
    for entry in shown:
        sample = chain(dict(entry))
        truth = load_scan(entry["label"]).stack() == Label.METASTASIS
        sample["pred"] = MetaTensor(torch.ones_like(sample["label"].as_tensor()))
        seen = invert(dict(sample))["pred"].numpy() == 1
        sample["pred"] = MetaTensor((sample["label"] == Label.METASTASIS).as_tensor().float())
        restored = invert(dict(sample))["pred"].numpy() == 1
        assert restored.shape == truth.shape
        assert scores(confusion_counts(restored, truth & seen))[DSC] >= agreement


def test_views_stay_as_acquired_for_pictures_too(datalist):
    assert not is_mirrored(sample_of("otsu", datalist)["image"])
    workflow = make_workflow("train", workflow_type="train", datalist=str(datalist))
    workflow.initialize()
    assert is_mirrored(workflow.parser.get_parsed_content("validate#dataset")[0]["image"])


@pytest.mark.parametrize("name", SYSTEMS)
def test_training_sees_one_image_of_a_scan_with_the_classes_of_the_system(
    name, datalist, mined, tmp_path
):
    source = mined if name == "negative_mining" else datalist
    dataset = make_training(name, source, tmp_path).parser.get_parsed_content("train#dataset")
    classes = torch.zeros(3)
    for sample in dataset:
        assert set(sample) == {"image", "label"}
        assert sample["image"].shape == sample["label"].shape == (1, SIZE[0], 2 * SIZE[1])
        classes += torch.bincount(sample["label"].long().flatten(), minlength=3)
    share = classes / classes.sum()
    if name == "baseline":
        assert share[1] > 0
        assert share[2] == 0
    else:
        assert 0 < share[BodyLabel.METASTASIS] < 0.05
    if name == "otsu":
        assert 0.2 < share[BodyLabel.BODY] < 0.6
    if name == "negative_mining":
        assert 0.005 < share[BodyLabel.BODY] < 0.02, "a box in each view"


def test_the_other_loss_is_one_override(datalist, tmp_path):
    override = {"loss#loss": {"_target_": "bonescan.losses.FocalTverskyLoss"}}
    workflow = make_training("otsu", datalist, tmp_path, **override)
    assert isinstance(workflow.parser.get_parsed_content("loss").loss, FocalTverskyLoss)


def test_fewer_scans_than_a_batch_are_refused(datalist, tmp_path):
    workflow = make_training("baseline", datalist, tmp_path, batch_size=32)
    assert "at least 32 samples to fill a batch, got 4: give a smaller" in refusal(workflow)


def test_a_datalist_without_masks_is_refused(datalist, tmp_path):
    workflow = make_training("negative_mining", datalist, tmp_path)
    assert "Key `body` of transform `LoadImaged` was missing" in refusal(workflow)


def test_a_mask_of_another_size_is_refused(mined, tmp_path):
    content = json.loads(mined.read_text())
    for number, entry in enumerate(content["training"]):
        mask = read_view_stack(mined.parent / entry["body"])
        entry["body"] = f"{number}.nii.gz"
        write_view_stack(
            mined.parent / entry["body"], mask.array[:, 1:], mask.spacing_mm, mask.views
        )
    path = mined.parent / "spoilt.json"
    path.write_text(json.dumps(content))
    reason = refusal(make_training("negative_mining", path, tmp_path))
    assert "rows and columns must be the same for all keys" in reason
