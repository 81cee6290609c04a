"""How many labels a training had, from what it left."""

import json
from types import SimpleNamespace

import pytest

from bonescan.studies.experiments.label_counts import LabelCount, count_labels, to_ranges

SETTINGS = {"fold": 1, "test_fold": None, "added_section": None, "labelled_only": False}


@pytest.fixture
def datalist(tmp_path):
    """Ten patients of two images each, of fold 0 but for two of fold 1; three generated images."""
    entries = [
        {"image": f"{number}.nii", "label": f"{number}.nii", "patient": f"p{number // 2}",
         "fold": int(number >= 16)}
        for number in range(20)
    ]  # fmt: skip
    generated = [
        {"image": f"{number}.nii", "patient": f"g{number}", "generated": True, "unseen_folds": [1]}
        for number in range(3)
    ]
    for number in range(20):
        (tmp_path / f"{number}.nii").touch()
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps({"training": entries, "generated": generated}))
    return path


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"labelled_fraction": 0.25}, LabelCount(2, 8, 4, 16, 0)),
        ({"labelled_fraction": 0.25, "added_section": "generated"}, LabelCount(2, 8, 4, 16, 3)),
        ({"labelled_fraction": 0.25, "labelled_only": True}, LabelCount(2, 2, 4, 4, 0)),
        ({"labelled_fraction": 0}, LabelCount(0, 8, 0, 16, 0)),
        ({"labelled_fraction": 1, "fold": None}, LabelCount(10, 10, 20, 20, 0)),
    ],
)
def test_labels_are_counted_as_the_training_had_them(datalist, tmp_path, settings, expected):
    (tmp_path / "config.json").write_text(json.dumps({**SETTINGS, **settings}))
    run = SimpleNamespace(folder=tmp_path, training={"datalist": str(datalist)}, seed=3)
    assert count_labels(run) == expected


def test_trainings_of_a_row_span_a_range():
    ranges = to_ranges([LabelCount(2, 8, 4, 16, 0), LabelCount(2, 8, 3, 16, 0)])
    assert (ranges["labelled_patients"], ranges["labelled_entries"]) == ([2, 2], [3, 4])
