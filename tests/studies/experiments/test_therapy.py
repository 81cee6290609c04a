"""Scans before and after therapy: what is measured, and what is said of it."""

import json
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from bonescan.data.datalist import load_items, read_datalist
from bonescan.dicom.scan import View
from bonescan.measures.assessed_scan import AssessedScan
from bonescan.measures.change import Change, LesionChange, LesionState
from bonescan.measures.findings import Finding
from bonescan.phantom.cohort import Cohort, simulate_cohort
from bonescan.phantom.presets import PRESETS
from bonescan.studies.experiments.correlations import MEASURES, TRUTH
from bonescan.studies.experiments.data import DataSet, ExperimentData
from bonescan.studies.experiments.experiment_file import load_experiment
from bonescan.studies.experiments.grid import CONFIGS, RunGrid
from bonescan.studies.experiments.therapy import MeasuredPair, measure_pair, summarise
from bonescan.studies.experiments.therapy_lesions import (
    SHARES,
    Look,
    TrueLesions,
    count_shares,
    judge_lesions,
)
from bonescan.studies.experiments.therapy_page import to_markdown
from bonescan.studies.experiments.therapy_results import write_therapy

EXPERIMENT = load_experiment(CONFIGS / "experiments" / "bstbi_therapy.yaml").at("fast")
COURSE_OF = ("response", "flare", "progression")
"""Of the first patients of the preset."""


@pytest.fixture(scope="module")
def cohort(make_once):
    """Three patients of the preset, scanned twice."""
    preset = PRESETS["liu2021_therapy"]
    return make_once(
        "therapy", lambda folder: simulate_cohort(Cohort(preset, 3, 0, folder / "cohort"))
    ) / "cohort"  # fmt: skip


@pytest.fixture(scope="module")
def pairs(cohort) -> dict[str, MeasuredPair]:
    """What is measured, by course."""
    first, second = (
        {
            entry["patient"]: entry
            for name in read_datalist(path)
            for entry in load_items(path, name)
        }
        for path in (cohort / "datalist.json", cohort / "follow_up.json")
    )
    measured = [measure_pair(first[patient], second[patient]) for patient in second]
    return {pair.course: pair for pair in measured}


def make_pair(patient: str, course: str, points: float, **changes: object) -> MeasuredPair:
    """Return a pair whose measures all change by the same."""
    pair = MeasuredPair(
        patient=patient,
        course=course,
        days=90,
        points=dict.fromkeys((TRUTH, *MEASURES), points),
        shares={**dict.fromkeys(SHARES, (1, 2)), "matched": (3, 4), "matches": (3, 3)},
        states=[("grown", "grown", 2), ("new", "new", 1)],
        new_lesions=1,
        rule="few_new",
        flare_possible=course == "flare",
    )
    return replace(pair, **changes)


@pytest.mark.slow
def test_lesions_are_found_again_in_another_posture(pairs):
    assert set(pairs) == set(COURSE_OF)
    for name in ("matched", "matches"):
        hits, cases = np.sum([pair.shares[name] for pair in pairs.values()], axis=0)
        assert cases > 5
        assert hits >= 0.8 * cases  # two near ones may be taken for each other, which costs two


@pytest.mark.slow
def test_the_course_shows(pairs):
    response, _, progression = (pairs[course] for course in COURSE_OF)
    assert response.points["bstbi"] < 0 < progression.points["bstbi"]
    assert progression.points[TRUTH] > response.points[TRUTH]
    states = Counter()
    for pair in pairs.values():
        for fate, state, number in pair.states:
            states[fate, state] += number
    assert states["new", "new"] >= 2
    assert states["new", "gone"] == states["gone", "new"] == 0
    assert states["grown", "shrunk"] == states["shrunk", "grown"] == 0
    rule = "needs_confirmation" if progression.new_lesions >= 2 else "few_new"
    assert progression.rule == rule, "two scans cannot meet the rule"


@pytest.mark.slow
def test_a_flare_is_named_by_its_days_alone(pairs):
    flare = pairs["flare"]
    assert flare.points["bstbi"] > 0
    assert flare.flare_possible is True
    assert flare.rule in {"few_new", "needs_confirmation"}, "judged as any other scan"


def test_pairs_are_summed():
    shares, rule = {**dict.fromkeys(SHARES, (0, 1)), "matches": (1, 3)}, "needs_confirmation"
    pairs = [
        make_pair("a", "progression", 4.0),
        make_pair("b", "progression", 8.0, shares={**shares, "matched": (1, 4)}, rule=rule),
        make_pair("c", "response", -3.0, shares=dict.fromkeys(SHARES, (0, 0)), states=[]),
    ]
    summary = summarise(pairs, ["bstbi"])
    progression, response = summary["courses"]
    assert progression["points"]["bstbi"]["value"] == 6
    assert progression["points"]["bstbi"]["low"] < 0
    assert progression["points"]["bstbi"]["high"] > 12
    assert progression["rules"] == {"few_new": 1, "needs_confirmation": 1}
    assert response["points"]["bstbi"] == {"value": -3.0, "low": None, "high": None}
    matched, right = summary["shares"]["matched"], summary["shares"]["matches"]
    assert (matched["hits"], matched["cases"], matched["value"]) == (4, 8, 0.5)
    assert (right["hits"], right["cases"]) == (4, 6)
    assert summary["shares"]["called new"]["hits"] == 1
    assert summary["states"] == [["grown", "grown", 4], ["new", "new", 2]]
    assert summary["agreement"]["bstbi"]["pearson"]["value"] == pytest.approx(1)
    assert summary["agreement"]["bstbi"]["same_sign"]["hits"] == 3


