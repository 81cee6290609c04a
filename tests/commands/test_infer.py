import json
import re
import shutil
import sys
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from bonescan.commands import main
from bonescan.files import read_rows
from tests.handlers.fakes import NETWORK, save_weights
from tests.workflows import FEW_OUTPUTS, describe_system

LEVEL = 0.9
QUICKLY = ("--trust", "--set", f"outputs={FEW_OUTPUTS}")

pytestmark = pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)


@pytest.fixture
def trained(run_folder):
    (run_folder / "system.json").write_text(describe_system(network_def=NETWORK))
    save_weights(run_folder / "model.pt", LEVEL)
    return run_folder


def rows(folder):
    return read_rows(Path(folder, "summary.csv"))


@pytest.mark.parametrize("name", ["$x.dcm", "12345", "it's#1.dcm", "@seed.dcm"])
def test_a_path_is_a_path_whatever_it_looks_like(trained, cohort, name):
    shutil.copy(cohort / "sim-0001" / "scan.dcm", name)
    assert main(["infer", str(trained), name, "-o", "2024", *QUICKLY]) == 0
    (row,) = rows("2024")
    assert row["input"] == name
    assert (Path("2024") / row["scan_id"] / "findings.json").is_file()


def test_a_folder_of_scans_is_continued(trained, cohort, capsys):
    Path("12345").mkdir()
    for number in (1, 2):
        shutil.copy(cohort / f"sim-000{number}" / "scan.dcm", f"12345/{number}.dcm")
    assert main(["infer", str(trained), "12345/2.dcm", "-o", "out", *QUICKLY]) == 0
    assert "1 scans in out; see out/summary.csv" in capsys.readouterr().out
    assert main(["infer", str(trained), "12345", "-o", "out", "--resume", *QUICKLY]) == 0
    assert "2 scans in out" in capsys.readouterr().out
    assert [row["input"] for row in rows("out")] == ["12345/2.dcm", "12345/1.dcm"]


def test_an_interruption_is_one_line_and_can_be_gone_on_with(trained, cohort, monkeypatch, capsys):
    shutil.copy(cohort / "sim-0001" / "scan.dcm", "scan.dcm")
    command = ["infer", str(trained), "scan.dcm", "-o", "out", *QUICKLY]

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


def test_an_archive_goes_on_after_a_damaged_jpeg_and_tells_it(trained, cohort, capsys):
    Path("in").mkdir()
    for number, name in ((1, "a"), (2, "z")):
        shutil.copy(cohort / f"sim-000{number}" / "scan.dcm", f"in/{name}.dcm")
    content = Path(get_testdata_file("JPGExtended.dcm")).read_bytes()
    tables = content.index(b"\xff\xc4", 1000)
    Path("in/b_bad.dcm").write_bytes(content[: tables + 5] + b"\xff" * 40 + content[tables + 45 :])
    assert main(["infer", str(trained), "in", *QUICKLY]) == 1
    shown = capsys.readouterr().out
    output = trained / "inference"
    assert f"2 scans in {output}" in shown
    assert f"1 inputs left out; see {output / 'failures.csv'}" in shown
    assert [Path(row["input"]).name for row in rows(output)] == ["a.dcm", "z.dcm"]
    assert "b_bad.dcm: decoding the pixel data failed" in (output / "failures.csv").read_text()


def scan_again(path: Path, cohort: Path, day: str, **header: str) -> str:
    """Write a scan of the first patient as one of another day."""
    image = pydicom.dcmread(cohort / "sim-0001" / "scan.dcm")
    for keyword in ("SOPInstanceUID", "StudyInstanceUID"):
        image[keyword].value = f"1.2.{day}"
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.AcquisitionDate = day
    for keyword, value in header.items():
        setattr(image, keyword, value)
    image.save_as(path)
    return str(path)


def test_change_since_an_earlier_scan(trained, cohort, capfd):
    old = scan_again(Path("old, 1.dcm"), cohort, "20240110")
    new = scan_again(Path("new.dcm"), cohort, "20240409")
    command = ["infer", "--trust", str(trained), new, "-o", "out", "--earlier", old]
    assert main([*command, "--therapy-start", "2024-01-20"]) == 0
    (row,) = rows("out")
    assert (row["input"], row["days_since_earlier"], row["lesions_new"]) == ("new.dcm", "90", "0")
    folder = Path("out", row["scan_id"])
    change = json.loads((folder / "findings.json").read_text())["change"]
    assert change["flare_possible"] is True
    assert change["same_patient"] is True
    assert change["pcwg3_2_plus_2"]["days"] == [0, 90]
    assert len(change["earlier_scan_ids"]) == 1
    assert "90 days" in (folder / "report.html").read_text()
    told = capfd.readouterr()
    texts = [told.out, told.err, Path("out/run.json").read_text(), str(row)]
    texts += [path.read_bytes().decode("latin-1") for path in folder.iterdir()]
    assert not re.findall(r"2024-?0[14]-?[0-9]{2}", "".join(texts))


def test_scans_of_one_patient_are_followed_up(trained, cohort):
    Path("in").mkdir()
    scan_again(Path("in/a.dcm"), cohort, "20240409")
    scan_again(Path("in/b.dcm"), cohort, "20240110")
    scan_again(Path("in/c.dcm"), cohort, "20240301", PatientID="another")
    assert main(["infer", str(trained), "in", "-o", "out", "--follow-up", *QUICKLY]) == 0
    days = {row["input"]: row["days_since_earlier"] for row in rows("out")}
    assert days == {"in/b.dcm": "", "in/a.dcm": "90", "in/c.dcm": ""}


def test_an_earlier_scan_of_another_patient_is_told(trained, cohort, capsys):
    old = scan_again(Path("old.dcm"), cohort, "20240110", PatientID="another")
    new = scan_again(Path("new.dcm"), cohort, "20240409")
    assert main(["infer", "--trust", str(trained), new, "-o", "out", "--earlier", old]) == 1
    (row,) = read_rows(Path("out/failures.csv"))
    assert row["input"] == "new.dcm"
    assert "must be of the same patient, got one of another" in row["reason"]
    assert not Path("out/summary.csv").exists()


def test_a_day_of_therapy_is_a_day(trained, capsys):
    with pytest.raises(SystemExit):
        main(["infer", str(trained), "new.dcm", "--therapy-start", "20.1.2024"])
    assert "day must be YYYY-MM-DD, got '20.1.2024'" in capsys.readouterr().err


def test_a_missing_input_is_told(trained, capsys, caplog):
    assert main(["infer", "--trust", str(trained), "$nothing.dcm", "-o", "out"]) == 1
    assert "$nothing.dcm: no such file or folder" in caplog.text + capsys.readouterr().err


def test_a_run_that_holds_code_needs_trust(trained, capsys):
    assert main(["infer", str(trained), "nothing.dcm", "-o", "out"]) == 1
    assert "tests.handlers.fakes.BrightPixels" in (told := capsys.readouterr().err)
    assert "if you trust whoever made this run, add --trust" in told
    assert not Path("out").exists()
