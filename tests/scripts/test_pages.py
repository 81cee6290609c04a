import json
import shutil
from pathlib import Path

import pytest

from scripts import pages

RESULTS = Path(__file__).parents[2] / "docs" / "results"
DOCUMENTS = [path for path in sorted(RESULTS.glob("*.json")) if pages.lay_out(path) is not None]


def test_there_are_pages_of_both_kinds():
    names = {path.stem for path in DOCUMENTS}
    assert {"benchmark", "chen2023_table4"} <= names
    assert "fast_default" not in names


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_page_is_that_of_its_document(path):
    assert path.with_suffix(".md").read_text(encoding="utf-8") == pages.lay_out(path)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_pictures_of_a_document_are_there(path):
    pictures = json.loads(path.read_text(encoding="utf-8")).get("pictures", {})
    assert [name for name in pictures.values() if not (RESULTS / name).is_file()] == []


def test_pages_are_written_beside_their_documents(tmp_path, capsys):
    for name in ("lin2020_table1", "fast_default"):
        shutil.copy(RESULTS / f"{name}.json", tmp_path)
    assert pages.main(["--folder", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.glob("*.md")} == {"lin2020_table1.md"}
    assert "lin2020_table1.md" in capsys.readouterr().out


def test_figures_that_are_not_those_of_the_images_are_refused(tmp_path):
    shutil.copy(RESULTS / "he2024_table2.json", tmp_path)
    path = tmp_path / "he2024_table2.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    lines = [f"{row['id']},seed0,s,anterior,p,1,1,1,1" for row in rows]
    table = ["row,run,scan_id,form,patient,tp,fp,fn,tn", *lines]
    (tmp_path / "he2024_table2_images.csv").write_text("\n".join(table) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"he2024_table2.json must hold what .*max pooling"):
        pages.lay_out(path)
