import csv
import json
import math
import multiprocessing
from pathlib import Path

import pytest

from bonescan.errors import StorageError
from bonescan.files import (
    PARTIAL_PREFIX,
    append_row,
    read_rows,
    write_json,
    write_rows,
    write_whole,
)


def test_a_file_appears_only_when_it_is_complete(tmp_path):
    seen = []

    def write(partial):
        partial.write_text("half")
        seen.append((partial.name, path.exists()))
        partial.write_text("whole")

    path = tmp_path / "scan.nii.gz"
    write_whole(path, write)
    assert seen == [(f"{PARTIAL_PREFIX}scan.nii.gz", False)]
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "state.json"
    path.write_text("old")

    def write(partial):
        partial.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, write)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_readable_and_without_nan(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"name": "Ganzkörper", "values": [1, 2.5]})
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "name": "Ganzkörper",
        "values": [1, 2.5],
    }
    assert "Ganzkörper" in path.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"value": math.nan})
    assert "Ganzkörper" in path.read_text(encoding="utf-8")


def test_rows_written_and_added_are_read_again(tmp_path):
    path = tmp_path / "rows.csv"
    assert read_rows(path) == []
    append_row(path, {"input": "a, b", "area": 1.5})
    append_row(path, {"input": 'say "c"', "area": None})
    rows = [{"input": "a, b", "area": "1.5"}, {"input": 'say "c"', "area": ""}]
    assert read_rows(path) == rows
    content = path.read_bytes()
    write_rows(path, rows)
    assert path.read_bytes() == content


def test_a_table_that_cannot_be_written_stays_as_it_was(tmp_path):
    path = tmp_path / "rows.csv"
    write_rows(path, [{"a": 1}])
    with pytest.raises(ValueError, match="fields not in fieldnames"):
        write_rows(path, [{"a": 2}, {"a": 3, "b": 4}])
    with pytest.raises(ValueError, match=r"rows\.csv: a table must have at least one row"):
        write_rows(path, [])
    assert read_rows(path) == [{"a": "1"}]


@pytest.mark.parametrize(
    "text", ["=1+cmd|' C'!A0.dcm", "+1-x", "-a", "@SUM(1)", "\tx", "'=x", "'a"]
)
def test_no_text_of_a_table_is_a_formula_and_all_is_read_back(tmp_path, text):
    path = tmp_path / "failures.csv"
    append_row(path, {"input": text, "reason": "a"})
    cell = path.read_text().splitlines()[1].lstrip('"')
    assert cell.startswith("'")
    assert read_rows(path) == [{"input": text, "reason": "a"}]
    write_rows(path, read_rows(path))
    assert read_rows(path) == [{"input": text, "reason": "a"}]


@pytest.mark.parametrize("text", ["-1.5", "+2", "1e-3", "scan.dcm", ""])
def test_numbers_and_names_of_a_table_stay(tmp_path, text):
    path = tmp_path / "table.csv"
    append_row(path, {"value": text, "b": -1.5})
    assert path.read_text().splitlines()[1] == f"{text},-1.5"


def test_a_row_of_other_columns_is_not_written_into_a_table(tmp_path):
    path = tmp_path / "summary.csv"
    append_row(path, {"input": "a.dcm", "lesions": 3})
    before = path.read_bytes()
    expected = r"summary\.csv: columns must be input, view_source, lesions, got input, lesions"
    with pytest.raises(ValueError, match=expected):
        append_row(path, {"input": "b.dcm", "view_source": "code", "lesions": 5})
    assert path.read_bytes() == before


def append_many(path, process):
    """Add rows that say who added them, of lengths that tell torn ones."""
    for number in range(200):
        append_row(path, {"process": process, "number": number, "text": "x" * (number % 50)})


def test_processes_share_a_table_without_losing_a_row(tmp_path):
    path = tmp_path / "summary.csv"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=append_many, args=(path, name)) for name in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    rows = read_rows(path)
    for name in "012":
        own = [row for row in rows if row["process"] == name]
        assert [row["number"] for row in own] == [str(number) for number in range(200)]
        assert all(len(row["text"]) == int(row["number"]) % 50 for row in own)
    assert len(rows) == 600


def fill(disk_path):
    """Write to a device that is always full."""
    Path("/dev/full").write_text(str(disk_path))


def test_a_full_disk_is_told_with_the_file_and_what_to_do(tmp_path):
    path = tmp_path / "a.json"
    expected = rf"^{path} cannot be written \(No space left on device\); make room or give rights"
    with pytest.raises(StorageError, match=expected):
        write_whole(path, fill)
    assert list(tmp_path.iterdir()) == []


def test_another_error_stays_what_it_is(tmp_path):
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "a", lambda partial: partial.mkdir() or partial.write_text(""))


def test_half_a_row_is_taken_back(tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    append_row(path, {"a": 1, "b": 2})
    before = path.read_bytes()

    def write_half(writer, row):
        writer.writer.writerow([row["a"]])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(csv.DictWriter, "writerow", write_half)
    with pytest.raises(StorageError, match=r"rows\.csv cannot be written"):
        append_row(path, {"a": 3, "b": 4})
    assert path.read_bytes() == before
