import json

import pytest

from bonescan.studies.runs.evaluation import read_evaluation, why_not_comparable
from tests.studies.runs.run_folders import PATIENTS, evaluate, make_results, make_run


@pytest.fixture
def evaluated(tmp_path):
    """Evaluate a run in a folder of its own."""
    folders = (tmp_path / str(number) for number in range(9))
    return lambda shift, **how: read_evaluation(evaluate(make_run(next(folders)), shift, **how))


def test_images_are_read_as_they_were_scored(evaluated):
    results = evaluated(1).results
    for read, made in zip(results, make_results(1), strict=True):
        assert (read.key, read.patient) == (made.key, made.patient)
        assert read.confusion.tolist() == made.confusion.tolist()
        assert read.lesions.tolist() == made.lesions.tolist()


def test_runs_on_the_same_images_compare_whatever_they_predict(evaluated):
    assert why_not_comparable(evaluated(0), evaluated(4, keep=False)) == ""


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"data": "else"}, "other data"),
        ({"patients": PATIENTS[:3]}, "other test patients of the same data"),
        ({"rows": 10}, "other pixels of the same images"),
    ],
)
def test_runs_on_anything_else_do_not(evaluated, how, why):
    assert why in why_not_comparable(evaluated(0), evaluated(0, **how))


def test_another_truth_of_the_same_size_does_not_compare(evaluated):
    first, other = evaluated(0), evaluated(0)
    other.results[1].confusion[:] += [1, 0, 0, -1]  # one more true pixel, as many in all
    assert "other pixels" in why_not_comparable(first, other)


def test_the_same_patients_by_other_images_do_not_compare(evaluated):
    first, other = evaluated(0), evaluated(0)
    object.__setattr__(other.results[0], "scan_id", "another")
    assert why_not_comparable(first, other) == "evaluated on other images of the same patients"


def test_of_two_labels_the_metastases_are_taken(tmp_path):
    folder = evaluate(make_run(tmp_path / "a"), 2)
    path = folder / "evaluation" / "summary.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({"metastasis": document, "bladder": {}}))
    assert read_evaluation(folder).summary == document["U-Net"]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("summary.json", "{", "Its evaluation cannot be read"),
        ("summary.json", '{"scans": {"auc": 1}}', "says nothing of which pixels are metastases"),
        (
            "images.csv",
            "scan_id,label\nx,metastasis\n",
            "rows must be as an evaluation writes them",
        ),
        ("run.json", "{}", "cannot be read .'data_sha256'.: evaluate it again"),
    ],
)
def test_an_evaluation_that_cannot_be_read_says_why(tmp_path, file, content, message):
    folder = evaluate(make_run(tmp_path / "a"), 0)
    (folder / "evaluation" / file).write_text(content)
    with pytest.raises(ValueError, match=message):
        read_evaluation(folder)
