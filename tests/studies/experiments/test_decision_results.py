"""What is written of an experiment on decisions: trainings, readers, tests, and what is missing."""

import csv
import json
from dataclasses import replace

import pytest

from bonescan.labels import REPORT_SITES
from bonescan.studies.experiments.data import DataSet, ExperimentData
from bonescan.studies.experiments.decision_page import to_markdown
from bonescan.studies.experiments.decision_results import write_decisions
from bonescan.studies.experiments.experiment_file import load_experiment
from bonescan.studies.experiments.grid import CONFIGS, RunGrid, write_arguments

# truth and reading of two years, by patient; the network says that all have metastases
PATIENTS = {"A": (1, 0), "B": (1, 1), "C": (1, 1), "D": (0, 1), "E": (0, 0)}


def make_grid(folder, name, profile="fast"):
    entries = [
        {"patient": patient, "image": f"{patient}.dcm", "metastases": truth, "sites": [],
         "reading_2y": reading, "reading_5y": truth, "reading_10y": 1 - truth}
        for patient, (truth, reading) in PATIENTS.items()
    ]  # fmt: skip
    for patient in PATIENTS:
        (folder / f"{patient}.dcm").touch()
    datalist = folder / "datalist.json"
    datalist.write_text(json.dumps({"training": [], "test": entries}))
    experiment = load_experiment(CONFIGS / "experiments" / f"{name}.yaml").at(profile)
    return RunGrid(experiment, profile, ExperimentData({"c": DataSet("c", datalist)}), folder)


def finish(grid):
    for run in grid.runs():
        write_arguments(run, "arguments.json")
        (run.folder / "state.json").write_text('{"training": 9.0, "evaluation": 1.0}')
        (run.folder / "history.csv").write_text("seconds\n4\n3\n")
        (run.folder / "evaluation").mkdir()
        rows = "".join(f"s{name},{name},0.75,1,0.5,1\n" for name in PATIENTS)
        header = "scan_id,patient,prob_metastasis,true_metastasis,prob_bladder,true_bladder\n"
        (run.folder / "evaluation" / "images.csv").write_text(header + rows)


def write(grid, folder):
    return write_decisions(
        grid, folder / "results", command="bonescan reproduce x", split="patient"
    )


def test_the_table_has_trainings_and_readers_beside_what_is_published(tmp_path):
    grid = make_grid(tmp_path, "liu2021_table4")
    finish(grid)
    page = write(grid, tmp_path).read_text()
    line = next(line for line in page.splitlines() if line.startswith("| Classifier"))
    assert "109/123, 0.886" in line
    assert "3/5, 0.600" in line
    assert line.endswith("| 3/3, 1.000 (0.439 to 1.000) | 59/69, 0.855 (0.753 to 0.919) | "
                         "0/2, 0.000 (0.000 to 0.658) | 5 | 7 s |")  # fmt: skip
    reader = next(line for line in page.splitlines() if line.startswith("| Reader of less"))
    assert "2/3, 0.667" in reader
    assert reader.endswith("| 5 | - |")
    assert "Nothing is claimed of the networks" in page


def test_reports_are_compared_with_those_that_rows_name_in_the_same_training(tmp_path):
    grid = make_grid(tmp_path, "liu2021_report", "full")
    header = ",".join(["scan_id,patient", *(f"prob_{site}" for site in REPORT_SITES)])
    for run in grid.runs():
        if run.row.id not in {"network", "resnet34"}:
            continue
        write_arguments(run, "arguments.json")
        (run.folder / "state.json").write_text('{"training": 9.0, "evaluation": 1.0}')
        (run.folder / "history.csv").write_text("seconds\n4\n")
        (run.folder / "evaluation").mkdir()
        called = {"A"} if run.row.id == "network" else set("ABCDE")
        rows = [
            f"s{name},{name}{',0.9' * 6 if name in called else ',0.1' * 6}" for name in PATIENTS
        ]
        (run.folder / "evaluation" / "images.csv").write_text("\n".join([header, *rows]) + "\n")
    page = write(grid, tmp_path)
    document = json.loads(page.with_suffix(".json").read_text())
    pairs = document["pairs"]
    assert [(p["first"], p["second"]) for p in pairs[::2]] == [
        (f"Location network, true map, seed {seed}", f"ResNet-34, true map, seed {seed}")
        for seed in range(3)
    ]
    assert pairs[0]["metric"] == "report_right"
    assert pairs[0]["mcnemar"] == 2 / 16  # nobody has a site: one is right of B to E, one of none
    assert "Whole procedure with ResNet-34" in page.read_text()
    assert "would be right for 5 of these 5 patients" in page.read_text()
    for pair in pairs[1:]:
        del pair["chi_square"], pair["mcnemar"]
    kept = [line for line in to_markdown(document).splitlines() if line.count("true map, seed") > 1]
    assert len(kept) == 1, "of which neither a published nor a simulated p is known says nothing"


