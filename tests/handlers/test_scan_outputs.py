"""Scans handed to writers: one that fails is a failure of the scan, and of nothing else."""

import csv
import gc
import json
import re
import weakref
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor

from bonescan.data.follow_up import Visit
from bonescan.dicom.scan import View
from bonescan.errors import StorageError
from bonescan.handlers.scan_outputs import COLLECT_EVERY, ScanOutputs, make_result
from bonescan.keys import FAILURE, IMAGE_PATH, VISIT
from bonescan.labels import Label
from bonescan.metrics.calibration import Calibration
from bonescan.report.provenance import Provenance
from bonescan.report.writers import SummaryWriter, findings_document, scan_summary
from bonescan.workflow.archive import conclude
from tests.report.scan_results import PROVENANCE

SHAPE = (2, 6, 5)
MADE_BY = {"field": "thorax", "provenance": PROVENANCE, "calibration": Calibration()}
UNREADABLE = {FAILURE: "cut short", IMAGE_PATH: "bad.dcm"}


class NoteScan:
    """Write a file named after the scan."""

    def __call__(self, result, output_dir):
        (output_dir / result.scan_id / "note.txt").write_text(result.provenance.system)


class Broken:
    """Fail on some scans."""

    def __init__(self, *scan_ids: str) -> None:
        self.scan_ids = scan_ids

    def __call__(self, result, output_dir):
        if result.scan_id in self.scan_ids:
            raise OSError(5, "Input/output\nerror")


def make_sample(scan_id: str) -> dict[str, MetaTensor]:
    sources = {view: {"path": f"{scan_id}.dcm", "frame": n} for n, view in enumerate(View)}
    meta = {
        "scan_id": scan_id,
        "views": "anterior+posterior",
        "spacing_mm": (2.4, 1.9),
        "simulated": False,
        "view_source": "guess",
        "content_check": "agrees",
        "sources": json.dumps(sources),
        "acquired": "",
        "patient_key": "",
    }
    pred = torch.zeros(SHAPE)
    pred[1, 2, 3] = Label.METASTASIS
    pred[0, 4, 1] = Label.BLADDER
    field_mask = torch.zeros(SHAPE)
    field_mask[:, 1:, :4] = 1
    maps = {
        "counts": torch.rand(SHAPE), "pred": pred, "prob": 0.5 * pred, "field_mask": field_mask
    }  # fmt: skip
    return {key: MetaTensor(value, meta=meta) for key, value in maps.items()}


def run(
    writers: Sequence,
    batches: Sequence,
    folder: Path,
    *,
    resume: bool = False,
    provenance: Provenance = PROVENANCE,
) -> ScanOutputs:
    outputs = ScanOutputs(
        writers,
        output_dir=folder,
        field="thorax",
        provenance=lambda: provenance,
        calibration=Calibration(),
        resume=resume,
    )

    def infer(engine, batch):
        if FAILURE in batch:
            return []
        engine.state.batch = [{key: batch[key] for key in ("counts", VISIT) if key in batch}]
        return [batch]

    engine = Engine(infer)
    outputs.attach(engine)
    engine.run(batches)
    return outputs


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_result_is_what_the_chain_left():
    sample = make_sample("s1")
    result = make_result(sample, **MADE_BY)
    assert result.label_map.dtype == np.uint8
    assert np.argwhere(result.mask(Label.METASTASIS)).tolist() == [[1, 2, 3]]
    assert np.argwhere(result.mask(Label.BLADDER)).tolist() == [[0, 4, 1]]
    np.testing.assert_array_equal(result.counts, sample["counts"])
    assert result.field_mask.sum(axis=(1, 2)).tolist() == [20, 20]
    assert (result.scan_id, result.spacing_mm, result.instances) == ("s1", (2.4, 1.9), None)
    assert [source.frame for source in result.sources.values()] == [0, 1]
    assert not result.mirrored_copy
    of_copy = make_result({**sample, "mirrored": True}, **MADE_BY)
    assert of_copy.mirrored_copy


def test_day_and_patient_reach_the_result_and_nothing_that_is_shown():
    sample = make_sample("s1")
    assert make_result(sample, **MADE_BY).acquired is None
    sample["counts"].meta |= {"acquired": "2024-03-05", "patient_key": "8f3a"}
    result = make_result(sample, **MADE_BY)
    assert (result.acquired, result.patient_key) == (date(2024, 3, 5), "8f3a")
    for text in (repr(result), json.dumps(findings_document(result)), str(scan_summary(result))):
        assert "8f3a" not in text
        assert not re.search(r"2024-03-05|2024, 3, 5", text)


