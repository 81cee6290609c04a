import base64
import json
import re

import pytest

from bonescan.files import read_rows
from bonescan.studies.runs.compare import compare_runs
from tests.studies.runs.run_folders import PARAMETERS, PATIENTS, evaluate, make_run


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Compare runs of every kind; return the folder."""
    root = tmp_path_factory.mktemp("runs")
    folders = [
        make_run(root / "later", epochs=1),
        evaluate(make_run(root / "first", width=4), 1),
        evaluate(make_run(root / "second", width=8), 0),
        evaluate(make_run(root / "elsewhere"), 0, data="abc123def456", patients=PATIENTS[:2]),
        root / "no run",
    ]
    done = compare_runs(folders, root / "out")
    assert done.compared == ["later", "first", "second", "elsewhere"]
    assert list(done.unreadable) == ["no run"]
    return root / "out"


@pytest.fixture(scope="module")
def document(compared):
    return json.loads((compared / "compare.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(compared):
    return (compared / "compare.html").read_text(encoding="utf-8")


def test_differences_are_to_the_first_evaluated_run_on_the_same_images(document):
    first, other = document["test_sets"]
    assert (first["reference"], list(first["differences"])) == ("first", ["second"])
    assert first["differences"]["second"]["pooled"]["value"] == pytest.approx(1 / 3, abs=1e-6)
    assert (first["patients"], other["patients"]) == (4, 2)
    assert other["differences"] == {}
    assert other["why_not_compared"] == "evaluated on other test patients of the same data"


def test_what_is_missing_is_said(document):
    remarks = {run["name"]: run["remarks"] for run in document["runs"]}
    assert len(remarks["later"]) == 2
    assert remarks["first"] == remarks["second"] == []
    assert "system.json does not exist" in document["unreadable"]["no run"]
    assert document["remarks"] == []


def test_configuration_holds_the_keys_that_differ(document):
    assert document["configuration"]["keys"] == {"width": ["(not there)", "4", "8", "(not there)"]}


def test_table_has_the_figures_of_the_document(compared, document):
    rows = read_rows(compared / "compare.csv")
    runs = {run["name"]: run for run in document["runs"]}
    assert len(rows) == 3 * 6
    for row in rows:
        value = runs[row["run"]]["figures"][row["figure"]]["value"]
        assert row["value"] == ("" if value is None else str(value))
        assert (row["reference"] == "first") == (
            row["run"] == "second" and row["figure"] != "sensitivity_at_1.0"
        )


def test_page_says_that_one_training_proves_nothing_and_how_many(page):
    assert "One training each proves no difference between systems." in page
    assert "Simulated scans: 4 images from 4 test patients; 4 images with 4 lesions" in page
    assert "Unfinished: 1 of 3 epochs are done" in page
    assert "evaluated on other test patients of the same data" in page
    assert "+0.333 (" in page
    assert f"<td>{PARAMETERS}</td>" in page
    assert "Research use only" in page


def test_page_loads_nothing_and_quotes_texts(page):
    assert "U-Net &lt;b&gt;" in page
    assert not re.search(r"https?://|@import|<script|<link", page)
    assert all(address.startswith("data:image/") for address in re.findall(r'src="([^"]*)', page))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src &#39;none&#39;; img-src data:; style-src" in policy[1]
    assert "script-src" not in policy[1]


def test_curves_and_examples_are_in_the_page(page):
    kinds = [address.split(";")[0] for address in re.findall(r'src="data:([^"]{30})', page)]
    drawing, picture = "image/svg+xml", "image/png"
    assert kinds == [drawing, drawing, picture, drawing]  # training; two test sets, one of one run
    for content in re.findall(r'src="data:image/svg\+xml;base64,([^"]*)', page):
        assert b"<svg" in base64.b64decode(content)


def test_equal_runs_give_equal_bytes(compared, tmp_path):
    folders = [compared.parent / name for name in ("first", "second")]
    texts = [compare_runs(folders, tmp_path / name).page.read_bytes() for name in ("a", "b")]
    assert texts[0] == texts[1]


def test_a_table_of_an_earlier_comparison_goes(tmp_path):
    folders = [make_run(tmp_path / "a"), make_run(tmp_path / "b", epochs=0)]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "compare.csv").write_text("old")
    page = compare_runs(folders, tmp_path / "out").page.read_text(encoding="utf-8")
    assert not (tmp_path / "out" / "compare.csv").exists()
    assert "a, b: not evaluated" in page
    assert "Not validated in training: b." in page


def test_two_runs_at_least_must_be_readable(tmp_path):
    folders = [make_run(tmp_path / "a"), tmp_path / "b"]
    with pytest.raises(ValueError, match=r"at least two that can be read, got 1 \(b: system.json"):
        compare_runs(folders, tmp_path / "out")
