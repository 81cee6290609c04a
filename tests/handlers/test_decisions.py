"""What an evaluation says of systems that decide of sub-images or of scans."""

import json

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor

from bonescan.files import read_rows
from bonescan.handlers.decisions import DecisionReport, read_decisions, summarise_decisions

BITS = ("metastasis", "bladder")


def sample_of(patient: str, probs: list, bits: list) -> tuple[dict, dict]:
    """Sample and entry of a scan; probabilities and bits (case, bit)."""
    meta = {"scan_id": f"scan of {patient}", "views": "anterior+posterior", "simulated": True}
    sample = {
        "image": MetaTensor(torch.zeros(2, 3, 4), meta=meta),
        "pred": torch.tensor(probs),
        "label": torch.tensor(bits),
    }
    return sample, {"patient": patient}


SCANS = [  # one right, one that is called by a wrong case, one missed, one right without any
    sample_of("C", [[0.9, 0.2], [0.1, 0.8]], [[1.0, 0], [0, 1]]),
    sample_of("A", [[0.2, 0.1], [0.6, 0.9]], [[0.0, 0], [0, 1]]),
    sample_of("D", [[0.4, 0.3], [0.3, 0.7]], [[1.0, 0], [0, 1]]),
    sample_of("B", [[0.1, 0.1], [0.1, 0.2]], [[0.0, 0], [0, 0]]),
]


def test_scans_and_their_cases_are_counted():
    summary = summarise_decisions([read_decisions(*scan) for scan in SCANS], BITS)
    assert (summary["scans"], summary["patients"], summary["cases"]) == (4, 4, 8)
    metastasis = summary["bits"]["metastasis"]
    hits = {key: (metastasis[key]["hits"], metastasis[key]["cases"])
            for key in ("accuracy", "sensitivity", "specificity")}  # fmt: skip
    assert hits == {"accuracy": (2, 4), "sensitivity": (1, 2), "specificity": (1, 2)}
    assert metastasis["cases_with"] == 2
    # 0.9 is above all six others, 0.4 above 0.1, 0.2, 0.3, 0.1, 0.1 and below 0.6
    assert metastasis["auc"]["value"] == pytest.approx(11 / 12)
    assert summary["bits"]["bladder"]["auc"]["value"] == 1
    assert (summary["all_right"]["hits"], summary["all_right"]["cases"]) == (1, 3)


def test_a_scan_of_one_case_may_lack_its_axis():
    sample, entry = sample_of("A", [0.9, 0.1], [1.0, 0.0])
    scan = read_decisions(sample, entry)
    assert scan.probs.shape == scan.truth.shape == (1, 2)
    assert np.array_equal(scan.truth, [[True, False]])


def test_report_writes_a_row_per_scan_and_a_summary(tmp_path):
    report = DecisionReport(output_dir=tmp_path, name="Classifier", bits=BITS)

    def step(engine: Engine, number: int) -> list:
        engine.state.batch = [SCANS[number][1]]
        return [SCANS[number][0]]

    engine = Engine(step)
    report.attach(engine)
    engine.run(range(4))
    engine.run(range(4))  # starts anew
    rows = read_rows(tmp_path / "images.csv")
    assert [row["patient"] for row in rows] == ["A", "B", "C", "D"]
    assert rows[0]["prob_metastasis"] == "0.600000"
    assert [row["true_metastasis"] for row in rows] == ["0", "0", "1", "1"]
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["Classifier"]["bits"]["metastasis"]["accuracy"]["hits"] == 2
    page = (tmp_path / "summary.md").read_text()
    assert "Simulated scans: 4 of 4 patients, 8 cases." in page
    assert "2/4, 0.500 (0.150 to 0.850)" in page


def test_undefined_values_are_none_and_said_so(tmp_path):
    scans = [read_decisions(*sample_of("A", [[0.2, 0.7]], [[0.0, 1.0]]))]
    summary = summarise_decisions(scans, BITS)
    assert summary["bits"]["metastasis"]["auc"]["value"] is None
    assert summary["bits"]["metastasis"]["sensitivity"]["value"] is None
