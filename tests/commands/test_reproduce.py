"""An experiment from the simulated cohort to its page, tiny; gone on with, and with a failure."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from bonescan.commands import main, reproduce
from bonescan.studies.experiments.figures import find_deviations
from bonescan.studies.experiments.row_images import read_published_images
from bonescan.workflow import run_record
from bonescan.workflow.installation import find_configs

GROUP = {"primary": "breast", "metastases": True}
PROFILE = {
    "patients": 10,
    "protocol": "next to nothing",
    "folds": 4,
    "run_folds": [0],
    "overlays": ["fast"],
    "settings": {"width": 2, "size": [64, 32], "epochs": 1, "batch_size": 2},
}
EXPERIMENT = {
    "title": "A table",
    "source": "A paper",
    "preset": "chen2023",
    "metrics": ["dsc", "f1_of_means"],
    "datalists": {"breast": {"training": GROUP, "negative": {**GROUP, "metastases": False}}},
    "profiles": {"fast": PROFILE, "full": PROFILE},
    "rows": [
        {"id": "base", "name": "Base", "system": "chen2023_baseline", "published": {"dsc": 0.6}},
        {
            "id": "prior", "name": "Prior", "system": "chen2023_otsu", "single_run": True,
            "in_table": False, "overrides": {"added_section": "negative"},
        },
        {
            "id": "next", "name": "Next", "system": "chen2023_otsu", "initial_weights": "prior",
            "compared_with": ["base"], "published": {"dsc": 0.65, "f1_of_means": 0.66},
        },
        {
            "id": "mined", "name": "Mined", "system": "chen2023_negative_mining",
            "mined_from": "base", "compared_with": ["base"],
        },
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def configs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("configs")
    (folder / "systems").symlink_to(find_configs() / "systems")
    (folder / "experiments").mkdir()
    (folder / "experiments" / "tiny.yaml").write_text(yaml.safe_dump(EXPERIMENT))
    return folder


@pytest.mark.slow
def test_an_experiment_is_run_gone_on_with_and_written(configs, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(reproduce, "find_configs", lambda: configs)
    work, output = tmp_path / "work", tmp_path / "results"
    command = ["reproduce", "tiny", "--work", str(work), "--output", str(output), "--workers", "2"]
    assert main(command) == 0
    said = capfd.readouterr().out
    assert "[4/4]" in said
    document = json.loads((output / "tiny.json").read_text())
    assert [row["name"] for row in document["rows"]] == ["Base", "Next", "Mined"]
    assert document["comparisons"] == []
    images = read_published_images(output / "tiny_images.csv")
    assert list(find_deviations(document, images)) == []
    assert document["simulated"] is True
    page = (output / "tiny.md").read_text()
    assert len(document["pictures"]) == 2
    for picture in document["pictures"].values():
        assert f"({picture})" in page
        assert (output / picture).stat().st_size > 10_000
    base = work / "fast" / "chen2023-10-seed0" / "base" / "fold0-seed0"
    before = (base / "model.pt").stat().st_mtime_ns
    assert document["command"] == shlex.join(
        [
            "bonescan",
            *command[:2],
            "--profile",
            "fast",
            "--split",
            "patient",
            "--workers",
            "2",
            "--output",
            str(output),
        ]
    )
    assert len(document["provenance"]["revisions"]) == 1
    # As after a kill between the last epoch and the note that it is done.
    (base / "state.json").unlink()
    # A run that is not complete is done again, or gone on with; the others are left alone.
    mined = work / "fast" / "chen2023-10-seed0" / "mined" / "fold0-seed0"
    shutil.rmtree(mined)
    mined.mkdir()
    (mined / "last.pt").write_bytes(b"no checkpoint")
    assert main(command) == 1
    said = capfd.readouterr()
    assert "failed: Mined, fold 0, seed 0: training: " in said.err
    assert "**Not complete yet:** Mined." in (output / "tiny.md").read_text()
    assert (base / "model.pt").stat().st_mtime_ns == before


def test_uncommitted_code_is_not_published(configs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reproduce, "find_configs", lambda: configs)
    monkeypatch.setattr(run_record, "git_revision", lambda _: "abc+changes")
    command = ["reproduce", "tiny", "--work", str(tmp_path), "--publish"]
    assert main(command) == 1
    assert "--publish must be run from a checkout without changes" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_mistakes_end_with_one_line(configs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reproduce, "find_configs", lambda: configs)
    command = [
        "reproduce",
        "tiny",
        "--split",
        "image",
        "--work",
        str(tmp_path),
        "--output",
        str(tmp_path),
    ]
    assert main(command) == 1
    assert "error: tiny: split must be 'patient'" in capsys.readouterr().err
