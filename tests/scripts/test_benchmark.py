import json
from types import SimpleNamespace

import pytest

from bonescan.studies.benchmark import memory, partly_labelled, steps, systems
from bonescan.studies.benchmark.inputs import BenchmarkSize
from bonescan.studies.benchmark.suite import PARTS
from scripts import benchmark
from tests.workflows import run_command

TINY = BenchmarkSize(
    patients=1,
    train_scans=5,
    epochs=2,
    infer_scans=2,
    width=2,
    starts=2,
    readings=1,
    memory_scans=(2, 3),
    systems=("lin2020_kmeans", "lin2022_t1"),
    turns=1,
)


def start_here(words: list[str], **_how) -> None:
    """Run `python -m monai.bundle run` in this process; `python -c` imports what is here."""
    option, *rest = words[1:]
    assert option == "-c" or run_command(*rest[2:]) == 0


@pytest.mark.slow
def test_whole_benchmark_in_its_tiny_form(tmp_path, monkeypatch, capsys):
    """In this process: tests of the parts start others, each of which imports torch again."""
    for part in (memory, partly_labelled, systems):
        monkeypatch.setattr(part, "call_apart", lambda function, *inputs: function(*inputs))
    monkeypatch.setattr(steps, "subprocess", SimpleNamespace(run=start_here))
    assert benchmark.main(["--output", str(tmp_path)], TINY) == 0
    document = json.loads((tmp_path / "benchmark.json").read_text())
    text = (tmp_path / "benchmark.md").read_text()
    assert text in capsys.readouterr().out
    shared = [item for item in document["measurements"] if item["system"] is None]
    of_systems = {item["system"] for item in document["measurements"]} - {None}
    assert len(shared) >= len(PARTS) - 1, "one part measures systems only"
    assert of_systems == set(TINY.systems)
    kmeans = {
        item["name"]: item["value"]
        for item in document["measurements"]
        if item["system"] == "lin2020_kmeans"
    }
    assert list(kmeans) == [
        "weights", "operations", "forward pass", "training step", "memory of the step",
    ]  # fmt: skip
    assert [name for name, value in kmeans.items() if value is None] == ["operations"]
    assert kmeans["weights"] == 0
    assert "Training step of lin2022_t1 / supervised" in {item["name"] for item in shared}
    assert all(f"| {system} |" in text for system in of_systems)
    for item in shared:
        row = next(line for line in text.splitlines() if line.startswith(f"| {item['name']} |"))
        if item["value"] is None:
            assert "| n/a |" in row, "no GPU"
            continue
        assert item["low"] <= item["value"] <= item["high"]
        value = float(f"{item['value']:.3g}")
        assert f"| {value:g} | {item['unit']} |" in row
        assert ("missed" in row) == (item["met"] is False)


def test_interrupted_run_leaves_the_old_results(tmp_path, monkeypatch, capsys):
    def interrupt(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(benchmark, "run_parts", interrupt)
    (tmp_path / "benchmark.json").write_text("old")
    assert benchmark.main(["--output", str(tmp_path)], TINY) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["benchmark.json"]
    assert (tmp_path / "benchmark.json").read_text() == "old"
    assert capsys.readouterr().err == "\nInterrupted.\n"


def test_one_part_alone_is_written_beside_the_whole(tmp_path, capsys):
    assert benchmark.main(["--only", "reading", "--output", str(tmp_path / "out")], TINY) == 0
    assert "| Reading, JPEG-LS lossless |" in capsys.readouterr().out
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"benchmark_reading.json", "benchmark_reading.md"}


def test_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        benchmark.main(["--only", "coffee"])
    assert "invalid choice: 'coffee'" in capsys.readouterr().err
