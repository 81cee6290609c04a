import csv
import json
import signal
import time
from types import SimpleNamespace

import pytest
import torch

from bonescan.handlers.checkpoint import (
    BEST_NAME,
    LAST_NAME,
    TrainingCheckpoint,
    WeightsLoader,
    save_atomically,
)
from bonescan.workflow.preflight import Preflight, check_output_dir
from tests.workflows import (
    TINY,
    locate_datalist,
    make_workflow,
    run,
    run_workflow,
    start,
    tiny_arguments,
)


def weights(folder, name=LAST_NAME):
    state = torch.load(folder / name, weights_only=True)
    return state["network"] if name == LAST_NAME else state


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
    state = torch.load(trained / LAST_NAME, weights_only=True)
    assert state["best_metric"] == pytest.approx(float(best["validation_metric"]), abs=1e-6)


def test_best_weights_are_a_plain_state_dict(trained):
    workflow = make_workflow("train", workflow_type="train")
    workflow.parser.get_parsed_content("network_def").load_state_dict(weights(trained, BEST_NAME))


def test_same_seed_same_weights(cohort, trained, tmp_path):
    run_workflow("train", workflow_type="train", dataset_dir=str(cohort), output_dir=str(tmp_path))
    assert_same(weights(trained), weights(tmp_path))


def test_other_seed_other_weights(cohort, trained, tmp_path):
    run_workflow(
        "train", workflow_type="train", dataset_dir=str(cohort), output_dir=str(tmp_path), seed=1
    )
    first, second = weights(trained), weights(tmp_path)
    assert any(not torch.equal(value, second[key]) for key, value in first.items())


def test_resumed_run_equals_uninterrupted_one(cohort, tmp_path):
    where = {"workflow_type": "train", "dataset_dir": str(cohort)}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run_workflow("train", **where, output_dir=str(whole), epochs=3)
    run_workflow("train", **where, output_dir=str(parts), epochs=1)
    run_workflow("train", **where, output_dir=str(parts), epochs=3, resume=True)
    assert_same(weights(whole), weights(parts))
    assert_same(weights(whole, BEST_NAME), weights(parts, BEST_NAME))
    drop = {"seconds"}
    kept = [[{k: r[k] for k in r if k not in drop} for r in history(f)] for f in (whole, parts)]
    assert kept[0] == kept[1]


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
    state = torch.load(tmp_path / LAST_NAME, weights_only=True)
    assert (state["best_epoch"], state["scheduler"]["last_epoch"]) == (2, 3)


def make_checkpoint(folder, **settings):
    network = torch.nn.Linear(2, 3)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer)
    return TrainingCheckpoint(
        folder, network=network, optimizer=optimizer, scheduler=scheduler, **settings
    )


def make_trainer(epoch, scaler=None):
    state = SimpleNamespace(rank=0, epoch=epoch, iteration=5, max_epochs=3, device="cpu")
    return SimpleNamespace(state=state, scaler=scaler)


def test_scale_of_mixed_precision_is_resumed(tmp_path):
    make_checkpoint(tmp_path).save(make_trainer(1, torch.amp.GradScaler("cpu", init_scale=8.0)))
    trainer = make_trainer(0, torch.amp.GradScaler("cpu"))
    make_checkpoint(tmp_path).load(trainer)
    assert trainer.scaler.get_scale() == 8
    assert (trainer.state.epoch, trainer.state.iteration) == (1, 5)


def test_best_weights_are_the_last_ones_until_there_is_a_validation(tmp_path):
    state = SimpleNamespace(best_metric=-1, best_metric_epoch=-1)
    checkpoint = make_checkpoint(tmp_path, evaluator=SimpleNamespace(state=state))
    expected = []
    for epoch, best_epoch in ((1, -1), (2, 2), (3, 2)):
        torch.nn.init.constant_(checkpoint.network.weight, epoch)
        state.best_metric_epoch = best_epoch
        checkpoint.save(make_trainer(epoch))
        expected.append(weights(tmp_path, BEST_NAME)["weight"].unique().item())
    assert expected == [1, 2, 2]


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
    while not (killed / LAST_NAME).exists():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert torch.load(killed / LAST_NAME, weights_only=True)["epoch"] < 4, "killed too late"
    done = run(*command, "--output_dir", str(killed), "--resume")
    assert done.returncode == 0, done.stdout
    assert_same(weights(whole), weights(killed))
    system = json.loads((killed / "system.json").read_text())
    assert (system["width"], system["size"]) == (TINY["width"], TINY["size"])
    assert system["network_def"]["_target_"] == "bonescan.networks.UNet"


