import csv
import json
import signal
import time

import pytest
import torch

from bonescan.run_folder import LAST_STATE, WEIGHTS
from tests.workflows import (
    MEASURED,
    TINY,
    make_workflow,
    run,
    run_command,
    run_workflow,
    start,
    tiny_arguments,
)


def weights(folder, name=LAST_STATE):
    state = torch.load(folder / name, weights_only=True)
    return state["networks"]["network"] if name == LAST_STATE else state


def assert_same(first, second):
    assert first.keys() == second.keys()
    for key, value in first.items():
        assert torch.equal(value, second[key]), key


def history(folder):
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_run_leaves_weights_history_and_record(trained):
    rows = history(trained)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[1]["loss"]) < float(rows[0]["loss"]), "it learns"
    assert json.loads((trained / "run.json").read_text())["seed"] == 0
    assert list((trained / "tensorboard").iterdir())
    best = max(rows, key=lambda row: float(row["validation_metric"]))
    state = torch.load(trained / LAST_STATE, weights_only=True)
    assert state["best_metric"] == pytest.approx(float(best["validation_metric"]), abs=1e-6)


def test_best_weights_are_a_plain_state_dict(trained):
    workflow = make_workflow("train", workflow_type="train")
    workflow.parser.get_parsed_content("network_def").load_state_dict(weights(trained, WEIGHTS))


def test_same_seed_same_weights(cohort, trained, tmp_path):
    run_workflow("train", workflow_type="train", dataset_dir=str(cohort), output_dir=str(tmp_path))
    assert_same(weights(trained), weights(tmp_path))


def test_other_seed_other_weights(cohort, trained, tmp_path):
    run_workflow(
        "train", workflow_type="train", dataset_dir=str(cohort), output_dir=str(tmp_path), seed=1
    )
    first, second = weights(trained), weights(tmp_path)
    assert any(not torch.equal(value, second[key]) for key, value in first.items())


def test_all_of_the_training_section_can_be_trained_on(cohort, tmp_path):
    workflow = run_workflow(
        "train", "all_training", workflow_type="train",
        dataset_dir=str(cohort), output_dir=str(tmp_path), epochs=1,
    )  # fmt: skip
    entries = json.loads((cohort / "datalist.json").read_text())["training"]
    assert len(workflow.parser.get_parsed_content("train#dataset").data) == len(entries)
    assert history(tmp_path)[0]["validation_metric"] == ""
    assert_same(weights(tmp_path), weights(tmp_path, WEIGHTS))


@pytest.mark.parametrize("epoch_length", [None, 3], ids=["passes", "iterations"])
def test_resumed_run_equals_uninterrupted_one(epoch_length, cohort, tmp_path):
    where = {"workflow_type": "train", "dataset_dir": str(cohort), "epoch_length": epoch_length}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run_workflow("train", **where, output_dir=str(whole), epochs=2)
    run_workflow("train", **where, output_dir=str(parts), epochs=1)
    run_workflow("train", **where, output_dir=str(parts), epochs=2, resume=True)
    assert_same(weights(whole), weights(parts))
    assert_same(weights(whole, WEIGHTS), weights(parts, WEIGHTS))
    drop = set(MEASURED)
    kept = [[{k: r[k] for k in r if k not in drop} for r in history(f)] for f in (whole, parts)]
    assert kept[0] == kept[1]
    iterations = torch.load(whole / LAST_STATE, weights_only=True)["iteration"]
    assert iterations == 2 * (epoch_length or 2)


def test_epochs_hold_what_was_measured_in_them(cohort, tmp_path):
    halving = {"_target_": "torch.optim.lr_scheduler.StepLR", "step_size": 1, "gamma": 0.5}
    run_workflow(
        "train",
        workflow_type="train",
        dataset_dir=str(cohort),
        output_dir=str(tmp_path),
        epochs=3,
        val_interval=2,
        lr_scheduler={**halving, "optimizer": "@optimizer"},
    )
    rows = history(tmp_path)
    assert [float(row["learning_rate"]) for row in rows] == [0.01, 0.005, 0.0025]
    assert [bool(row["validation_metric"]) for row in rows] == [False, True, False]
    state = torch.load(tmp_path / LAST_STATE, weights_only=True)
    assert (state["best_epoch"], state["schedulers"]["lr_scheduler"]["last_epoch"]) == (2, 3)


@pytest.mark.slow
def test_killed_run_resumes_to_the_same_weights(cohort, tmp_path):
    command = [
        "-m", "monai.bundle", "run", "training",
        "--args_file", "configs/systems/lin2020_unet.yaml", "--dataset_dir", str(cohort),
        *tiny_arguments(), "--epochs", "4",
    ]  # fmt: skip
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run(*command, "--output_dir", str(whole)).returncode == 0
    process = start(*command, "--output_dir", str(killed))
    while not (killed / LAST_STATE).exists():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert torch.load(killed / LAST_STATE, weights_only=True)["epoch"] < 4, "killed too late"
    done = run(*command, "--output_dir", str(killed), "--resume")
    assert done.returncode == 0, done.stdout
    assert_same(weights(whole), weights(killed))
    system = json.loads((killed / "system.json").read_text())
    assert (system["width"], system["size"]) == (TINY["width"], TINY["size"])
    assert system["network_def"]["_target_"] == "bonescan.networks.UNet"


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_the_run(cohort, tmp_path, capfd):
    files = "['configs/train.yaml','configs/each_view.yaml']"
    words = ["training", "--config_file", files, *tiny_arguments()]
    words += ["--dataset_dir", cohort, "--output_dir", tmp_path, "--learning_rate", 1e30]
    assert run_command(*words) == 1
    assert "loss must be finite, got nan at iteration" in "".join(capfd.readouterr())
    assert not (tmp_path / WEIGHTS).exists()


def test_nothing_to_resume(cohort, tmp_path):
    workflow = make_workflow(
        "train",
        workflow_type="train",
        dataset_dir=str(cohort),
        output_dir=str(tmp_path),
        resume=True,
    )
    workflow.initialize()
    with pytest.raises(RuntimeError) as caught:
        workflow.run()
    assert "there is no run to resume there" in str(caught.value.__cause__)


def test_finished_run_has_nothing_to_resume(cohort, trained, caplog):
    workflow = make_workflow(
        "train",
        workflow_type="train",
        dataset_dir=str(cohort),
        output_dir=str(trained),
        resume=True,
    )
    workflow.initialize()
    before = (trained / LAST_STATE).read_bytes()
    with pytest.raises(SystemExit) as caught:
        workflow.run()
    assert caught.value.code == 0
    assert f"{trained} is a finished training, epoch 2 of 2" in caplog.text
    assert (trained / LAST_STATE).read_bytes() == before
