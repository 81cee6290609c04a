"""What the systems of Chen 2023 train on, and what comes of their predictions, tiny."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow
from monai.data import MetaTensor
from monai.transforms import Invertd
from scipy import ndimage

from bonescan.data.datalist import load_items
from bonescan.data.load import load_scan
from bonescan.data.nifti import read_view_stack, write_view_stack
from bonescan.errors import root_cause
from bonescan.labels import Label
from bonescan.losses import FocalTverskyLoss
from bonescan.metrics.pixel import confusion, score
from bonescan.prepare.negative_mining import mine_datalist
from bonescan.run_folder import WEIGHTS
from bonescan.transforms.mirror import is_flipped
from tests.workflows import VIEW_SIZE, handed_on, make_workflow, read_system, run_workflow

SYSTEMS = ("baseline", "otsu", "negative_mining")


def system_of(name: str, **overrides) -> dict:
    """Read a system as overrides, at a size that costs nothing."""
    return {**read_system(f"chen2023_{name}"), "size": VIEW_SIZE, **overrides}


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


def infer(source: Path, run_dir: Path, output: Path) -> list[dict[str, str]]:
    settings = {"input": str(source), "run_dir": str(run_dir), "output_dir": str(output)}
    run_workflow("inference", workflow_type="infer", **handed_on(run_dir), **settings)
    with (output / "summary.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def assert_predictions_cover_the_scans(datalist: Path, predictions: Path) -> None:
    for entry in entries_of(datalist):
        scan = load_scan(entry["image"])
        label = read_view_stack(predictions / scan.scan_id / f"{scan.scan_id}_label.nii.gz")
        assert label.array.shape == scan.stack().shape
        assert label.views == scan.views
        assert set(np.unique(label.array)) <= {Label.BACKGROUND, Label.METASTASIS}


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
def test_predictions_cover_the_scans_and_can_be_mined(name, datalist, trained_system, tmp_path):
    predictions = tmp_path / "predictions"
    assert len(infer(datalist, trained_system(f"chen2023_{name}"), predictions)) == 7
    assert_predictions_cover_the_scans(datalist, predictions)
    assert len(mine_datalist(datalist, predictions, tmp_path / "datalist.json")) == 7


@pytest.mark.slow
def test_weights_of_one_cohort_start_the_next(datalist, trained_system, tmp_path):
    weights = str(trained_system("chen2023_otsu") / WEIGHTS)
    still = {"epochs": 1, "learning_rate": 0.0}
    workflow = train("otsu", datalist, tmp_path, **still, initial_weights=weights)
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
    plain = sample_of("otsu", datalist, preprocess=system_of("otsu")["preprocess"][:-2])
    assert resized["image"].shape == (len(resized["label"]), 640, 256)
    assert torch.equal(255 * resized["image"].as_tensor(), plain["image"].as_tensor())
    assert torch.equal(resized["label"].as_tensor(), plain["label"].as_tensor())


def shows_lesion(entry: dict) -> bool:
    return bool((read_view_stack(entry["label"]).array == Label.METASTASIS).any())


def reachable_dsc(truth: np.ndarray, cells: np.ndarray) -> float:
    """Return the DSC of the best of all masks that are constant on cells, numbered from 1."""
    area = np.bincount(cells.ravel())[1:]
    lesion = np.bincount(cells.ravel(), weights=truth.ravel())[1:]
    area, lesion = area[area > 0], lesion[area > 0]  # a window may reach beyond the scan
    best_first = np.argsort(-lesion / area)
    overlap, chosen = lesion[best_first].cumsum(), area[best_first].cumsum()
    return float((2 * overlap / (chosen + lesion.sum())).max())


@pytest.mark.parametrize("size", [[640, 256], [320, 128], [240, 96]])
def test_a_prediction_returns_to_its_place_in_the_scan(size, datalist, tmp_path):
    workflow = make_training("otsu", datalist, tmp_path, size=size)
    chain = workflow.parser.get_parsed_content("validate#preprocessing")
    invert = Invertd("pred", chain, orig_keys="image", nearest_interp=True)
    shown = [entry for entry in load_items(datalist) if shows_lesion(entry)][:3]
    assert len(shown) == 3
    shifts = []
    for entry in shown:
        sample = chain(dict(entry))
        label = sample["label"].as_tensor()
        numbers = torch.arange(1, label.numel() + 1).reshape(label.shape)
        cells = invert({**sample, "pred": MetaTensor(numbers)})["pred"].numpy()
        pred = MetaTensor((label == Label.METASTASIS).float())
        restored = invert({**sample, "pred": pred})["pred"].numpy() == 1
        truth = load_scan(entry["label"]).stack() == Label.METASTASIS
        assert restored.shape == truth.shape
        truth &= cells > 0
        reached = score(confusion(restored, truth), "dsc")
        assert reached >= 0.97 * reachable_dsc(truth, cells)
        shifts += measure_shifts(restored, truth)
    assert len(shifts) > 10
    assert np.abs(np.mean(shifts, axis=0)).max() < 0.35


def measure_shifts(restored: np.ndarray, truth: np.ndarray) -> list[np.ndarray]:
    """Return how far (rows, columns) each lesion of 8 pixels or more has moved."""
    shifts = []
    for mask, true_mask in zip(restored, truth, strict=True):
        pieces, count = ndimage.label(true_mask)
        for number in range(1, count + 1):
            lesion = pieces == number
            near = mask & ndimage.binary_dilation(lesion, iterations=3)
            if lesion.sum() >= 8 and near.any():
                centres = (ndimage.center_of_mass(part) for part in (near, lesion))
                shifts.append(np.subtract(*centres))
    return shifts


def test_views_stay_as_acquired_for_pictures_too(datalist):
    assert not is_flipped(sample_of("otsu", datalist)["image"])
    workflow = make_workflow("train", workflow_type="train", datalist=str(datalist))
    workflow.initialize()
    assert is_flipped(workflow.parser.get_parsed_content("validate#dataset")[0]["image"])


# lowest and highest share of the pixels of the second and of the third class
@pytest.mark.parametrize(
    ("name", "second", "third"),
    [
        ("baseline", (1e-6, 0.05), (0, 0)),  # metastasis; there is no third
        ("otsu", (0.2, 0.6), (1e-6, 0.05)),  # body, metastasis
        ("negative_mining", (0.005, 0.02), (1e-6, 0.05)),  # a box in each view, metastasis
    ],
)
def test_training_sees_one_image_of_a_scan_with_the_classes_of_the_system(
    name, second, third, datalist, mined, tmp_path
):
    source = mined if name == "negative_mining" else datalist
    dataset = make_training(name, source, tmp_path).parser.get_parsed_content("train#dataset")
    classes = torch.zeros(3)
    for sample in dataset:
        assert set(sample) == {"image", "label", "sample"}
        assert sample["image"].shape == sample["label"].shape == (1, VIEW_SIZE[0], 2 * VIEW_SIZE[1])
        classes += torch.bincount(sample["label"].long().flatten(), minlength=3)
    share = classes / classes.sum()
    assert second[0] <= share[1] <= second[1]
    assert third[0] <= share[2] <= third[1]


def test_the_other_loss_is_one_override(datalist, tmp_path):
    override = {"loss#loss": {"_target_": "bonescan.losses.FocalTverskyLoss"}}
    workflow = make_training("otsu", datalist, tmp_path, **override)
    assert isinstance(workflow.parser.get_parsed_content("loss").loss, FocalTverskyLoss)


def test_fewer_scans_than_a_batch_are_refused(datalist, tmp_path):
    workflow = make_training("baseline", datalist, tmp_path, batch_size=32)
    assert "at least 32 samples to fill a batch, got 4: give a smaller" in refusal(workflow)


def test_a_datalist_without_masks_is_refused(datalist, tmp_path):
    workflow = make_training("negative_mining", datalist, tmp_path)
    expected = "scan.dcm: entry of the datalist must have image, label, body, lacks body"
    assert expected in refusal(workflow)


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
    assert "map must have the views and pixels of its scan" in reason
