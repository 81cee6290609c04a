"""Training on labelled and unlabelled images: streams, losses, modes, resuming, what is refused."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from ignite.engine import Events

from bonescan.keys import LABELLED
from bonescan.run_folder import HISTORY, LAST_STATE, OPERATING_POINT, WEIGHTS
from bonescan.workflow.launch import root_cause
from tests.workflows import MEASURED, locate_datalist, make_workflow, read_system

LIN, TEACHER = "lin2022_t1", "mean_teacher_unet_res"


class KilledError(Exception):
    """Ends a training where a signal would."""


@pytest.fixture(scope="module")
def datalist(cohort, tmp_path_factory) -> Path:
    """Six patients, two of them without a label file; one to validate on."""
    content = locate_datalist(cohort)
    entries = [*content["training"], *content["test"]][:6]
    shown = sorted(entries, key=lambda entry: -Path(entry["label"]).stat().st_size)
    for number, entry in enumerate(shown):
        entry["fold"] = 0 if number == 0 else 1
    for entry in shown[4:]:
        del entry["label"]
    path = tmp_path_factory.mktemp("partly") / "datalist.json"
    path.write_text(json.dumps({"training": shown}))
    return path


def make_training(name: str, datalist: Path, folder: Path, *overlays: str, **overrides):
    settings = {
        **read_system(name), "datalist": str(datalist), "output_dir": str(folder),
        "batch_size": 4, "labelled_fraction": 1.0, **overrides,
    }  # fmt: skip
    workflow = make_workflow("train", *overlays, workflow_type="train", **settings)
    workflow.initialize()
    return workflow


def train(name: str, datalist: Path, folder: Path, *overlays: str, **overrides):
    workflow = make_training(name, datalist, folder, *overlays, **overrides)
    workflow.run()
    return workflow


def refusal(name: str, datalist: Path, folder: Path, **overrides) -> str:
    with pytest.raises(RuntimeError) as raised:
        make_training(name, datalist, folder, **overrides).parser.get_parsed_content("sampler")
    return str(root_cause(raised.value))


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / HISTORY).open(newline="") as file:
        return [{**row, **dict.fromkeys(MEASURED, "")} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def taught(datalist, tmp_path_factory) -> Path:
    """The folder of a training with a teacher."""
    folder = tmp_path_factory.mktemp("taught")
    train(TEACHER, datalist, folder)
    return folder


def assert_both_losses(rows: list[dict[str, str]], epochs: int) -> None:
    assert len(rows) == epochs
    for row in rows:
        assert float(row["supervised_loss"]) > 0
        assert float(row["unsupervised_loss"]) > 0


def test_teacher_of_the_last_epoch_is_kept(taught):
    assert_both_losses(history(taught), 2)
    state = torch.load(taught / LAST_STATE, weights_only=True)["networks"]
    kept = torch.load(taught / WEIGHTS, weights_only=True)
    torch.testing.assert_close(kept, state["teacher"], rtol=0, atol=0)
    assert not any(torch.equal(kept[name], state["network"][name]) for name in kept)
    assert not (taught / OPERATING_POINT).exists()


def test_fixmatch_is_its_own_teacher(datalist, tmp_path):
    sure = {"loss#unsupervised#min_confidence": 0.5}  # so that a new network is sure of something
    train("fixmatch_unet_res", datalist, tmp_path, epochs=1, **sure)
    assert_both_losses(history(tmp_path), 1)
    state = torch.load(tmp_path / LAST_STATE, weights_only=True)["networks"]
    torch.testing.assert_close(state["teacher"], state["network"], rtol=0, atol=0)


def test_killed_training_resumes_to_the_same_state(taught, datalist, tmp_path):
    trainer = make_training(TEACHER, datalist, tmp_path).parser.get_parsed_content("train#trainer")

    def kill(engine) -> None:
        if engine.state.epoch == 2:
            raise KilledError

    trainer.add_event_handler(Events.ITERATION_COMPLETED, kill)
    with pytest.raises(KilledError):
        trainer.run()
    train(TEACHER, datalist, tmp_path, resume=True)
    assert history(tmp_path) == history(taught)
    states = [torch.load(path / LAST_STATE, weights_only=True) for path in (taught, tmp_path)]
    torch.testing.assert_close(*states, rtol=0, atol=0)


def test_both_losses_of_lin2022_are_weighed(datalist, tmp_path):
    train(LIN, datalist, tmp_path, epochs=1)
    (row,) = history(tmp_path)
    assert_both_losses([row], 1)
    loss, supervised, unsupervised = (
        float(row[name]) for name in ("loss", "supervised_loss", "unsupervised_loss")
    )
    assert loss == pytest.approx(0.4 * supervised + unsupervised, abs=1e-5)


def test_each_batch_holds_half_of_both_streams(datalist, tmp_path):
    workflow = make_training(LIN, datalist, tmp_path)
    batches = list(workflow.parser.get_parsed_content("train#dataloader"))
    assert [batch[LABELLED].tolist() for batch in batches] == [[True, True, False, False]] * 3
    for batch in batches:
        assert not batch["label"][2:].any()


def test_teacher_sees_the_image_before_its_noise(datalist, tmp_path):
    workflow = make_training(TEACHER, datalist, tmp_path)
    batch = next(iter(workflow.parser.get_parsed_content("train#dataloader")))
    assert batch["weak_image"].shape == batch["image"].shape
    difference = (batch["weak_image"] - batch["image"]).abs().mean()
    assert 0.01 < difference < 0.2


def test_pretraining_without_labels_starts_a_training_on_labels(datalist, tmp_path):
    before = tmp_path / "before"
    nothing = {"labelled_fraction": 0, "sampler#labelled_share": 0, "epochs": 1}
    train(LIN, datalist, before, **nothing)
    (row,) = history(before)
    assert float(row["supervised_loss"]) == 0
    assert float(row["loss"]) == pytest.approx(float(row["unsupervised_loss"]), abs=1e-5)
    after = {"initial_weights": str(before / WEIGHTS), "sampler#labelled_share": 1, "epochs": 1}
    workflow = train(LIN, datalist, tmp_path / "after", **after, **{"loss#unsupervised_weight": 0})
    (row,) = history(tmp_path / "after")
    assert float(row["loss"]) == pytest.approx(0.4 * float(row["supervised_loss"]), abs=1e-5)
    dataset, sampler = (
        workflow.parser.get_parsed_content(key) for key in ("train#dataset", "sampler")
    )
    assert all(dataset.labelled[index] for index in sampler)


def test_data_without_any_label_train_without_validation(datalist, tmp_path):
    content = json.loads(datalist.read_text())
    for entry in content["training"]:
        entry.pop("label", None)
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps(content))
    nothing = {"labelled_fraction": 0, "sampler#labelled_share": 0, "epochs": 2}
    workflow = train(LIN, path, tmp_path, "all_training", **nothing)
    assert len(workflow.parser.get_parsed_content("train#dataset")) == 12
    assert [row["validation_metric"] for row in history(tmp_path)] == ["", ""]
    kept, state = (torch.load(tmp_path / name, weights_only=True) for name in (WEIGHTS, LAST_STATE))
    torch.testing.assert_close(kept, state["networks"]["network"])


def change(datalist: Path, folder: Path, edit: Callable[[dict], None]) -> Path:
    """Write the datalist again, each entry of the training edited."""
    content = json.loads(datalist.read_text())
    for entry in content["training"]:
        edit(entry)
    (folder / "datalist.json").write_text(json.dumps(content))
    return folder / "datalist.json"


def test_a_datalist_without_any_label_is_refused(datalist, tmp_path):
    path = change(datalist, tmp_path, lambda entry: entry.pop("label", None))
    reason = refusal(LIN, path, tmp_path)
    assert "at least one of 10 samples must show a lesion" in reason
    assert "got none" in reason


def test_a_missing_label_file_is_refused(datalist, tmp_path):
    path = change(datalist, tmp_path, lambda entry: entry.update(label="lost.nii.gz"))
    assert "6 file(s) that the datalist names do not exist, the first is 'lost.nii.gz'" in refusal(
        LIN, path, tmp_path
    )


def test_an_entry_that_is_labelled_without_a_label_is_refused(datalist, tmp_path):
    path = change(datalist, tmp_path, lambda entry: entry.update(labelled=True))
    reason = refusal(LIN, path, tmp_path)
    assert "training, entry 5: an entry that is 'labelled' must have 'label', has none" in reason


def test_images_of_two_sizes_make_no_batch(datalist, tmp_path):
    crop = {"_target_": "CropForegroundd", "keys": "@keys", "source_key": "image"}
    reason = refusal(LIN, datalist, tmp_path, preprocess=[crop])
    assert "images of one batch must be of one size (channel, row, column), got (1, " in reason
    assert "of scan 1 and (1, " in reason


def test_no_labelled_entry_is_refused(datalist, tmp_path):
    reason = refusal(LIN, datalist, tmp_path, labelled_fraction=0)
    assert "some training images must have a label, none of 10 has: choose another fold" in reason


def test_nothing_but_labelled_entries_is_refused(datalist, tmp_path):
    content = json.loads(datalist.read_text())
    content["training"] = [entry for entry in content["training"] if "label" in entry]
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps(content))
    reason = refusal(LIN, path, tmp_path)
    assert "some training images must have no label, none of 6 has: give a --labelled_f" in reason


def test_a_loss_that_is_no_number_is_named(datalist, tmp_path):
    workflow = make_training(
        LIN, datalist, tmp_path, **{"loss#unsupervised#area_weight": float("nan")}
    )
    named = r"loss must be finite, got nan at iteration 1 \(.*\), scans ([\w-]+, )+[\w-]+; nothing"
    with pytest.raises(ValueError, match=named) as raised:
        workflow.parser.get_parsed_content("train#trainer").run()
    entries = json.loads(datalist.read_text())["training"]
    assert not any(entry["patient"] in str(raised.value) for entry in entries)
