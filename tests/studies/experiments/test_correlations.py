"""A measure and a laboratory value: what is measured, and what is said of it."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bonescan.measures.burden import stretch
from bonescan.phantom.files.patient_files import PatientOrigin, write_patient
from bonescan.phantom.presets import PRESETS
from bonescan.studies.experiments import correlation_results
from bonescan.studies.experiments.correlation_page import to_markdown
from bonescan.studies.experiments.correlation_results import write_correlations
from bonescan.studies.experiments.correlations import (
    MeasuredPatient,
    assess,
    compare,
    correlate,
    describe_published,
    measure_patient,
)
from bonescan.studies.experiments.data import DataSet, ExperimentData
from bonescan.studies.experiments.experiment_file import load_experiment
from bonescan.studies.experiments.grid import CONFIGS, RunGrid
from bonescan.studies.experiments.released import find_released
from tests.phantom.fakes import fake_patient

EXPERIMENT = load_experiment(CONFIGS / "experiments" / "liu2021_alp.yaml").at("fast")


@pytest.fixture(scope="module")
def datalist(tmp_path_factory):
    """Five patients on disk; the value is that of nobody else."""
    folder = tmp_path_factory.mktemp("cohort")
    entries = []
    for number in range(1, 6):
        origin = PatientOrigin(PRESETS["default"], 4, number)
        (folder / origin.folder).mkdir()
        patient = fake_patient(seed=number, tumour_burden=0.01 * number)
        write_patient(patient, origin, folder / origin.folder)
        files = sorted(path.name for path in (folder / origin.folder).glob("*.dcm"))
        entries.append({
            "image": [f"{origin.folder}/{name}" for name in files],
            "label": f"{origin.folder}/label.nii.gz",
            "patient": origin.patient, "alp_u_l": 70.0 + number**2, "tumour_burden": 0.01 * number,
            "sites": ["spine", "ribs"] if number < 4 else ["ribs"],
        })  # fmt: skip
    path = folder / "datalist.json"
    path.write_text(json.dumps({"training": entries[:4], "test": entries[4:]}))
    return path


@pytest.fixture(scope="module")
def entry(datalist):
    content = json.loads(datalist.read_text())["test"][0]
    content["image"] = [str(datalist.parent / name) for name in content["image"]]
    return {**content, "label": str(datalist.parent / content["label"])}


def test_burden_of_true_labels_is_their_share_of_the_counts_without_the_bladder(entry):
    views = fake_patient(seed=5).views.values()
    counts, labels = (
        np.stack([getattr(view, key) for view in views]) for key in ("counts", "label")
    )
    share = counts[labels == 1].sum() / counts[labels != 2].sum()
    measured = measure_patient(entry, assess(entry))
    assert measured.values["uptake_share"] == pytest.approx(share, rel=1e-6)
    assert measured.values["bstbi_counts"] == pytest.approx(stretch(share), rel=1e-6)
    assert measured.values["truth"] == pytest.approx(5 * 0.05 / (4 * 0.05 + 1))
    assert (measured.patient, measured.alp_u_l) == ("SIM0005", 95.0)


def test_another_mask_takes_the_place_of_the_true_one(entry):
    true = assess(entry)
    nothing = measure_patient(entry, replace(true, label_map=np.zeros_like(true.label_map))).values
    assert [nothing[name] for name in ("bstbi", "bstbi_counts", "uptake_share")] == [0, 0, 0]
    assert nothing["truth"] == measure_patient(entry, true).values["truth"]


def test_patient_without_the_value_is_refused(entry):
    without = {key: value for key, value in entry.items() if key != "alp_u_l"}
    with pytest.raises(ValueError, match="must have the field 'alp_u_l'"):
        measure_patient(without, assess(entry))


def test_correlations_with_the_value_and_with_what_it_was_drawn_from():
    patients = [
        MeasuredPatient(f"P{b}", alp, {"truth": b, "bstbi": bstbi})
        for b, alp, bstbi in [(0.1, 60, 3.0), (0.2, 90, 2.0), (0.4, 80, 1.0), (0.5, 900, 0.0)]
    ]
    found = correlate(patients, "bstbi")
    assert found["spearman"]["value"] == pytest.approx(-0.8)
    assert found["pearson"]["value"] == pytest.approx(
        np.corrcoef([3, 2, 1, 0], [60, 90, 80, 900])[0, 1]
    )
    assert found["truth"]["value"] == pytest.approx(-0.9899, abs=1e-4)
    assert (found["mean"], found["sd"]) == (1.5, pytest.approx(1.290994, abs=1e-6))


def make_patients(values: list[float]) -> list[MeasuredPatient]:
    alp = [60, 90, 80, 400, 300, 310]
    return [
        MeasuredPatient(f"P{number}", alp[number], {"bstbi": value})
        for number, value in enumerate(values)
    ]


def test_masks_are_compared_on_the_same_patients():
    true, other = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], [0.0, 0.5, 0.1, 0.2, 0.3, 0.1]
    found = compare(make_patients(other), make_patients(true), "bstbi")
    alp = [60, 90, 80, 400, 300, 310]
    less = np.corrcoef(other, alp)[0, 1] - np.corrcoef(true, alp)[0, 1]
    assert found["less"]["value"] == pytest.approx(less)
    assert found["less"]["low"] < less < found["less"]["high"]
    assert found["pearson"]["value"] == pytest.approx(np.corrcoef(true, other)[0, 1])
    same = compare(make_patients(true), make_patients(true), "bstbi")["less"]
    assert [same[key] for key in ("value", "low", "high")] == [0, 0, 0]


def test_masks_of_other_patients_are_not_compared():
    patients = make_patients([0.1, 0.2, 0.4])
    with pytest.raises(ValueError, match="must be of the same patients"):
        compare(patients, patients[::-1], "bstbi")


def test_published_correlation_has_an_interval():
    found = describe_published(EXPERIMENT.correlations)["pearson"]["bstbi"]
    assert found["value"] == 0.72
    assert (found["low"], found["high"]) == pytest.approx((0.552, 0.832), abs=5e-4)


class EmptySystem:
    """Marks nothing; looks at what it is given."""

    provenance = SimpleNamespace(weights_sha256=("0123456789",), operating_point={"threshold": 0.1})

    def __init__(self, run):
        assert run.name == "both_views"

    def __call__(self, image):
        folder = Path(image[0]).parent
        entry = {"image": image, "label": folder / "label.nii.gz"}
        scan = assess(entry)
        return replace(scan, label_map=np.zeros_like(scan.label_map))


def write(datalist, folder, **changes):
    data = ExperimentData({"c": DataSet("c", datalist)})
    grid = RunGrid(replace(EXPERIMENT, **changes), "fast", data, folder)
    return write_correlations(grid, folder / "out", command="bonescan x", split="patient")


def test_document_page_table_and_picture(datalist, tmp_path):
    page = write(datalist, tmp_path, released=None)
    document = json.loads(page.with_suffix(".json").read_text())
    text = page.read_text()
    assert to_markdown(document) == text
    assert "| true labels | 5 | 0.120 ± 0.160 |" in text
    assert "0.720 (0.552 to 0.832), n = 50" in text
    assert "The relation is put in by the simulator" in text
    assert "| spine | 220/280, 0.786 | 3/5, 0.600" in text
    assert "predicted" not in text
    assert (page.parent / document["pictures"].popitem()[1]).is_file()
    with (page.parent / "liu2021_alp_patients.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["alp_u_l"] for row in rows] == ["71.0", "74.0", "79.0", "86.0", "95.0"]


def test_predicted_labels_stand_beside_the_true_ones(datalist, tmp_path, monkeypatch):
    monkeypatch.setattr(correlation_results, "load", EmptySystem)
    page = write(datalist, tmp_path)
    document = json.loads(page.with_suffix(".json").read_text())
    text = page.read_text()
    assert to_markdown(document) == text
    assert "`models/both_views` (SHA-256 of its weights 01234567)" in text
    assert "| predicted labels | 5 | 0.120 ± 0.160 | 0.000 ± 0.000 |" in text
    assert text.count("| the body |") == 1, "what the body holds is of no mask"
    assert document["compared"]["bstbi"]["pearson"]["value"] is None, "nothing correlates with zero"
    with (page.parent / "liu2021_alp_patients.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["mask"] == "predicted labels"]
    assert {row["bstbi"] for row in rows} == {"0.0"}


def test_released_system_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="got models/nothing, which has none"):
        find_released(replace(EXPERIMENT, released="models/nothing"))


def test_an_experiment_without_a_value_is_refused(datalist, tmp_path):
    grid = RunGrid(
        replace(EXPERIMENT, correlations=None),
        "fast",
        ExperimentData({"c": DataSet("c", datalist)}),
        tmp_path,
    )
    with pytest.raises(ValueError, match="must compare a measure with a value"):
        write_correlations(grid, tmp_path, command="", split="patient")
