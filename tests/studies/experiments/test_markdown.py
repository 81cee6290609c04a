"""What the page of an experiment says."""

from bonescan.studies.experiments.markdown import to_markdown
from bonescan.studies.experiments.statistics import Comparison, Estimate, to_entry

ESTIMATE = to_entry(Estimate(0.5, 0.25, 0.75, 0.0625))
ROW = {
    "id": "one",
    "name": "One",
    "published": {"dsc": 0.6},
    "measured": {"dsc": ESTIMATE, "f1_of_means": {**ESTIMATE, "spread": None}},
    "runs": 2,
    "patients": 5,
    "images": 12,
    "images_with_lesion": 11,
    "training_s": 61.4,
}
COMPARISON = {
    "row": "Two",
    "reference": "One",
    "published": -0.012,
    "tested": {**to_entry(Comparison(0.1, -0.1, 0.3, 0.0004)), "p_holm": 0.0008},
}
NOT_TESTED = {**COMPARISON, "row": "Three", "published": None, "tested": None}
DOCUMENT = {
    "title": "Nobody 2020, Table 9",
    "source": "Nobody et al. 2020, Table 9",
    "profile": "full",
    "protocol": "little",
    "split": "patient",
    "convention": "pooled",
    "interval": "95 % percentile bootstrap",
    "metrics": ["dsc", "f1_of_means"],
    "remarks": ["A remark."],
    "computed": ["f1_of_means"],
    "published_lines": [{"name": "Somehow", "published": {"dsc": 0.7}, "x": None}],
    "data": {
        "preset": "default",
        "patients": 5,
        "test_share": 0.3,
        "cohort_seed": 4,
        "tuned_on_seed": None,
    },
    "image_set": {},
    "rows": [ROW],
    "comparisons": [COMPARISON, NOT_TESTED],
    "missing": [],
    "pictures": {"Curves": "tiny_curves.png"},
    "command": "bonescan reproduce tiny",
    "written_with": "abc",
    "machine": {"cpu": "A processor", "cores": 2},
    "provenance": {
        "revisions": ["aaa"],
        "devices": ["cpu"],
        "threads": [1],
        "packages": {"torch": ["1.2.3", "1.2.4"]},
        "dates": ["2026-01-02", "2026-01-05"],
        "changed_data": [],
    },
    "training_minutes": 3.2,
}


def test_a_row_says_how_many_labels_its_trainings_had():
    labels = {
        "labelled_patients": [5, 5], "patients": [53, 53], "labelled_entries": [14, 17],
        "entries": [237, 237], "generated": [40, 40],
    }  # fmt: skip
    page = to_markdown({**DOCUMENT, "rows": [{**ROW, "labels": labels}]})
    assert "| system | training patients with labels | training images or scans with" in page
    assert "| One | 5 of 53 | 14 to 17 of 237, and 40 generated | 0.600 | 0.500 (" in page
    assert "| Somehow | - | - | 0.700 | - | - |" in page


def test_published_and_simulated_are_in_one_row():
    page = to_markdown(DOCUMENT)
    assert page.startswith("# Nobody 2020, Table 9, on simulated scans\n")
    columns = "| system | DSC, published | DSC, simulated | F1 of means, computed from the paper's"
    assert columns in page
    assert "| Somehow | 0.700 | - | - | - | - | - | - | - | - |" in page
    assert (
        "| One | 0.600 | 0.500 (0.250 to 0.750), SD 0.062 | - | 0.500 (0.250 to 0.750) "
        "| 2 | 5 | 12 | 11 | 61 s |"
    ) in page
    assert (
        "| trainings | test patients | test images | with lesion | training time per run |" in page
    )
    assert "| A | B | A - B in DSC, published | A - B in DSC, simulated (95 % interval) |" in page
    assert "| Two | One | -0.012 | +0.100 (-0.100 to +0.300) | < 0.001 | < 0.001 |" in page
    assert "| Three | One | - | not tested | - | - |" in page
    assert "![Curves](tiny_curves.png)" in page
    assert "- A remark." in page


def test_fast_profile_compares_nothing():
    page = to_markdown({**DOCUMENT, "profile": "fast", "comparisons": []})
    assert "**Differences between rows are not tested.**" in page
    assert "A - B" not in page


def test_page_says_how_it_was_made():
    page = to_markdown(DOCUMENT)
    assert (
        "Full profile: little. The cohort has 5 simulated patients (preset `default`, seed 4); the "
        "split is by patient, with 30 % of the patients held out for testing. Metrics are computed "
        "from the pixels of all images of a run together and averaged over the runs; in "
        "parentheses: 95 % percentile bootstrap."
    ) in page
    assert "Made with `bonescan reproduce tiny` on A processor, 2 cores." in page
    assert ("Runs of 2026-01-02 to 2026-01-05, on cpu, threads of a run: 1, revision aaa.") in page
    assert "Versions: torch 1.2.3 / 1.2.4. Page written with revision abc." in page
    assert "Not all runs" not in page
    assert "All training together took 3 minutes; the machine was shared." in page
    assert "Optimistic" not in page
    assert "Not complete" not in page


def test_runs_of_several_kinds_are_told():
    mixed = {"revisions": ["aaa", "bbb"], "changed_data": ["datalist.json"], "dates": []}
    page = to_markdown({**DOCUMENT, "provenance": {**DOCUMENT["provenance"], **mixed}})
    assert "revision aaa, bbb." in page
    assert "**Not all runs are of the same code:**" in page
    assert "**Not all runs are of the same data:** datalist.json was changed" in page
    assert "Runs of not recorded, on" in page


def test_page_says_on_which_patients_settings_were_chosen():
    told = {
        seed: to_markdown({**DOCUMENT, "data": {**DOCUMENT["data"], "tuned_on_seed": seed}})
        for seed in (4, 0)
    }
    assert "**Its settings were chosen on this very cohort" in told[4]
    assert "chosen on another cohort, of seed 0" in told[0]
    assert "were chosen" not in to_markdown(DOCUMENT)


def test_cross_validation_holds_no_patients_out():
    page = to_markdown({**DOCUMENT, "data": {**DOCUMENT["data"], "test_share": None}})
    assert "the split is by patient. Metrics are" in page


def test_what_is_missing_or_optimistic_is_said():
    page = to_markdown({**DOCUMENT, "split": "image", "missing": ["Three", "Four"]})
    assert "**Optimistic: split by image.**" in page
    assert "held out" not in page
    assert "**Not complete yet:** Three; Four." in page


def test_counts_of_an_image_set():
    image_set = {"test": {"published": 450, "simulated": 456.0}}
    image_set["lesion_percent"] = {"published": None, "simulated": 0.33}
    document = {**DOCUMENT, "rows": [], "comparisons": [], "metrics": [], "image_set": image_set}
    page = to_markdown(document)
    assert "| test images | 450 | 456 |\n| lesion pixels, % | - | 0.33 |" in page
    assert "DSC" not in page
    assert "training together" not in page
