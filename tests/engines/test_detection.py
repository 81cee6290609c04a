"""The two Mask R-CNN systems from training to findings, tiny; their hooks by hand."""

import csv
import json

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bonescan.data.nifti import read_view_stack
from bonescan.engines.detection import prepare_detection_batch, sum_losses
from bonescan.labels import Label
from bonescan.metrics.lesion import label_components
from bonescan.run_folder import HISTORY, LAST_STATE, TENSORBOARD, WEIGHTS
from tests.networks.checks import MASK_RCNN_LOSSES
from tests.workflows import FEW_OUTPUTS, handed_on, run_workflow, train_system

SYSTEMS = ("lin2020_mask_rcnn", "lin2020_mask_rcnn_att")
MIN_SCORE = 0.5


@pytest.fixture(params=SYSTEMS)
def run(request, trained_system):
    """A system and the folder of its training."""
    return request.param, trained_system(request.param)


def test_training_leaves_weights_and_history(run):
    name, folder = run
    with (folder / HISTORY).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(np.isfinite(float(row["loss"])) and row["validation_metric"] for row in rows)
    weights = torch.load(folder / WEIGHTS, weights_only=True)
    moved = [weights[key].abs().max() > 0 for key in weights if "extra_blocks" in key]
    assert moved == [True] * (4 if name.endswith("att") else 0), "attention starts at 0 and learns"


def test_every_loss_is_in_tensorboard(run):
    _, folder = run
    board = EventAccumulator(str(folder / TENSORBOARD))
    board.Reload()
    names = (*MASK_RCNN_LOSSES, "loss")
    values = {name: board.Scalars(f"train/{name}")[-1].value for name in names}
    assert sum(values[name] for name in MASK_RCNN_LOSSES) == pytest.approx(values["loss"], rel=1e-4)


def test_resumed_run_equals_uninterrupted_one(trained_system, system_datalist, tmp_path):
    name = "lin2020_mask_rcnn_att"  # which has all that the other has
    train_system(name, system_datalist, tmp_path, "--epochs", 1)
    train_system(name, system_datalist, tmp_path, "--resume")
    whole, parts = (
        torch.load(folder / LAST_STATE, weights_only=True)["networks"]["network"]
        for folder in (trained_system(name), tmp_path)
    )
    assert list(whole) == list(parts)
    for key, value in whole.items():
        assert torch.equal(value, parts[key]), key


class FoundByHand(torch.nn.Module):
    """Find three instances in each image: two that touch, and one of a low score beside them."""

    def forward(self, images: torch.Tensor) -> list[dict[str, torch.Tensor]]:
        masks = torch.zeros(3, 1, *images.shape[2:])
        masks[0, 0, 100:110, 90:100] = 1.0
        masks[1, 0, 105:120, 95:105] = 1.0
        masks[2, 0, 100:130, 105:120] = 1.0
        return [{"scores": torch.tensor([0.625, 0.875, 0.375]), "masks": masks}] * len(images)


def test_findings_are_the_instances(cohort, trained_system, tmp_path):
    network = {"network_def": {"_target_": f"{__name__}.FoundByHand"}}
    torch.save({}, tmp_path / WEIGHTS)
    workflow = run_workflow(
        "inference",
        workflow_type="infer",
        input=str(cohort / "sim-0001" / "scan.dcm"),
        output_dir=str(tmp_path / "output"),
        weights=str(tmp_path / WEIGHTS),
        outputs=FEW_OUTPUTS,
        **{**handed_on(trained_system(SYSTEMS[0])), **network},
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