def test_maps_that_were_not_inverted_are_refused():
    sample = make_sample("s1")
    sample["pred"] = sample["pred"][:, 1:]
    with pytest.raises(ValueError, match=r"label_map must have the counts' shape .*inverted"):
        make_result(sample, **MADE_BY)


def test_a_writer_that_fails_is_a_failure_of_that_scan(tmp_path):
    batches = [make_sample("s1"), make_sample("s2"), UNREADABLE, make_sample("s3")]
    outputs = run([Broken("s2"), NoteScan(), SummaryWriter()], batches, tmp_path)
    assert table(tmp_path / "failures.csv") == [
        {"input": "s2.dcm", "reason": "Broken: OSError: [Errno 5] Input/output error"},
        {"input": "bad.dcm", "reason": "cut short"},
    ]
    assert (outputs.n_done, outputs.n_failed) == (2, 2)
    assert {path.parent.name for path in tmp_path.glob("*/note.txt")} == {"s1", "s2", "s3"}
    assert [row["scan_id"] for row in table(tmp_path / "summary.csv")] == ["s1", "s2", "s3"]
    with pytest.raises(SystemExit) as end:
        conclude(outputs)
    assert end.value.code == 1


def test_a_scan_without_a_result_is_a_failure_of_that_scan(tmp_path):
    spoilt = make_sample("s1")
    spoilt["prob"] = spoilt["prob"][:, 1:]
    outputs = run([SummaryWriter()], [spoilt, make_sample("s2")], tmp_path)
    (row,) = table(tmp_path / "failures.csv")
    assert row["input"] == "s1.dcm"
    assert row["reason"].startswith("result: prob must have the counts' shape")
    assert [row["scan_id"] for row in table(tmp_path / "summary.csv")] == ["s2"]
    assert (outputs.n_done, outputs.n_failed) == (1, 1)


class LeaveCycle:
    """Leave objects that refer to each other alone, as figures do."""

    def __init__(self) -> None:
        self.left: list[weakref.ref] = []

    def __call__(self, result, output_dir):
        figure = type("Figure", (), {})()
        figure.axes = [figure]
        self.left.append(weakref.ref(figure))


def test_what_writers_leave_in_cycles_does_not_pile_up(tmp_path):
    writer = LeaveCycle()
    batches = [make_sample(f"s{number}") for number in range(COLLECT_EVERY + 1)]
    gc.disable()  # what Python would collect by itself
    try:
        run([writer], batches, tmp_path)
        alive = [left() is not None for left in writer.left]
    finally:
        gc.enable()
    assert alive == [False] * COLLECT_EVERY + [True]


class OnFullDisk:
    """Write to a device that is always full."""

    def __call__(self, result, output_dir):
        Path("/dev/full").write_text(result.scan_id)


def test_a_full_disk_ends_the_run_with_advice(tmp_path):
    expected = r"s1 cannot be written \(No space left on device\); make room"
    with pytest.raises(StorageError, match=expected):
        run([OnFullDisk(), SummaryWriter()], [make_sample("s1"), make_sample("s2")], tmp_path)
    assert not (tmp_path / "failures.csv").exists()
    outputs = run([SummaryWriter()], [make_sample("s1")], tmp_path, resume=True)
    assert outputs.n_done == 1


def test_two_writers_that_fail_are_one_failure(tmp_path):
    outputs = run([Broken("s1"), Broken("s1")], [make_sample("s1")], tmp_path)
    (row,) = table(tmp_path / "failures.csv")
    assert row["reason"].count("Broken: ") == 2
    assert (outputs.n_done, outputs.n_failed) == (0, 1)


def test_a_resumed_run_writes_a_failed_scan_anew(tmp_path):
    run([Broken("s1"), SummaryWriter()], [make_sample("s1"), make_sample("s2")], tmp_path)
    outputs = run([SummaryWriter()], [make_sample("s1")], tmp_path, resume=True)
    assert sorted(row["scan_id"] for row in table(tmp_path / "summary.csv")) == ["s1", "s2"]
    assert not (tmp_path / "failures.csv").exists()
    conclude(outputs)


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"weights_sha256": ("b", "c")}, "weights_sha256"),
        ({"operating_point": {"min_area_mm2": 30}}, "operating_point"),
    ],
)
def test_a_table_holds_the_results_of_one_system(tmp_path, changes, column):
    run([SummaryWriter()], [make_sample("s1")], tmp_path)
    before = (tmp_path / "summary.csv").read_bytes()
    with pytest.raises(ValueError, match=f"--resume must have the {column} of the results in"):
        run(
            [SummaryWriter()], [make_sample("s2")], tmp_path,
            resume=True, provenance=replace(PROVENANCE, **changes),
        )  # fmt: skip
    assert (tmp_path / "summary.csv").read_bytes() == before
    later = replace(PROVENANCE, date="2030-01-01T00:00:00+00:00")
    run([SummaryWriter()], [make_sample("s2")], tmp_path, resume=True, provenance=later)
    assert len(table(tmp_path / "summary.csv")) == 2


