import json
from dataclasses import replace

import pytest
import torch

from bonescan.data.datalist import data_hash
from bonescan.workflow.resuming import TrainingPlan, end_if_finished, require_same_settings
from tests.factories import make_datalist


def plan(**settings):
    return TrainingPlan(6, {**SETTINGS, **settings})


SETTINGS = {"seed": 3, "fold": 1, "test_fold": None}


@pytest.fixture
def begun(tmp_path):
    """A folder with the records of a training, and its datalist."""
    data = make_datalist(tmp_path, training=[{"image": "a.dcm", "patient": "p", "fold": 0}])
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({**SETTINGS, "epochs": "$2 * 3"}))
    (folder / "run.json").write_text(json.dumps({"data_sha256": data_hash(data)}))
    return folder, data


def test_the_same_settings_pass(begun):
    require_same_settings(begun[0], plan(epochs=6, unknown=1), begun[1])


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [("seed", 99, "3, got 99"), ("fold", 2, "1, got 2"), ("test_fold", 0, "None, got 0")],
)
def test_another_setting_is_refused_with_both_values(begun, key, value, told):
    expected = rf"--resume must have the {key} that the training in .*run began with, {told}$"
    with pytest.raises(ValueError, match=expected):
        require_same_settings(begun[0], plan(**{key: value}), begun[1])


def test_another_datalist_is_refused_with_both_hashes(begun):
    folder, data = begun
    before = data_hash(data)
    data.write_text(data.read_text() + " ")
    expected = f"SHA-256 {before[:12]}..., got {data} with {data_hash(data)[:12]}"
    with pytest.raises(ValueError, match=r"--resume must have the data that") as caught:
        require_same_settings(folder, plan(), data)
    assert expected in str(caught.value)


def test_another_bank_is_refused(begun):
    folder, data = begun
    bank = {"name": "lung", "bodies": 3}
    drawn = replace(plan(), bank=bank)
    expected = "--resume must have the bank .* began with, None, got .*'bodies': 3"
    with pytest.raises(ValueError, match=expected):
        require_same_settings(folder, drawn, data)
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "bank": bank}))
    require_same_settings(folder, drawn, data)
    with pytest.raises(ValueError, match=r"began with, .*'lung'.*, got None$"):
        require_same_settings(folder, plan(), data)


def test_a_folder_without_records_says_nothing(tmp_path):
    require_same_settings(tmp_path, plan())
    end_if_finished(tmp_path, 3)


@pytest.mark.parametrize(("done", "ends"), [(2, False), (3, True), (4, False)])
def test_a_finished_training_ends_at_once(tmp_path, caplog, done, ends):
    torch.save({"epoch": done}, tmp_path / "last.pt")
    if not ends:
        end_if_finished(tmp_path, 3)
        return
    with pytest.raises(SystemExit) as caught:
        end_if_finished(tmp_path, 3)
    assert caught.value.code == 0
    assert "nothing is left to do" in caplog.text
