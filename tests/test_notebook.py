"""The notebook of the documents: stripped of outputs, and it runs."""

import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tutorials" / "first_scan.ipynb"


def code_cells() -> list[dict]:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_no_output_is_kept():
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code_cells())


@pytest.mark.slow
def test_the_cells_run_one_after_the_other(trained_system, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run = trained_system("lin2020_unet_res")
    space = {"run": run, "folder": tmp_path / "first scan"}
    for cell in code_cells():
        if "parameters" not in cell["metadata"].get("tags", ()):
            exec(compile("".join(cell["source"]), NOTEBOOK.name, "exec"), space)  # noqa: S102
    said = capsys.readouterr().out
    assert f"scan {space['result'].scan_id}, simulated: True" in said
    assert "SR Storage" in said
    assert (space["files"] / "report.html").is_file()
    assert space["truth"]
