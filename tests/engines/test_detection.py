"""The two Mask R-CNN systems from training to findings, tiny; their hooks by hand."""

import csv
import json

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bonescan.data.nifti import read_view_stack
from bonescan.engines.detection import prepare_detection_batch, sum_losses
from bonescan.labels import Label
from bonescan.metrics.lesion import label_components
from bonescan.workflow.run_record import SYSTEM_KEYS
from tests.networks.checks import MASK_RCNN_LOSSES
from tests.workflows import CONFIGS, run_workflow

SYSTEMS = ("lin2020_mask_rcnn", "lin2020_mask_rcnn_att")
MIN_SCORE = 0.5


def system_of(name: str) -> dict:
    """Read a system as overrides."""
    system = ConfigParser.load_config_file(str(CONFIGS / "systems" / f"{name}.yaml"))
    return {key: value for key, value in system.items() if key != "config_file"}


def shared(name: str) -> dict:
    """Return what evaluation and inference take of a system."""
    return {key: value for key, value in system_of(name).items() if key in SYSTEM_KEYS}


@pytest.fixture(scope="module", params=SYSTEMS)
def run(request, cohort, tmp_path_factory):
    """A system and the folder of its training."""
    folder = tmp_path_factory.mktemp(request.param)
    run_workflow(
        "train",
        "fast",
        workflow_type="train",
        dataset_dir=str(cohort),
        output_dir=str(folder),
        **system_of(request.param),
    )
    return request.param, folder


def test_training_leaves_weights_and_history(run):
    name, folder = run
    with (folder / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(np.isfinite(float(row["loss"])) and row["validation_metric"] for row in rows)
    weights = torch.load(folder / "model.pt", weights_only=True)
    modules = [key for key in weights if "extra_blocks" in key]
    assert len(modules) == (4 if name.endswith("att") else 0)
    moved = [weights[key].abs().max() > 0 for key in modules]
    assert all(moved), "attention starts at zero and learns"


def test_every_loss_is_on_the_board(run):
    _, folder = run
    board = EventAccumulator(str(folder / "tensorboard"))
    board.Reload()
    values = {
        name: board.Scalars(f"train/{name}")[-1].value for name in (*MASK_RCNN_LOSSES, "loss")
    }
    assert sum(values[name] for name in MASK_RCNN_LOSSES) == pytest.approx(values["loss"], rel=1e-4)


def test_resumed_run_equals_uninterrupted_one(cohort, run, tmp_path):
    name, folder = run
    where = {"workflow_type": "train", "dataset_dir": str(cohort), "output_dir": str(tmp_path)}
    constant = {
        "_target_": "torch.optim.lr_scheduler.CosineAnnealingLR",
        "optimizer": "@optimizer",
        "T_max": 2,
    }
    settings = {**where, **system_of(name), "lr_scheduler": constant}
    run_workflow("train", "fast", **settings, epochs=1)
    run_workflow("train", "fast", **settings, epochs=2, resume=True)
    first, second = (torch.load(each / "last.pt", weights_only=True) for each in (folder, tmp_path))
    for key, value in first["network"].items():
        assert torch.equal(value, second["network"][key]), key


def test_evaluation(cohort, run, tmp_path):
    name, folder = run
    run_workflow(
        "evaluate",
        workflow_type="infer",
        dataset_dir=str(cohort),
        run_dir=str(folder),
        output_dir=str(tmp_path),
        baseline=False,
        **shared(name),
    )
    (summary,) = json.loads((tmp_path / "summary.json").read_text()).values()
    assert summary["scans"] == 2
    assert (tmp_path / "froc.png").is_file()


class FoundByHand(torch.nn.Module):
    """Find three instances in each image: two that touch, and one of a low score beside them."""

    def forward(self, images: torch.Tensor) -> list[dict[str, torch.Tensor]]:
        masks = torch.zeros(3, 1, *images.shape[2:])
        masks[0, 0, 100:110, 90:100] = 1.0
        masks[1, 0, 105:120, 95:105] = 1.0
        masks[2, 0, 100:130, 105:120] = 1.0
        return [{"scores": torch.tensor([0.625, 0.875, 0.375]), "masks": masks}] * len(images)


def test_findings_are_the_instances(cohort, tmp_path):
    settings = {**shared(SYSTEMS[0]), "size": [256, 224]}
    torch.save({}, tmp_path / "model.pt")
    workflow = run_workflow(
        "inference",
        workflow_type="infer",
        input=str(cohort / "sim-0001" / "scan.dcm"),
        output_dir=str(tmp_path / "output"),
        weights=str(tmp_path / "model.pt"),
        **{**settings, "network_def": {"_target_": f"{__name__}.FoundByHand"}},
    )
    (output,) = workflow.parser.get_parsed_content("evaluator").state.output
    (folder,) = [each for each in (tmp_path / "output").iterdir() if each.is_dir()]
    findings = json.loads((folder / "findings.json").read_text())["findings"]
    (file,) = folder.glob("*.nii.gz")
    stack = read_view_stack(file)
    for view, array, score in zip(stack.views, stack.array, output["prob"], strict=True):
        mask = array == Label.METASTASIS
        assert label_components(mask)[1] == 1, "they touch"
        of_view = [finding for finding in findings if finding["view"] == view]
        assert [finding["number"] for finding in of_view] == [1, 2]
        assert [finding["score"] for finding in of_view] == [0.625, 0.875]
        # the higher score owns the 5 x 5 pixels that both cover
        assert [finding["area_px"] for finding in of_view] == [75, 150]
        assert mask.sum() == 225
        assert np.array_equal(mask, score.numpy() >= MIN_SCORE)


def test_batch_by_hand():
    label = torch.zeros(2, 1, 6, 5)
    label[0, 0, 1:4, 2:4] = 1
    batch = {"image": torch.rand(2, 1, 6, 5), "label": label}
    image, moved, arguments, keywords = prepare_detection_batch(batch, torch.device("cpu"), False)
    (targets,) = arguments
    assert torch.equal(image, batch["image"])
    assert torch.equal(moved, label)
    assert [target["boxes"].tolist() for target in targets] == [[[1.5, 0.5, 3.5, 3.5]], []]
    assert keywords == {}


def test_losses_have_equal_weights():
    losses = {"one": torch.tensor(0.5), "other": torch.tensor(2.0)}
    assert sum_losses(losses, torch.zeros(1)) == 2.5
