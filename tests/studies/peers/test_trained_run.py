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


def test_a_run_without_validation_is_refused(run, system_datalist):
    change(run / "config.json", fold=None)
    with pytest.raises(ValueError, match=r"a fold that validates it, .* None: train it with --fol"):
        read_patients(run, system_datalist)


def test_bodies_of_an_endless_training_test_nothing(run, system_datalist, tmp_path):
    content = json.loads(system_datalist.read_text())
    change(run / "run.json", bank={"name": "ab12", "bodies": 30})

    def read_with(body):
        content["test"][0]["body_of"] = body
        (tmp_path / "bank.json").write_text(json.dumps(content))
        return read_patients(run, tmp_path / "bank.json")

    assert len(read_with("ab12/20").test) == 1, "a body for testing"
    assert len(read_with("cd34/21").test) == 1, "of another bank"
    with pytest.raises(ValueError, match="got 1 of 1 with bodies of its bank's training part; dr"):
        read_with("ab12/21")


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
    both = read_effort(tmp_path, CPU, parameters=7, views_at_once=2)
    assert both.images == 2 * 79, "of a network that sees both views of a scan at once"
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


@pytest.fixture
def both_views(trained_system):
    return TrainedSystem(trained_system("both_views"), CPU)


def test_each_view_is_an_image_of_its_own_where_ours_sees_both(both_views, system_datalist):
    (entry,) = load_items(system_datalist, "test")
    sample = both_views.layout(dict(entry))
    ((scan, _),) = both_views.predict([entry])
    assert both_views.views_at_once == 2
    assert sample["image"].shape == scan.uptake.shape == scan.prob.shape
    np.testing.assert_array_equal(np.asarray(sample["label"]), scan.truth_label)
    assert 2 in scan.truth_label, "the bladder is there to be learnt"
    counts = np.asarray(sample["image"])
    np.testing.assert_array_equal(counts, np.rint(counts))
    bright = counts > counts.max() / 4
    ratio = scan.uptake[bright] ** 2 / counts[bright]  # the scaled image is the root of the counts
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)


def test_a_view_that_a_scan_lacks_is_no_image(both_views, system_datalist):
    entries = [*load_items(system_datalist, "test"), *load_items(system_datalist, "training")]
    parted = next(entry for entry in entries if isinstance(entry["image"], list))
    posterior = {"image": parted["image"][1], "patient": "p"}
    ((scan, _),) = both_views.predict([posterior])
    assert both_views.layout(dict(posterior))["image"].shape == scan.uptake.shape
    assert scan.forms == ("posterior",)
    assert len(scan.pred_label) == 1
