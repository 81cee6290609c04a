import sys
from importlib.util import find_spec

import pytest

from bonescan.studies.peers.program import PYTHON_VARIABLE, find_nnunet
from tests.studies.peers.fake_nnunet import VERSION, install

TALK = """
import os, sys
print("first", os.environ["nnUNet_raw"], *sys.argv[1:])
for number in range(9):
    print("line", number, file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def nnunet(tmp_path):
    return find_nnunet(install(tmp_path / "bin", nnUNetv2_train=TALK))


def test_it_is_found_where_it_is_said_to_be(nnunet, tmp_path, monkeypatch):
    assert nnunet.name == f"nnU-Net v{VERSION}"
    monkeypatch.setenv(PYTHON_VARIABLE, str(tmp_path / "bin" / "python"))
    assert find_nnunet() == nnunet


def test_its_absence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    advice = "pip install nnunetv2==2.8.1.*--nnunet-python or BONESCAN_NNUNET_PYTHON"
    with pytest.raises(ValueError, match=f"must be a program, got .*{advice}"):
        find_nnunet(tmp_path / "python")
    lacking = install(tmp_path / "bin", python="raise SystemExit(1)")
    with pytest.raises(ValueError, match=f"must have nnU-Net v2, but nnunetv2 is not .*{advice}"):
        find_nnunet(lacking)
    if not find_spec("nnunetv2"):
        with pytest.raises(ValueError, match=f"{sys.executable} must have nnU-Net v2"):
            find_nnunet()


def test_all_that_it_prints_is_kept_and_handed_on(nnunet, tmp_path):
    log, lines = tmp_path / "train.log", []
    log.write_text("before\n")
    nnunet.call(
        "nnUNetv2_train",
        ["0", "-x"],
        environment={"nnUNet_raw": "RAW"},
        log=log,
        on_line=lambda line, process: lines.append((line, process.pid)),
    )
    printed = ["first RAW 0 -x", *(f"line {number}" for number in range(9))]
    assert [line for line, _ in lines] == printed
    assert log.read_text().splitlines() == ["before", *printed]


def test_a_failure_shows_the_end_of_the_log(nnunet, tmp_path):
    log = tmp_path / "train.log"
    with pytest.raises(RuntimeError, match="nnUNetv2_train failed with exit code 3") as failed:
        nnunet.call("nnUNetv2_train", ["3"], environment={"nnUNet_raw": ""}, log=log)
    assert f"see {log}, which ends: line 4 | line 5 | line 6 | line 7 | line 8" in str(failed.value)


def test_an_interruption_ends_it(tmp_path):
    wait = 'import time; print("ready"); time.sleep(60)'
    nnunet = find_nnunet(install(tmp_path / "bin", nnUNetv2_train=wait))
    seen, log = [], tmp_path / "train.log"

    def interrupt(_line, process):
        seen.append(process)
        assert "ready" in log.read_text(), "a kill would lose nothing"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nnunet.call("nnUNetv2_train", [], environment={}, log=log, on_line=interrupt)
    assert not seen[0].is_running()
