"""What is told of the code, the data and the machine of runs comes from their records."""

import json
from pathlib import Path

import pytest

from bonescan.studies.experiments.experiment import Row
from bonescan.studies.experiments.grid import Run
from bonescan.studies.experiments.provenance import (
    describe_runs,
    keep_record,
    require_publishable,
)

RECORD = {
    "revision": "aaa",
    "started": "2026-01-02T03:04:05+00:00",
    "data_sha256": "1",
    "packages": {"torch": "1.2"},
    "device": "cpu",
    "threads": 1,
}


def make_run(folder: Path, **training: object) -> Run:
    """Write the records of a training and of its evaluation."""
    evaluation = folder / "evaluation"
    evaluation.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({**RECORD, **training}))
    (evaluation / "run.json").write_text(json.dumps(RECORD))
    row = Row(id="one", name="One", system="lin2020_unet")
    datalist = {"datalist": "data/datalist.json"}
    return Run(row, None, 0, folder, training=datalist, evaluation=datalist)


def test_runs_of_one_kind(tmp_path):
    runs = [
        make_run(tmp_path / "0"),
        make_run(tmp_path / "1", started="2026-01-04T03:04:05+00:00"),
    ]
    assert describe_runs(runs) == {
        "revisions": ["aaa"],
        "devices": ["cpu"],
        "threads": [1],
        "packages": {"torch": ["1.2"]},
        "dates": ["2026-01-02", "2026-01-04"],
        "changed_data": [],
    }
    require_publishable(describe_runs(runs))


def test_runs_of_several_kinds(tmp_path):
    runs = [
        make_run(tmp_path / "0", data_sha256="2"),
        make_run(tmp_path / "1", revision="bbb", packages={"torch": "1.3"}, threads=4),
    ]
    told = describe_runs(runs)
    assert told["revisions"] == ["aaa", "bbb"]
    assert told["changed_data"] == ["datalist.json"]
    assert told["packages"] == {"torch": ["1.2", "1.3"]}
    assert told["threads"] == [1, 4]


def test_code_before_an_interruption_is_told(tmp_path):
    run = make_run(tmp_path / "0")
    for revision in ("bbb", "ccc"):
        keep_record(run.folder)
        (run.folder / "run.json").write_text(json.dumps({**RECORD, "revision": revision}))
    assert describe_runs([run])["revisions"] == ["aaa", "bbb", "ccc"]


@pytest.mark.parametrize(("revision", "named"), [("abc+changes", r"abc\+changes"), (None, "None")])
def test_code_that_no_commit_holds_is_not_published(tmp_path, revision, named):
    told = describe_runs([make_run(tmp_path / "0", revision=revision)])
    with pytest.raises(ValueError, match=rf"must be of committed code, got {named}; delete"):
        require_publishable(told)


def test_nothing_is_told_of_what_has_not_begun(tmp_path):
    run = Run(Row("a", "A", "x"), None, 0, tmp_path, {"datalist": "d"}, {"datalist": "d"})
    assert describe_runs([run])["dates"] == []
