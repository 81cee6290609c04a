import json
import subprocess
from types import SimpleNamespace

import pytest

from bonescan.workflow.command import launched, parse_command
from bonescan.workflow.run_record import SYSTEM_KEYS, RunRecord, TrainingRecord, git_revision
from tests.workflows import ROOT

WORDS = ("training", "--config_file", "configs/train.yaml", "--width", "3")


@pytest.fixture(autouse=True)
def in_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def make_engine(rank: int = 0) -> SimpleNamespace:
    return SimpleNamespace(state=SimpleNamespace(rank=rank))


def test_revision_is_that_of_a_root_only(tmp_path):
    def git(*words):
        done = subprocess.run(
            ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", *words],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    git("init")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "file").write_text("one")
    git("add", ".")
    git("commit", "-m", "first")
    assert git_revision(tmp_path) == git("rev-parse", "HEAD")
    assert git_revision(tmp_path / "inside") is None
    (tmp_path / "inside" / "file").write_text("two")
    assert git_revision(tmp_path) == git("rev-parse", "HEAD") + "+changes"


def test_record_holds_the_command_that_can_be_repeated(tmp_path):
    with launched(parse_command(WORDS)):
        RunRecord(tmp_path, seed=7)(make_engine())
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["command"] == ["python", "-m", "monai.bundle", "run", *WORDS]
    assert (record["seed"], record["data_sha256"]) == (7, None)
    assert {"torch", "monai"} <= set(record["packages"])
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_training_leaves_its_configuration_and_its_system(tmp_path):
    with launched(parse_command(WORDS)):
        TrainingRecord(tmp_path, seed=7)(make_engine())
    assert json.loads((tmp_path / "run.json").read_text())["seed"] == 7
    config = json.loads((tmp_path / "config.json").read_text())
    system = json.loads((tmp_path / "system.json").read_text())
    assert config["width"] == system["width"] == 3
    assert set(system) == set(SYSTEM_KEYS) < set(config)


def test_a_plan_stands_in_a_file_and_in_the_system(tmp_path):
    plan = {"patch": [256, 192], "batch_size": 4}
    with launched(parse_command((*WORDS, "--plan", "$never_asked()"))):
        TrainingRecord(tmp_path, plan=plan)(make_engine())
    assert json.loads((tmp_path / "plan.json").read_text()) == plan
    assert json.loads((tmp_path / "system.json").read_text())["plan"] == plan
    assert json.loads((tmp_path / "config.json").read_text())["plan"] == "$never_asked()"


def test_a_workflow_of_python_code_has_no_command(tmp_path):
    TrainingRecord(tmp_path)(make_engine())
    record = json.loads((tmp_path / "run.json").read_text())
    assert (record["command"], record["seed"]) == (None, None)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_one_process_writes(tmp_path):
    with launched(parse_command(WORDS)):
        TrainingRecord(tmp_path)(make_engine(rank=1))
    assert list(tmp_path.iterdir()) == []
