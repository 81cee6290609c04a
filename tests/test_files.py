import json
import math

import pytest

from bonescan.files import PARTIAL_PREFIX, write_json, write_whole


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
