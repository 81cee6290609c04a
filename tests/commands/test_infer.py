import csv
import json
import shutil
import sys
from pathlib import Path

import pytest

from bonescan.commands import main
from tests.handlers.fakes import NETWORK, save_weights

LEVEL = 0.9

pytestmark = pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)


@pytest.fixture
def trained(run_folder):
    (run_folder / "system.json").write_text(json.dumps({"network_def": NETWORK}))
    save_weights(run_folder / "model.pt", LEVEL)
    return run_folder


def rows(folder):
    with Path(folder, "summary.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["$x.dcm", "12345", "it's#1.dcm"])
def test_a_path_is_a_path_whatever_it_looks_like(trained, cohort, name):
    shutil.copy(cohort / "sim-0001" / "scan.dcm", name)
    assert main(["infer", "--trust", str(trained), "-o", "2024", name]) == 0
    (row,) = rows("2024")
    assert row["input"] == name
    assert (Path("2024") / row["scan_id"] / "findings.json").is_file()


def test_a_folder_of_scans_is_continued(trained, cohort, capsys):
    Path("12345").mkdir()
    for number in (1, 2):
        shutil.copy(cohort / f"sim-000{number}" / "scan.dcm", f"12345/{number}.dcm")
    assert main(["infer", "--trust", str(trained), "12345/2.dcm", "-o", "out"]) == 0
    assert "1 scans in out; see out/summary.csv" in capsys.readouterr().out
    assert main(["infer", "--trust", str(trained), "12345", "-o", "out", "--resume"]) == 0
    assert "2 scans in out" in capsys.readouterr().out
    assert [row["input"] for row in rows("out")] == ["12345/2.dcm", "12345/1.dcm"]


def test_an_interruption_is_one_line_and_can_be_gone_on_with(trained, cohort, monkeypatch, capsys):
    shutil.copy(cohort / "sim-0001" / "scan.dcm", "scan.dcm")
    command = ["infer", "--trust", str(trained), "scan.dcm", "-o", "out"]

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("bonescan.report.writers.FindingsWriter.__call__", interrupt)
        assert main(command) == 130
    told = capsys.readouterr().err
    assert told.endswith("\nInterrupted: run the same command with --resume to continue.\n")
    assert "Traceback" not in told
    assert "ERROR" not in told
    assert main([*command, "--resume"]) == 0
    assert len(rows("out")) == 1


def test_failures_decide_the_exit_code(trained, cohort, capsys):
    Path("in").mkdir()
    shutil.copy(cohort / "sim-0001" / "scan.dcm", "in/good.dcm")
    Path("in/bad.dcm").write_bytes(b"no DICOM")
    assert main(["infer", "--trust", str(trained), "in"]) == 1
    shown = capsys.readouterr().out
    assert f"1 scans in {trained / 'inference'}" in shown
    assert f"1 inputs left out; see {trained / 'inference' / 'failures.csv'}" in shown


def test_a_missing_input_is_told(trained, capsys, caplog):
    assert main(["infer", "--trust", str(trained), "$nothing.dcm", "-o", "out"]) == 1
    assert "$nothing.dcm: no such file or folder" in caplog.text + capsys.readouterr().err


def test_a_run_that_holds_code_needs_trust(trained, capsys):
    assert main(["infer", str(trained), "nothing.dcm", "-o", "out"]) == 1
    assert "tests.handlers.fakes.BrightPixels" in (told := capsys.readouterr().err)
    assert "if you trust whoever made this run, add --trust" in told
    assert not Path("out").exists()
