"""The time of a scan in its parts, and the page of it."""

import json
from dataclasses import replace

import pytest
import torch
from monai.networks.utils import eval_mode
from torch import nn

from bonescan.studies.benchmark.results import FORWARD, READ, PartClock
from bonescan.studies.experiments import time_results, timed_chains
from bonescan.studies.experiments.data import DataSet, ExperimentData
from bonescan.studies.experiments.experiment_file import load_experiment
from bonescan.studies.experiments.grid import CONFIGS, RunGrid
from bonescan.studies.experiments.time_page import to_markdown
from bonescan.studies.experiments.time_results import write_times
from bonescan.studies.experiments.timed_chains import ChainTimes, ForwardRecorder

EXPERIMENT = load_experiment(CONFIGS / "experiments" / "liu2021_time.yaml").at("fast")
CHAIN = ChainTimes(
    parts_s={"reading and preparing": [1.0, 2.0, 4.0], "network": [10.0, 10.0, 20.0]},
    bare_s=[10.0, 8.0, 16.0],
    findings=[3, 5, 4],
)


class Clock:
    """Shows the seconds that it was told of."""

    now_s = 0.0

    def process_time(self) -> float:
        return self.now_s


class Slow(nn.Module):
    """Takes as many seconds as its input says."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def forward(self, seconds: torch.Tensor) -> torch.Tensor:
        self.clock.now_s += float(seconds)
        return seconds


def test_calls_are_timed_by_network_and_done_again_bare(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timed_chains, "time", clock)
    first, second = Slow(clock), Slow(clock)
    recorder = ForwardRecorder({"first": first, "second": second})
    for seconds in (2.0, 3.0):
        first(torch.tensor(seconds))
    clock.now_s += 100
    second(torch.tensor(7.0))
    before = clock.now_s
    recorder(torch.zeros(1))
    assert clock.now_s - before == 12
    assert recorder.scans_s == [{"first": 5.0, "second": 7.0}]
    first(torch.tensor(1.0))
    recorder(torch.zeros(1))
    assert recorder.scans_s[1] == {"first": 1.0, "second": 0.0}, "a scan has its own calls alone"


def test_a_bare_pass_changes_no_network():
    network = nn.BatchNorm2d(2)
    recorder = ForwardRecorder({"network": network})
    with eval_mode(network):
        network(torch.full((3, 2, 4, 5), 7.0))
    assert network.training, "as an evaluation leaves it"
    recorder(torch.zeros(1))
    assert network.running_mean.tolist() == [0, 0]
    assert network.training


def test_the_inferer_is_parted_and_the_first_scan_warms_up():
    recorder = ForwardRecorder({})
    recorder.scans_s = [{"network": 50.0}, {"network": 6.0}, {"network": 8.0}]
    clock = PartClock(
        nn.Identity(),
        parts_s={READ: [9.0, 1.0, 2.0], FORWARD: [60.0, 7.0, 10.0]},
        bare_s=[5.0, 6.0, 7.0],
        findings=[1, 2, 3],
    )
    joined = timed_chains.join_times(clock, recorder)
    assert joined.parts_s == {
        READ: [1.0, 2.0],
        "network": [6.0, 8.0],
        timed_chains.AROUND: [1.0, 2.0],
    }
    assert (joined.bare_s, joined.findings) == ([6.0, 7.0], [2, 3])


def test_sums_and_ratio_are_of_each_scan():
    measured = {each.name: each.value for each in CHAIN.to_measurements()}
    assert measured["all"] == 12  # of 11, 12, 24
    assert measured["bare forward passes"] == 10
    assert measured["all / bare forward passes"] == 1.5  # of 1.1, 1.5, 1.5


def test_page_has_both_chains(tmp_path, monkeypatch):
    monkeypatch.setattr(time_results, "time_published", lambda *_: CHAIN)
    other = {"network": [1.0], "LabelMapWriter": [0.5]}
    monkeypatch.setattr(
        time_results, "time_released", lambda *_: ChainTimes(other, bare_s=[1.0], findings=[2])
    )
    monkeypatch.setattr("bonescan.studies.experiments.results.data_hash", lambda _: "abc")
    data = ExperimentData({"c": DataSet("c", tmp_path / "datalist.json")})
    grid = RunGrid(EXPERIMENT, "fast", data, tmp_path)
    page = write_times(grid, tmp_path / "out", command="bonescan x", split="patient")
    text, document = page.read_text(), json.loads(page.with_suffix(".json").read_text())
    assert to_markdown(document) == text
    assert "Published: 0.55 ± 0.07 s a scan" in text
    lines = text.splitlines()
    assert "| reading and preparing | 2 s (1 to 4) | - |" in lines
    assert "| `LabelMapWriter` | - | 0.5 s (0.5 to 0.5) |" in lines
    assert "| all / bare forward passes | 1.5 (1.1 to 1.5) | 1.5 (1.5 to 1.5) |" in lines
    assert lines.index("| all | 12 s (11 to 24) | 1.5 s (1.5 to 1.5) |") > lines.index(
        "| `LabelMapWriter` | - | 0.5 s (0.5 to 0.5) |"
    )


def test_an_experiment_without_times_is_refused(tmp_path):
    data = ExperimentData({"c": DataSet("c", tmp_path / "datalist.json")})
    grid = RunGrid(replace(EXPERIMENT, times=None), "fast", data, tmp_path)
    with pytest.raises(ValueError, match="must have times and a released system"):
        write_times(grid, tmp_path, command="", split="patient")