def test_existing_training_is_not_overwritten(cohort, trained):
    before = (trained / LAST_NAME).read_bytes()
    with pytest.raises(
        FileExistsError, match=r"already holds a training; go on with it by --resume"
    ):
        Preflight(output_dir=trained, training=True).check()
    assert (trained / LAST_NAME).read_bytes() == before


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


def test_finished_run_has_nothing_to_resume(cohort, trained):
    workflow = make_workflow(
        "train",
        workflow_type="train",
        dataset_dir=str(cohort),
        output_dir=str(trained),
        resume=True,
    )
    workflow.initialize()
    with pytest.raises(RuntimeError) as caught:
        workflow.run()
    assert "already holds epoch 2 of 2; give more --epochs" in str(caught.value.__cause__)


def test_unwritable_output(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"cannot be written .* give another --output_dir"):
        check_output_dir(tmp_path / "file" / "run")


def test_full_disk(tmp_path):
    with pytest.raises(OSError, match=r"must have .* GB of free space, got"):
        check_output_dir(tmp_path, min_free_bytes=10**18)


def test_failed_write_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "last.pt"
    save_atomically({"a": torch.ones(2)}, path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"could not be written .* free disk space"):
        save_atomically({"a": torch.zeros(2)}, path)
    assert torch.equal(torch.load(path)["a"], torch.ones(2))
    assert [file.name for file in tmp_path.iterdir()] == ["last.pt"]


class TestDatalist:
    def broken(self, cohort, tmp_path, change):
        content = locate_datalist(cohort)
        change(content)
        (tmp_path / "datalist.json").write_text(json.dumps(content))
        return Preflight(output_dir=tmp_path, datalist=tmp_path / "datalist.json")

    def test_good_one_passes(self, cohort, tmp_path):
        self.broken(cohort, tmp_path, lambda content: None).check()

    def test_missing(self, tmp_path):
        with pytest.raises(ValueError, match=r"no such datalist; give --dataset_dir"):
            Preflight(output_dir=tmp_path, datalist=tmp_path / "datalist.json").check()

    def test_missing_file(self, cohort, tmp_path):
        def change(content):
            content["training"][1]["label"] = "nowhere.nii.gz"

        with pytest.raises(ValueError, match=r"1 file.* do not exist, .*nowhere\.nii\.gz"):
            self.broken(cohort, tmp_path, change).check()

    def test_patient_on_both_sides(self, cohort, tmp_path):
        def change(content):
            content["test"][0]["patient"] = content["training"][0]["patient"]

        with pytest.raises(ValueError, match=r"patient must be in one section"):
            self.broken(cohort, tmp_path, change).check()

    def test_empty(self, cohort, tmp_path):
        def change(content):
            content["training"] = content["test"] = []

        with pytest.raises(ValueError, match=r"datalist is empty"):
            self.broken(cohort, tmp_path, change).check()


class TestWeights:
    def test_missing_file_is_told_before_anything_is_made(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"run/model\.pt do not exist.*--run_dir"):
            Preflight(output_dir=tmp_path / "run", weights=tmp_path / "run" / "model.pt").check()
        assert not list(tmp_path.iterdir())

    def test_missing_file(self, tmp_path):
        loader = WeightsLoader(
            tmp_path / "model.pt", network=torch.nn.Linear(1, 1), device=torch.device("cpu")
        )
        with pytest.raises(FileNotFoundError, match=r"do not exist; train a network first"):
            loader(None)

    def test_other_network(self, tmp_path):
        torch.save(torch.nn.Linear(2, 3).state_dict(), tmp_path / "model.pt")
        loader = WeightsLoader(
            tmp_path / "model.pt", network=torch.nn.Linear(4, 3), device=torch.device("cpu")
        )
        engine = type("Engine", (), {"state": type("State", (), {"max_epochs": 1, "epoch": 0})})
        with pytest.raises(ValueError, match=r"does not fit the network.*weight.*system\.json"):
            loader(engine)

    @pytest.mark.parametrize("content", [b"", b"no checkpoint"], ids=["empty", "text"])
    def test_no_checkpoint(self, tmp_path, content):
        (tmp_path / "model.pt").write_bytes(content)
        loader = WeightsLoader(
            tmp_path / "model.pt", network=torch.nn.Linear(1, 1), device=torch.device("cpu")
        )
        with pytest.raises(ValueError, match=r"plain state dict|does not fit"):
            loader(None)
