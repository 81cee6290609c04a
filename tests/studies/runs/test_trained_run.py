import os

import pytest

from bonescan.studies.runs.trained_run import name_folders, planned_epochs, read_run
from tests.studies.runs.run_folders import PARAMETERS, evaluate, make_run


def test_a_finished_run_is_read_without_remarks(tmp_path):
    run = read_run(evaluate(make_run(tmp_path / "a"), 0), "a")
    assert (run.name, run.system, run.metric, run.parameters) == (
        "a",
        "U-Net <b>",
        "dice",
        PARAMETERS,
    )
    assert run.remarks == []
    assert run.total("seconds") == 4.5
    assert run.total("memory_mb") is None  # of an older training
    assert run.total("validation_metric") is None  # not of all epochs
    assert "validation_metric" not in run.history[1]


@pytest.mark.parametrize(
    ("epochs", "said"), [(2, "2 of 30 epochs are done"), (0, "0 of 30 epochs")]
)
def test_an_unfinished_run_says_so(tmp_path, epochs, said):
    settings = {"planned": "@paper#epochs", "paper": {"epochs": 30}}
    remarks = read_run(make_run(tmp_path / "a", epochs=epochs, **settings), "a").remarks
    assert remarks[0].startswith(f"Unfinished: {said}")
    assert remarks[1] == "Not evaluated: bonescan evaluate does it."


def test_formulas_are_not_computed():
    assert planned_epochs({"epochs": "$__import__('os').getcwd()"}) is None
    assert planned_epochs({"epochs": "@epochs"}) is None  # a circle
    assert planned_epochs({"epochs": "@paper#steps", "paper": {}}) is None
    assert planned_epochs({"epochs": "@a", "a": "@b#c", "b": {"c": 12}}) == 12
    assert planned_epochs({}) is None


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("system.json", None, "system.json does not exist: it is no folder of a training"),
        ("run.json", "{", "run.json must be a JSON file that can be read"),
        ("config.json", "[]", "config.json must hold keys, got list"),
        ("history.csv", "epoch,loss\n1,x\n", "history.csv must be a table of numbers"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, file, content, message):
    path = make_run(tmp_path / "a") / file
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(ValueError, match=message):
        read_run(tmp_path / "a", "a")


def test_damaged_weights_are_a_remark(tmp_path):
    folder = evaluate(make_run(tmp_path / "a"), 0)
    (folder / "model.pt").write_bytes(b"nothing")
    os.utime(folder / "model.pt", (1, 1))
    run = read_run(folder, "a")
    assert run.parameters is None
    assert run.remarks == ["Its weights cannot be read: model.pt must be a plain state dict."]


def test_an_evaluation_older_than_the_weights_is_doubted(tmp_path):
    folder = evaluate(make_run(tmp_path / "a"), 0)
    os.utime(folder / "evaluation" / "summary.json", (1, 1))
    assert "newer than its evaluation" in read_run(folder, "a").remarks[0]


def test_an_evaluation_on_other_data_is_said(tmp_path):
    folder = evaluate(make_run(tmp_path / "a"), 0, data="else")
    assert "other data than it was trained on" in read_run(folder, "a").remarks[0]


def test_names_are_as_short_as_tells_them_apart(tmp_path):
    folders = [tmp_path / "x" / "seed0", tmp_path / "y" / "seed0", tmp_path / "z"]
    assert name_folders(folders[:2]) == ["x/seed0", "y/seed0"]
    assert name_folders([folders[0], folders[2]]) == ["seed0", "z"]
    with pytest.raises(ValueError, match="different folders, got one of them twice"):
        name_folders([folders[0], tmp_path / "x" / ".." / "x" / "seed0"])
