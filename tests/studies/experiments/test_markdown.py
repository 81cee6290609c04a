"""What the page of an experiment says."""

import math

import pytest

from bonescan.studies.experiments.experiment import PROFILES, Experiment, Profile
from bonescan.studies.experiments.markdown import figure_entry, to_markdown
from bonescan.studies.experiments.statistics import Comparison, Estimate

EXPERIMENT = Experiment(
    name="tiny",
    title="Nobody 2020, Table 9",
    source="Nobody et al. 2020, Table 9",
    preset="default",
    metrics=["dsc", "f1_of_means"],
    profiles={name: Profile(patients=5, what="little") for name in PROFILES},
    remarks=["A remark."],
)
FIGURE = figure_entry(Estimate(0.5, 0.25, 0.75, 0.0625))
ROW = {
    "name": "One",
    "published": {"dsc": 0.6},
    "measured": {"dsc": FIGURE, "f1_of_means": {**FIGURE, "spread": None}},
    "runs": 2,
    "images": 12,
    "training_s": 61.4,
}
COMPARISON = {
    "row": "Two",
    "reference": "One",
    "published": -0.012,
    **figure_entry(Comparison(0.1, -0.1, 0.3, 12, 0.0004, None)),
}
DOCUMENT = {
    "profile": "fast",
    "what": "little",
    "split": "patient",
    "convention": "pooled",
    "interval": "95 % percentile bootstrap",
    "data": {"preset": "default", "patients": 5},
    "dataset": {},
    "rows": [ROW],
    "comparisons": [COMPARISON],
    "missing": [],
    "pictures": {"Curves": "tiny_curves.png"},
    "command": "bonescan reproduce tiny",
    "date": "2026-01-02",
    "machine": {"cpu": "A processor", "cores": 2, "device": "cpu"},
    "packages": {"torch": "1.2.3"},
    "revision": "abc",
    "training_minutes": 3.2,
}


def test_published_and_simulated_stand_side_by_side():
    page = to_markdown(EXPERIMENT, DOCUMENT)
    assert page.startswith("# Nobody 2020, Table 9, on simulated scans\n")
    assert "| system | DSC, published | DSC, simulated | F1 of means, published |" in page
    assert (
        "| One | 0.600 | 0.500 (0.250 to 0.750), SD 0.062 | - | 0.500 (0.250 to 0.750) | 2 | 12 "
        "| 61 s |"
    ) in page
    assert "| Two less One | -0.012 | +0.100 (-0.100 to +0.300) | < 0.001 | - |" in page
    assert "Profile `fast`: little. Cohort preset `default`, 5 patients, split by patient." in page
    assert "![Curves](tiny_curves.png)" in page
    assert "- A remark." in page
    assert "Made by `bonescan reproduce tiny` on 2026-01-02" in page
    assert "Optimistic" not in page
    assert "Missing" not in page


def test_what_is_missing_or_optimistic_is_said():
    page = to_markdown(EXPERIMENT, {**DOCUMENT, "split": "image", "missing": ["Three"]})
    assert "**Optimistic: split by image.**" in page
    assert "**Missing:** Three." in page


def test_counts_of_a_set_of_images():
    dataset = {"test": {"published": 450, "simulated": 456.0}}
    dataset["lesion_percent"] = {"published": None, "simulated": 0.33}
    page = to_markdown(EXPERIMENT, {**DOCUMENT, "rows": [], "comparisons": [], "dataset": dataset})
    assert "| test | 450 | 456 |\n| lesion percent | - | 0.33 |" in page
    assert "DSC, published" not in page


def test_figures_are_ready_for_json():
    entry = figure_entry(Estimate(math.nan, 0.1, 1 / 3, None))
    assert entry == {
        "value": None, "lower": 0.1, "upper": pytest.approx(0.333333), "spread": None
    }  # fmt: skip
