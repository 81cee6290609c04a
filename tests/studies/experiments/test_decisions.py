"""Decisions on patients: who counts for a share, who is right, and what is refused."""

import csv
import json

import numpy as np
import pytest

from bonescan.data.load import load_scan
from bonescan.data.nifti import write_view_stack
from bonescan.dicom.scan import View
from bonescan.labels import REPORT_SITES
from bonescan.metrics.statistics import chi_square
from bonescan.studies.experiments.decisions import (
    Decided,
    published_share,
    read_reader,
    read_steps,
    read_trained,
)

ENTRIES = [
    {"patient": "C", "metastases": 1, "sites": ["spine", "ribs"], "reading_5y": 1},
    {"patient": "A", "metastases": 1, "sites": ["ribs"], "reading_5y": 0},
    {"patient": "D", "metastases": 0, "sites": [], "reading_5y": 0},
    {"patient": "B", "metastases": 0, "sites": [], "reading_5y": 0},
    {"patient": "E", "metastases": 0, "sites": [], "reading_5y": 1},
]


def counted(decided: Decided, metric: str) -> tuple[int, int]:
    found = decided.share(metric)
    return found.hits, found.cases


def write_rows(folder, probs, bits=("spine", "ribs")):
    with (folder / "images.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["scan_id", "patient", "form", *(f"prob_{bit}" for bit in bits)])
        writer.writerows([f"s{name}", name, "views", *each] for name, each in probs.items())
    return folder


def test_a_reader_is_right_of_those_whom_a_share_counts():
    decided = read_reader("reading_5y", ENTRIES)
    assert decided.patients == ["A", "B", "C", "D", "E"]
    assert counted(decided, "accuracy_metastasis") == (3, 5)
    assert counted(decided, "sensitivity_metastasis") == (1, 2)
    assert counted(decided, "specificity_metastasis") == (2, 3)
    assert decided.right("sensitivity_metastasis").tolist() == [False, True]


def test_sites_are_right_of_patients_with_any(tmp_path):
    probs = {"A": [0.1, 0.5], "B": [0.9, 0.9], "C": [0.2, 0.9], "D": [0, 0], "E": [0, 0.49]}
    decided = read_trained(write_rows(tmp_path, probs), ENTRIES)
    assert list(decided.bits) == ["spine", "ribs"]
    assert counted(decided, "all_right") == (1, 2)  # B has none, so that it does not count
    assert counted(decided, "sensitivity_spine") == (0, 1)
    assert counted(decided, "sensitivity_ribs") == (2, 2)
    assert counted(decided, "specificity_ribs") == (2, 3)


def test_a_report_without_a_decision_of_its_own_decides_by_its_sites(tmp_path):
    probs = {"A": [0.1, 0.5], "B": [0.9, 0.9], "C": [0.2, 0.9], "D": [0, 0], "E": [0, 0.49]}
    decided = read_trained(write_rows(tmp_path, probs), ENTRIES)
    assert decided.right("report_right").tolist() == [True, False, False, True, True]


def test_a_report_is_right_in_its_decision_and_in_all_sites():
    bits = ["metastasis", "spine", "ribs"]
    truth = [[1, 0, 1], [1, 0, 1], [1, 0, 1], [0, 0, 0], [0, 0, 0]]
    called = [[1, 0, 1], [0, 0, 1], [1, 1, 1], [0, 1, 0], [1, 0, 0]]
    decided = Decided(bits, list("ABCDE"), np.array(called, bool), np.array(truth, bool))
    assert decided.right("report_right").tolist() == [True, False, False, True, False]
    assert decided.right("all_right").tolist() == [True, True, False]  # whatever is decided


def test_trainings_applied_step_by_step_decide_on_scan_and_sites(tmp_path):
    entries = []
    for number, (patient, scan_prob, ribs) in enumerate([("B", 0.5, 0.5), ("A", 0.49, 0.9)]):
        path = tmp_path / f"{patient}.nii.gz"
        write_view_stack(path, np.full((1, 8, 5), number + 1.0), (2.0, 3.0), [View.ANTERIOR])
        entries.append({"image": str(path), "patient": patient, "metastases": 1, "sites": ["ribs"]})
        folder = tmp_path / load_scan(path).scan_id
        folder.mkdir()
        sites = dict.fromkeys(REPORT_SITES, 0.1) | {"ribs": ribs}
        said = {"probability_of_metastasis": scan_prob, "probability_by_site": sites}
        (folder / "findings.json").write_text(json.dumps(said))
    decided = read_steps(tmp_path, entries)
    assert decided.patients == ["A", "B"]
    assert decided.right("report_right").tolist() == [False, True]
    assert decided.right("all_right").tolist() == [True, True]
    assert decided.right("sensitivity_metastasis").tolist() == [False, True]


def test_other_patients_than_the_datalists_are_refused(tmp_path):
    folder = write_rows(tmp_path, {"A": [0.1, 0.5], "B": [0.9, 0.9]})
    with pytest.raises(ValueError, match="must hold the 5 test patients of the datalist, got 2"):
        read_trained(folder, ENTRIES)


def test_several_scans_of_a_patient_are_refused():
    with pytest.raises(ValueError, match="one scan each, got 6 of 5"):
        read_reader("reading_5y", [*ENTRIES, ENTRIES[0]])


def test_a_cohort_without_readings_is_refused():
    with pytest.raises(ValueError, match="must have the field 'reading_2y'"):
        read_reader("reading_2y", ENTRIES)


def test_a_published_value_is_a_number_of_patients_or_none():
    cases = {"accuracy_metastasis": 123, "all_right": 54}
    found = published_share("accuracy_metastasis", 0.8862, cases)
    assert (found.hits, found.cases) == (109, 123)
    assert published_share("accuracy_metastasis", 0.8850, cases) is None
    assert published_share("sensitivity_spine", 0.5, cases) is None
    other = published_share("accuracy_metastasis", 0.8699, cases)
    assert round(chi_square(other, found), 3) == 0.697  # Table 5, 5 years against the model
