import json
import shutil

import numpy as np
import pytest
import torch

from bonescan.data.datalist import load_items
from bonescan.files import read_rows, write_rows
from bonescan.studies.peers.trained_run import (
    Effort,
    TrainedSystem,
    read_effort,
    read_patients,
)

CPU = torch.device("cpu")
SYSTEM = "lin2020_unet_res"

pytestmark = pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning")


@pytest.fixture
def run(trained_system, tmp_path):
    return shutil.copytree(trained_system(SYSTEM), tmp_path / "run")


def change(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_patients_are_those_that_the_run_used(run, system_datalist):
    patients = read_patients(run, system_datalist)
    content = json.loads(system_datalist.read_text())

    def names(entries):
        return [entry["patient"] for entry in entries]

    assert names(patients.training) == [e["patient"] for e in content["training"] if e["fold"] == 1]
    assert names(patients.validation) == [
        e["patient"] for e in content["training"] if e["fold"] == 0
    ]
    assert names(patients.test) == names(content["test"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fold": None}, "must have a fold that validates it, .* got None: train it with --fold"),
        ({"drawn_from": "bank"}, "must be of a data set, got one of patients without end"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(run, system_datalist, values, message):
    change(run / "config.json", **values)
    with pytest.raises(ValueError, match=message):
        read_patients(run, system_datalist)


def test_without_test_patients_nothing_is_compared(run, system_datalist, tmp_path):
    content = json.loads(system_datalist.read_text())
    del content["test"]
    (tmp_path / "few.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"section must be one of \['training'\], got 'test'"):
        read_patients(run, tmp_path / "few.json")


HISTORY = [
    {"epoch": 1, "seconds": 5.0, "images": 40, "processor_seconds": 8.5, "memory_mb": 900},
    {"epoch": 2, "seconds": 4.0, "images": 39, "processor_seconds": 7.25, "memory_mb": 950},
]


def test_effort_is_that_of_all_epochs(tmp_path):
    write_rows(tmp_path / "history.csv", HISTORY)
    (tmp_path / "run.json").write_text('{"device": "cpu"}')
    effort = read_effort(tmp_path, CPU, parameters=7)
    assert effort == Effort(epochs=2, images=79, clock_s=15.75, memory_mb=950, parameters=7)
    with pytest.raises(ValueError, match=r"of the kind that .* was trained on, cpu, got cuda"):
        read_effort(tmp_path, torch.device("cuda"), parameters=7)
    change(tmp_path / "run.json", device="NVIDIA X")
    assert read_effort(tmp_path, torch.device("cuda"), parameters=7).clock_s == 9.0


def test_a_history_of_an_earlier_version_is_refused(tmp_path):
    write_rows(tmp_path / "history.csv", [{"epoch": 1, "seconds": 5.0}])
    with pytest.raises(ValueError, match="must have the columns images, processor_seconds and mem"):
        read_effort(tmp_path, CPU, parameters=7)


def test_a_real_history_tells_the_effort(run):
    rows = read_rows(run / "history.csv")
    effort = read_effort(run, CPU, parameters=1)
    assert effort.epochs == len(rows) == 2
    assert effort.images == 2 * 4, "two patients of two views in each epoch"
    assert effort.clock_s > 0


def test_layout_gives_the_images_of_the_system_in_counts(run, system_datalist):
    system = TrainedSystem(run, CPU)
    (entry,) = load_items(system_datalist, "test")
    sample = system.layout(dict(entry))
    ((scan, seconds),) = system.predict([entry])
    assert sample["image"].shape == scan.uptake.shape == (2, 256, 224)
    counts = np.asarray(sample["image"])
    np.testing.assert_array_equal(counts, np.rint(counts))
    assert counts.max() > 20
    np.testing.assert_array_equal(np.asarray(sample["label"]), scan.truth_label)
    for plane, uptake in zip(counts, scan.uptake, strict=True):
        white = plane[uptake == 1].min()
        np.testing.assert_allclose(
            np.clip(plane / plane[uptake < 1].max(), 0, 1)[plane < white],
            (uptake / uptake[uptake < 1].max())[plane < white],
            atol=1e-4,
        )
    assert seconds > 0
    assert scan.prob.shape == scan.pred_label.shape == (2, 256, 224)
