"""Scans before and after therapy: what is measured, and what is said of it."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from bonescan.data.datalist import load_items, read_datalist
from bonescan.phantom.cohort import Cohort, simulate_cohort
from bonescan.phantom.presets import PRESETS
from bonescan.studies.experiments.correlations import MEASURES, TRUTH
from bonescan.studies.experiments.data import DataSet, ExperimentData
from bonescan.studies.experiments.experiment_file import load_experiment
from bonescan.studies.experiments.grid import CONFIGS, RunGrid
from bonescan.studies.experiments.therapy import MeasuredPair, measure_pair, summarise
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
        true_pairs=4,
        matched=3,
        matched_rightly=3,
        states=[("grown", "grown", 2), ("new", "new", 1)],
        new_lesions=1,
        rule="few_new",
        flare_possible=course == "flare",
    )
    return replace(pair, **changes)


@pytest.mark.slow
def test_lesions_are_found_again_in_another_posture(pairs):
    assert set(pairs) == set(COURSE_OF)
    found = sum(pair.matched_rightly for pair in pairs.values())
    assert sum(pair.true_pairs for pair in pairs.values()) > 5
    assert found >= 0.9 * sum(pair.true_pairs for pair in pairs.values())
    assert found >= 0.9 * sum(pair.matched for pair in pairs.values())


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
    pairs = [
        make_pair("a", "progression", 4.0),
        make_pair("b", "progression", 8.0, matched_rightly=1, rule="needs_confirmation"),
        make_pair("c", "response", -3.0, true_pairs=0, matched=0, matched_rightly=0, states=[]),
    ]
    summary = summarise(pairs, ["bstbi"])
    progression, response = summary["courses"]
    assert progression["points"]["bstbi"]["value"] == 6
    assert progression["points"]["bstbi"]["low"] < 0
    assert progression["points"]["bstbi"]["high"] > 12
    assert progression["rules"] == {"few_new": 1, "needs_confirmation": 1}
    assert response["points"]["bstbi"] == {"value": -3.0, "low": None, "high": None}
    sensitivity, precision = summary["matches"]["sensitivity"], summary["matches"]["precision"]
    assert (sensitivity["hits"], sensitivity["cases"], sensitivity["value"]) == (4, 8, 0.5)
    assert (precision["hits"], precision["cases"]) == (4, 6)
    assert summary["states"] == [["grown", "grown", 4], ["new", "new", 2]]
    assert summary["agreement"]["bstbi"]["pearson"]["value"] == pytest.approx(1)
    assert summary["agreement"]["bstbi"]["same_sign"]["hits"] == 3


@pytest.mark.slow
def test_results_are_written(cohort, tmp_path):
    data = ExperimentData({"cohort": DataSet("cohort", cohort / "datalist.json")})
    grid = RunGrid(EXPERIMENT, "fast", data, tmp_path)
    page = write_therapy(grid, tmp_path / "out", command="bonescan reproduce", split="patient")
    text = page.read_text()
    document = json.loads((page.parent / "bstbi_therapy.json").read_text())
    assert to_markdown(document) == text
    assert "The course is put in by the simulator" in text
    assert "0.753 anterior, 0.842 posterior before therapy" in text
    assert (page.parent / document["pictures"].popitem()[1]).is_file()
    assert len((page.parent / "bstbi_therapy_patients.csv").read_text().splitlines()) == 4
