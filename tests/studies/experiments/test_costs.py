"""Parameters and test times of an experiment that trains nothing."""

import json

from bonescan.studies.experiments import costs
from bonescan.studies.experiments.experiment import Experiment, Row
from bonescan.studies.experiments.experiment_file import load_experiment
from bonescan.studies.experiments.grid import CONFIGS

MEASURED = {"one": {"parameters": 3652673, "test_s": 2.0}, "two": {"parameters": 10, "test_s": 5.0}}
ROWS = [
    Row("one", "t = 1", "lin2022_t1", {"parameters": 3654000, "test_s": 2.19}),
    Row("two", "t = 2", "lin2022_t2", {"parameters": 20, "test_s": 2.5}),
]
EXPERIMENT = Experiment("tiny", "A table", "A paper", "default", {}, rows=ROWS, remarks=["One."])


def test_page_has_published_and_measured_side_by_side(tmp_path, monkeypatch):
    monkeypatch.setattr(costs, "measure_costs", lambda _: MEASURED)
    page = costs.write_costs(EXPERIMENT, tmp_path, command="bonescan reproduce tiny").read_text()
    assert "| t = 1 | 3.654 M | 3.653 M | 2.19 s | 2.00 s | 1.00 | 1.00 |" in page
    assert "| 2.50 s | 5.00 s | 1.14 | 2.50 |" in page
    assert "\n\n- One.\n\n" in page
    document = json.loads((tmp_path / "tiny.json").read_text())
    assert costs.to_markdown(document) == page


def test_each_system_is_counted_as_published_and_timed(monkeypatch):
    monkeypatch.setattr(costs, "TURNS", 1)
    seconds = iter([9.0, 0.25])  # the first warms up
    monkeypatch.setattr(costs, "time_s", lambda _: next(seconds))
    assert costs.measure_costs(ROWS[:1]) == {"one": {"parameters": 3652673, "test_s": 0.25}}


def test_table_4_publishes_costs_alone():
    experiment = load_experiment(CONFIGS / "experiments" / "lin2022_table4.yaml")
    assert experiment.costs
    assert [row.published["test_s"] for row in experiment.rows] == [2.19, 2.45, 2.6, 4.21]
