"""Released weights: what is kept of a run, and that nothing of a machine is."""

import json

import pytest

from bonescan import run_folder
from bonescan.zoo.archive import sha256_of
from bonescan.zoo.release import MAX_BYTES, NEEDED, RELEASE, check_release, release

FILES = (*NEEDED, run_folder.OPERATING_POINT)


@pytest.fixture
def run(tmp_path):
    """A run in a checkout, its records with paths of that machine."""
    folder = tmp_path / "checkout" / "runs" / "tiny"
    (folder / run_folder.EVALUATION).mkdir(parents=True)
    for number, name in enumerate(FILES):
        (folder / name).write_bytes(b"%d" % number)
    (folder / run_folder.CONFIGURATION).write_text('{"chosen_on_validation": ["threshold"]}')
    record = {"command": ["--bank", str(tmp_path / "checkout/data/bank")], "seed": 3}
    (folder / run_folder.RECORD).write_text(json.dumps(record))
    (folder / run_folder.LAST_STATE).write_bytes(b"state")
    (folder / run_folder.EVALUATION / run_folder.SUMMARY_JSON).write_text('{"a": [0.5, null]}')
    (folder / run_folder.EVALUATION / run_folder.IMAGE_ROWS).write_text("patient\n")
    return folder


def make(run, tmp_path):
    return release(run, tmp_path / "models" / "tiny", root=tmp_path / "checkout")


def test_what_is_needed_is_kept_and_nothing_else(run, tmp_path):
    listed = json.loads(make(run, tmp_path).read_text())["sha256"]
    folder = tmp_path / "models" / "tiny"
    assert set(listed) == {*FILES, "evaluation/summary.json"}
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {*listed, RELEASE}
    assert listed[run_folder.WEIGHTS] == sha256_of(run / run_folder.WEIGHTS)
    check_release(folder)


def test_paths_are_those_seen_from_the_checkout(run, tmp_path):
    make(run, tmp_path)
    record = json.loads((tmp_path / "models/tiny" / run_folder.RECORD).read_text())
    assert record == {"command": ["--bank", "data/bank"], "seed": 3}


def test_a_path_elsewhere_is_refused(run, tmp_path):
    (run / run_folder.RECORD).write_text('{"data": "/home/somebody/scans"}')
    with pytest.raises(ValueError, match=r"run.json: paths must lie in .*, got /home/somebody"):
        make(run, tmp_path)


def test_what_is_missing_is_named(run, tmp_path):
    (run / run_folder.OPERATING_POINT).unlink()
    with pytest.raises(FileNotFoundError, match=r"must have .*operating_point.json"):
        make(run, tmp_path)


def test_a_system_that_chooses_nothing_needs_no_operating_point(run, tmp_path):
    (run / run_folder.CONFIGURATION).write_text('{"chosen_on_validation": []}')
    (run / run_folder.OPERATING_POINT).unlink()
    assert run_folder.OPERATING_POINT not in make(run, tmp_path).read_text()


def test_a_run_that_was_not_evaluated_is_refused(run, tmp_path):
    (run / run_folder.EVALUATION / run_folder.SUMMARY_JSON).unlink()
    with pytest.raises(FileNotFoundError, match=r"must have .*evaluation/summary.json"):
        make(run, tmp_path)


def test_large_weights_are_refused(run, tmp_path):
    with (run / run_folder.WEIGHTS).open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(ValueError, match=rf"{MAX_BYTES} bytes at most .* has {MAX_BYTES + 1}"):
        make(run, tmp_path)
    assert not (tmp_path / "models").exists()


def test_a_damaged_release_is_named(run, tmp_path):
    make(run, tmp_path)
    (tmp_path / "models/tiny" / run_folder.WEIGHTS).write_bytes(b"other")
    with pytest.raises(ValueError, match=r"model.pt must have the SHA-256 .* damaged or"):
        check_release(tmp_path / "models/tiny")
