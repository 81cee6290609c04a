"""The system that plans for its training set: what a run leaves, resuming, learning."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from ignite.engine import Events
from monai.bundle import ConfigParser, ConfigWorkflow

from bonescan.data.nnunet_plan import plan_training
from bonescan.run_folder import HISTORY, LAST_STATE, PLAN, WEIGHTS
from tests.nnunet_peer import assert_same_plan, needs_nnunet, plan_by_nnunet
from tests.workflows import CONFIGS, TINY, handed_on, make_workflow, read_system

NAME = "nnunet_style"
SMALL = asdict(plan_training([(60, 43)] * 40, [0.7] * 40))
"""The plan of a network of four stages."""


def make_training(datalist, folder, **overrides) -> ConfigWorkflow:
    return make_workflow(
        "train",
        workflow_type="train",
        **{
            **read_system(NAME), **TINY, "datalist": str(datalist), "output_dir": str(folder),
            "plan": SMALL, **overrides,
        },
    )  # fmt: skip


def run(workflow: ConfigWorkflow) -> ConfigWorkflow:
    workflow.initialize()
    workflow.run()
    return workflow


def parse(**settings) -> ConfigParser:
    """Compose the system without data."""
    files = [str(CONFIGS / "train.yaml"), str(CONFIGS / "each_view.yaml")]
    base = ConfigParser.load_config_files(files)
    return ConfigParser({**base, **read_system(NAME), "plan": SMALL, **settings})


@pytest.mark.slow
def test_the_plan_is_kept_for_evaluation_and_inference(trained_system):
    run_dir = trained_system(NAME)
    plan = json.loads((run_dir / PLAN).read_text())
    system = handed_on(run_dir)
    assert system["plan"] == plan
    assert plan["images"] == 8  # two views of each of four patients, whatever the fold
    assert plan["batch_size"] == 2
    weights = torch.load(run_dir / WEIGHTS, weights_only=True)
    network = ConfigParser(system).get_parsed_content("network_def")
    assert {key: value.shape for key, value in network.state_dict().items()} == {
        key: value.shape for key, value in weights.items()
    }


@pytest.mark.slow
@needs_nnunet
def test_nnunet_itself_plans_the_same_for_the_thoraxes(system_datalist, tmp_path):
    parser = parse(datalist=str(system_datalist), plan=read_system(NAME)["plan"])
    lay_out = parser.get_parsed_content("plan#transform")
    entries = parser.get_parsed_content("plan#data")
    # scaled by the largest count of a view, without clipping
    views = [view.numpy() for entry in entries for view in lay_out(dict(entry))["image"]]
    whole = [np.rint(view / view[view > 0].min()).astype(np.uint16) for view in views]
    assert_same_plan(parser.get_parsed_content("plan"), plan_by_nnunet(whole, tmp_path))


def test_a_resumed_training_equals_an_uninterrupted_one(system_datalist, tmp_path):
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    # more than the two batches that a pass over four images has
    more = {"chosen_on_validation": [], "batch_size": 2, "epoch_length": 3}
    run(make_training(system_datalist, whole, **more))
    first = make_training(system_datalist, parted, **more)
    first.initialize()
    trainer = first.parser.get_parsed_content("train#trainer")
    first.parser.get_parsed_content("preflight").check()
    trainer.add_event_handler(Events.EPOCH_COMPLETED(once=1), trainer.terminate)
    trainer.run()
    first.parser.get_parsed_content("preflight").release()
    assert torch.load(parted / LAST_STATE, weights_only=True)["epoch"] == 1
    run(make_training(system_datalist, parted, resume=True, **more))
    ours, theirs = (torch.load(each / WEIGHTS, weights_only=True) for each in (whole, parted))
    for key, value in ours.items():
        assert torch.equal(value, theirs[key]), key
    assert (whole / HISTORY).read_text().count("\n") == 3


def test_the_rate_decays_by_the_power_of_what_is_left():
    parser = parse(width=2, epochs=4)
    optimizer = parser.get_parsed_content("optimizer")
    schedule = parser.get_parsed_content("lr_scheduler")
    rates = []
    for _ in range(4):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([0.01 * (1 - epoch / 4) ** 0.9 for epoch in range(4)])
    assert optimizer.param_groups[0]["nesterov"]


def test_outputs_of_all_depths_but_the_coarsest_are_weighed():
    for size, outputs in (((60, 43), 2), ((248, 177), 4), ((256, 256), 5)):
        plan = asdict(plan_training([size] * 9, [0.7] * 9))
        network = parse(width=2, plan=plan).get_parsed_content("network_def").train()
        assert network(torch.rand(1, 1, *plan["patch"])).shape == (1, outputs, 2, *plan["patch"])
        assert network.eval()(torch.rand(1, 1, *plan["patch"])).shape == (1, 2, *plan["patch"])


def test_an_epoch_has_250_batches_of_the_plan():
    parser = parse()
    keys = ("epoch_length", "batch_size", "epochs", "width")
    assert [parser.get_parsed_content(key) for key in keys] == [250, SMALL["batch_size"], 1000, 32]


def test_augmentation_keeps_image_and_label_together_and_labels_whole():
    parser = parse()
    steps = [
        parser.get_parsed_content(f"augmentation#{number}")
        for number, step in enumerate(read_system(NAME)["augmentation"])
        if number > 4 or step["_target_"] == "EnsureTyped"
    ]
    label = torch.zeros(1, 56, 40)
    label[0, 20:31, 8:15] = 1
    kept, moved = 0, 0
    for seed in range(60):
        sample = {"image": label * 3 - 1, "label": label.clone()}
        for number, step in enumerate(steps):
            if hasattr(step, "set_random_state"):
                step.set_random_state(seed * 100 + number)
            sample = step(sample)
        assert set(sample["label"].unique().tolist()) <= {0, 1}
        assert sample["image"].shape == sample["label"].shape == (1, 56, 40)
        moved += not torch.equal(sample["label"], label)
        inside = sample["label"][0] > 0
        kept += bool(sample["image"][0][inside].mean() > sample["image"][0][~inside].mean())
    assert kept == 60
    assert moved > 40  # three of four are mirrored at least


def test_one_batch_is_learnt():
    torch.manual_seed(0)
    parser = parse(width=8, learning_rate=0.01, epochs=60)
    network, loss = (parser.get_parsed_content(key) for key in ("network", "loss"))
    optimizer = parser.get_parsed_content("optimizer")
    label = torch.zeros(2, 1, 32, 40)
    label[0, 0, 10:16, 5:19] = label[1, 0, 3:9, 20:30] = 1
    image = label + 0.3 * torch.randn(label.shape)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        value = loss(network.train()(image), label)
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 12.0)
        optimizer.step()
        losses.append(value.item())
    found = network.eval()(image).argmax(dim=1).numpy() == 1
    truth = label[:, 0].numpy() == 1
    assert losses[-1] < losses[0] / 4
    assert 2 * np.count_nonzero(found & truth) / (found.sum() + truth.sum()) > 0.95


def test_thoraxes_too_small_for_the_network_are_told(system_datalist, tmp_path):
    tiny = {
        "_target_": "SpatialCropd",
        "keys": "@keys",
        "roi_center": [128, 112],
        "roi_size": [20, 24],
    }
    system = read_system(NAME)
    preprocess = [
        *ConfigParser.load_config_file(str(CONFIGS / "each_view.yaml"))["preprocess"],
        tiny,
    ]
    workflow = make_training(system_datalist, tmp_path, plan=system["plan"], preprocess=preprocess)
    with pytest.raises(RuntimeError) as caught:
        run(workflow)
    assert "large enough for a network of 4 stages" in str(caught.value.__cause__)