def make_scan(*marks: tuple[int, int, int], instances: bool = True) -> AssessedScan:
    """Return a scan of one view with squares: row, column, and number of the true lesion."""
    counts = np.full((1, 60, 40), 20.0)
    numbers = np.zeros((1, 60, 40), np.int32)
    for row, column, number in marks:
        numbers[0, row : row + 4, column : column + 3] = number
    return AssessedScan(
        views=[View.ANTERIOR],
        spacing_mm=(2.0, 3.0),
        counts=counts,
        label_map=(numbers > 0).astype(np.uint8),
        prob=(numbers > 0).astype(np.float32),
        instances=numbers if instances else None,
        field="whole body",
        field_mask=np.ones_like(numbers, bool),
        view_source="header",
        content_check="agrees",
    )


def make_change(*lesions: tuple[str, tuple[Finding, ...], tuple[Finding, ...]]) -> Change:
    """Return a change of lesions: state, findings before and now."""
    return SimpleNamespace(
        lesions=[LesionChange(LesionState(state), *findings) for state, *findings in lesions]
    )


def test_what_is_marked_is_the_true_lesion_that_most_of_it_lies_on():
    truth = make_scan((10, 10, 3), (10, 13, 7))
    marked = make_scan((11, 12, 1), (40, 20, 1), instances=False)  # 1 column of 3, 2 of 7
    look = Look(marked, truth)
    assert look.list_owners(marked.findings) == [7]
    assert Look(truth, truth).list_owners(truth.findings) == [3, 7]
    assert look.owner(marked.findings[1]) is None


def test_lesions_are_judged_against_the_truth():
    truths = make_scan((5, 5, 1), (20, 5, 2), (40, 5, 4)), make_scan((5, 5, 1), (30, 20, 3))
    before = Look(make_scan((5, 5, 9), (50, 30, 9), instances=False), truths[0])
    now = Look(make_scan((30, 20, 9), (50, 10, 9), instances=False), truths[1])
    fates = {(1, 1): "unchanged", (2, None): "gone", (None, 3): "new", (4, 4): "shrunk"}
    lesions = TrueLesions(fates, ({1, 2, 4}, {1, 3}))
    (old, false_old), (new, false_new) = before.scan.findings, now.scan.findings
    change = make_change(
        ("gone", (old,), ()), ("unchanged", (false_old,), (false_new,)), ("new", (), (new,))
    )
    assert Counter(judge_lesions(change, before, now, lesions)) == {
        ("unchanged", "gone"): 1,
        ("no lesion", "unchanged"): 1,
        ("new", "new"): 1,
        ("gone", "missed"): 1,
        ("shrunk, not seen in the other scan", "missed"): 1,
    }
    assert count_shares(change, before, now, lesions) == {
        "matched": (0, 1),  # the first, which the second scan's mask lacks
        "matches": (0, 1),
        "new": (1, 1),
        "called new": (1, 1),
        "gone": (0, 2),  # one that healed, one that no view shows any more
        "called gone": (0, 1),
    }


def test_true_masks_match_what_is_one_lesion():
    truths = make_scan((5, 5, 1), (20, 5, 2)), make_scan((5, 5, 2), (30, 20, 1))
    before, now = (Look(scan, scan) for scan in truths)
    lesions = TrueLesions({(1, 2): "grown", (2, 1): "shrunk"}, ({1, 2}, {1, 2}))
    (first, second), (as_first, as_second) = before.scan.findings, now.scan.findings
    right = make_change(("grown", (first,), (as_first,)), ("shrunk", (second,), (as_second,)))
    assert count_shares(right, before, now, lesions)["matches"] == (2, 2)
    wrong = make_change(("grown", (first,), (as_second,)), ("new", (), (as_first,)))
    shares = count_shares(wrong, before, now, lesions)
    assert (shares["matched"], shares["matches"]) == ((0, 2), (0, 1))
    assert (shares["new"], shares["called new"]) == ((0, 0), (0, 1))


@pytest.mark.slow
def test_results_are_written(cohort, tmp_path):
    data = ExperimentData({"cohort": DataSet("cohort", cohort / "datalist.json")})
    experiment = replace(EXPERIMENT, released=None)
    grid = RunGrid(experiment, "fast", data, tmp_path)
    page = write_therapy(grid, tmp_path / "out", command="bonescan reproduce", split="patient")
    text = page.read_text()
    document = json.loads((page.parent / "bstbi_therapy.json").read_text())
    assert to_markdown(document) == text
    assert "The course is put in by the simulator" in text
    assert "0.753 anterior, 0.842 posterior before therapy" in text
    assert (page.parent / document["pictures"].popitem()[1]).is_file()
    assert len((page.parent / "bstbi_therapy_patients.csv").read_text().splitlines()) == 4