def test_a_table_of_an_older_version_is_not_gone_on_with(tmp_path):
    (tmp_path / "summary.csv").write_text("input,scan_id\na.dcm,s1\n")
    with pytest.raises(
        ValueError, match=r"--resume must have the system .* got 'U-Net'; give anoth"
    ):
        run([SummaryWriter()], [make_sample("s2")], tmp_path, resume=True)


def make_visit(name: str, day: str, *earlier: str, **options) -> dict[str, MetaTensor | str]:
    """Return a sample of a patient who is scanned on several days."""
    sample = make_sample(name)
    body = np.random.default_rng(8).poisson(np.outer(np.hanning(60), np.hanning(40)) * 40)
    counts = np.stack([body, body[:, ::-1]]).astype(np.float32)
    for key in sample:
        plain = torch.from_numpy(counts) if key == "counts" else torch.zeros(counts.shape)
        sample[key] = MetaTensor(plain, meta=sample[key].meta)
    sample["counts"].meta |= {"acquired": day, "patient_key": "8f3a", "spacing_mm": (20.0, 15.0)}
    return {**sample, VISIT: str(Visit(name, options.pop("chain", 1), earlier, **options))}


def test_a_scan_is_compared_with_those_that_were_read_before(tmp_path):
    batches = [
        make_visit("s1", "2024-01-10", is_asked=False),
        make_visit("s2", "2024-04-09", "s1", therapy_start="2024-01-20"),
        make_visit("s3", "2024-09-01", "s1", "s2"),
    ]
    outputs = run([NoteScan(), SummaryWriter()], batches, tmp_path)
    assert not (tmp_path / "failures.csv").exists()
    rows = table(tmp_path / "summary.csv")
    assert [row["scan_id"] for row in rows] == ["s2", "s3"]
    assert [row["lesions_new"] for row in rows] == ["0", "0"]
    assert not (tmp_path / "s1").exists()
    assert outputs.n_done == 2


def test_a_scan_whose_earlier_one_failed_is_a_failure(tmp_path):
    batches = [
        make_visit("s1", "2024-01-10", is_asked=False),
        UNREADABLE,
        make_visit("s3", "2024-09-01", "s1", "bad.dcm"),
        make_visit("s4", "2024-09-01", "s1", chain=2),
    ]
    outputs = run([SummaryWriter()], batches, tmp_path)
    reasons = {row["input"]: row["reason"] for row in table(tmp_path / "failures.csv")}
    assert reasons["s3.dcm"].startswith(
        "result: its earlier scan must be read first, got a failure of bad.dcm; see the reason"
    )
    assert "got a failure of s1" in reasons["s4.dcm"], "another patient's scans are not kept"
    assert (outputs.n_done, outputs.n_failed) == (0, 3)
    assert not (tmp_path / "s3").exists()


def test_another_run_starts_new_tables(tmp_path):
    run([Broken("s1"), SummaryWriter()], [make_sample("s1")], tmp_path)
    run([SummaryWriter()], [make_sample("s2")], tmp_path)
    assert [row["scan_id"] for row in table(tmp_path / "summary.csv")] == ["s2"]
    assert not (tmp_path / "failures.csv").exists()


def test_nothing_left_to_do_clears_failures_that_are_gone(tmp_path):
    (tmp_path / "failures.csv").write_text("input,reason\nsince removed,broken\n")
    conclude(SimpleNamespace(n_done=0, n_failed=0, output_dir=tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("salt", "warned"), [(None, True), ("", True), ("secret", False)])
def test_a_missing_key_of_the_names_is_warned_of(tmp_path, monkeypatch, caplog, salt, warned):
    monkeypatch.delenv("BONE_SCAN_SALT", raising=False)
    if salt is not None:
        monkeypatch.setenv("BONE_SCAN_SALT", salt)
    run([SummaryWriter()], [make_sample("s1")], tmp_path)
    assert ("BONE_SCAN_SALT is not set" in caplog.text) == warned