def test_readers_stand_alone_where_nothing_is_trained_yet(tmp_path):
    page = write(make_grid(tmp_path, "liu2021_table4"), tmp_path).read_text()
    assert "| Classifier" not in page
    assert "**Not complete yet:** Classifier of sub-images." in page


def test_published_p_values_are_those_of_the_paper(tmp_path):
    grid = make_grid(tmp_path, "liu2021_table5")
    finish(grid)
    write(grid, tmp_path)
    pairs = json.loads((tmp_path / "results" / "liu2021_table5.json").read_text())["pairs"]
    found = {(p["first"][:9], p["second"][-8:], p["metric"][:4]): p["published"] for p in pairs}
    assert len(pairs) == 6 * 3
    assert round(found["Reader of", "10 years", "sens"], 3) == 1.0  # 5 years against 10
    assert round(found["Classifie", "10 years", "accu"], 3) == 0.110
    assert round(found["Classifie", "10 years", "spec"], 3) == 0.001
    assert round(found["Classifie", " 5 years", "sens"], 3) == 0.340


@pytest.mark.parametrize(("profile", "tested"), [("fast", False), ("full", True)])
def test_trainings_are_tested_from_three_on(tmp_path, profile, tested):
    grid = make_grid(tmp_path, "liu2021_table5", profile)
    finish(grid)
    page = write(grid, tmp_path).read_text()
    lines = [line for line in page.splitlines() if line.startswith("| Classifier")]
    assert len(lines) == (3 if tested else 1) * 3 * 3
    assert all(("not tested" in line) != tested for line in lines)
    readers = [line for line in page.splitlines() if line.startswith("| Reader")]
    assert not any("not tested" in line for line in readers)


def test_mcnemar_is_of_the_patients_that_a_share_counts(tmp_path):
    grid = make_grid(tmp_path, "liu2021_table5")
    write(grid, tmp_path)
    pairs = json.loads((tmp_path / "results" / "liu2021_table5.json").read_text())["pairs"]
    tests = {p["metric"]: p for p in pairs if p["first"].endswith("5 years")}
    assert tests["accuracy_metastasis"]["mcnemar"] == 2 / 32  # 5 years alone right on all five
    assert tests["sensitivity_metastasis"]["mcnemar"] == 2 / 8
    assert tests["specificity_metastasis"]["mcnemar"] == 2 / 4


def test_every_decision_is_written(tmp_path):
    grid = make_grid(tmp_path, "liu2021_table4")
    finish(grid)
    page = write(grid, tmp_path)
    with (tmp_path / "results" / "liu2021_table4_decisions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * len(PATIENTS)
    assert sum(row["called"] == row["true"] for row in rows if row["row"] == "reading_2y") == 3
    document = json.loads(page.with_suffix(".json").read_text())
    assert to_markdown(document) == page.read_text()


def test_an_experiment_on_masks_is_refused(tmp_path):
    grid = make_grid(tmp_path, "liu2021_table4")
    masks = replace(grid, experiment=replace(grid.experiment, decisions=None))
    with pytest.raises(ValueError, match="must evaluate decisions"):
        write(masks, tmp_path)
