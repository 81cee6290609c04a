import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from bonescan.handlers.evaluation import EvaluatedScan
from bonescan.image_form import ImageForm
from bonescan.studies.peers.dataset import read_predictions, write_dataset
from bonescan.studies.peers.trained_run import Patients

ROWS, COLUMNS = 5, 7
RNG = np.random.default_rng(8)
COUNTS = RNG.poisson(300.5, (4, 2, ROWS, COLUMNS)) + 0.25
LABELS = RNG.integers(0, 3, (4, 2, ROWS, COLUMNS))
PATIENTS = Patients(training=[{"n": 0}, {"n": 1}], validation=[{"n": 2}], test=[{"n": 3}])


def layout(entry):
    return {"image": COUNTS[entry["n"]], "label": LABELS[entry["n"]]}


@pytest.fixture
def dataset(tmp_path):
    written = write_dataset(tmp_path / "Dataset901_Bonescan", PATIENTS, layout)
    assert written == {
        "images": {"train": 4, "val": 2, "test": 2},
        "patients": 2,
        "labels": ["metastasis", "bladder"],
    }
    return tmp_path / "Dataset901_Bonescan"


def read(path):
    with Image.open(path) as image:
        return np.array(image)


def test_counts_and_labels_are_written_as_they_are(dataset):
    image = read(dataset / "imagesTr" / "train_00001_1_0000.tif")
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, COUNTS[1, 1].astype(np.float32))
    np.testing.assert_array_equal(read(dataset / "labelsTr" / "val_00000_0.tif"), LABELS[2, 0])
    np.testing.assert_array_equal(
        read(dataset / "imagesTs" / "test_00000_1_0000.tif"), COUNTS[3, 1].astype(np.float32)
    )


def test_the_split_is_by_patient(dataset):
    (split,) = json.loads((dataset / "splits_final.json").read_text())
    assert split == {
        "train": ["train_00000_0", "train_00000_1", "train_00001_0", "train_00001_1"],
        "val": ["val_00000_0", "val_00000_1"],
    }
    described = json.loads((dataset / "dataset.json").read_text())
    assert described["labels"] == {"background": 0, "metastasis": 1, "bladder": 2}
    assert described["numTraining"] == 6
    assert len(list((dataset / "imagesTr").iterdir())) == 6


def test_without_bladder_in_the_training_there_is_none_to_learn(tmp_path):
    def thorax(entry):
        sample = layout(entry)
        return sample if entry in PATIENTS.test else {**sample, "label": sample["label"] % 2}

    assert write_dataset(tmp_path, PATIENTS, thorax)["labels"] == ["metastasis"]
    described = json.loads((tmp_path / "dataset.json").read_text())
    assert described["labels"] == {"background": 0, "metastasis": 1}


@pytest.fixture
def scan():
    return EvaluatedScan(
        scan_id="s", patient="p", forms=(ImageForm.ANTERIOR, ImageForm.POSTERIOR),
        spacing_mm=(2.0, 3.0), posterior_flipped=True, mirrored_copy=False, simulated=True,
        uptake=COUNTS[3], pred_label=np.zeros((2, ROWS, COLUMNS)), truth_label=LABELS[3],
        prob=np.zeros((2, ROWS, COLUMNS)), instances=np.ones((2, ROWS, COLUMNS), int),
    )  # fmt: skip


def predict(folder, index, probs):
    """Write probabilities (label, row, column) as nnU-Net does."""
    folder.mkdir(exist_ok=True)
    stacked = probs[:, None].astype(np.float32)
    np.savez_compressed(folder / f"test_00000_{index}.npz", probabilities=stacked)
    label = probs.argmax(axis=0).astype(np.uint8)
    Image.fromarray(label).save(folder / f"test_00000_{index}.tif")


def draw(*size, labels=3):
    probs = RNG.random((labels, *size))
    return probs / probs.sum(axis=0)


@pytest.mark.parametrize("labels", [2, 3])
def test_predictions_take_the_place_of_ours(tmp_path, scan, labels):
    probs = [draw(ROWS, COLUMNS, labels=labels) for _ in range(2)]
    for index in (0, 1):
        predict(tmp_path / "out", index, probs[index])
    (read_scan,) = read_predictions(tmp_path / "out", [scan])
    np.testing.assert_array_equal(read_scan.pred_label, [each.argmax(axis=0) for each in probs])
    np.testing.assert_allclose(read_scan.prob, [each[1] for each in probs], atol=1e-6)
    assert read_scan.instances is None
    assert dataclasses.replace(read_scan, pred_label=0, prob=0) == dataclasses.replace(
        scan, pred_label=0, prob=0, instances=None
    )


def test_predictions_that_do_not_fit_are_refused(tmp_path, scan):
    folder = tmp_path / "out"
    predict(folder, 0, draw(ROWS, COLUMNS))
    with pytest.raises(ValueError, match=r"each test image, lacks \['test_00000_1.tif', .*npz'\]"):
        read_predictions(folder, [scan])
    predict(folder, 1, draw(COLUMNS, ROWS))
    with pytest.raises(ValueError, match=r"1.tif: must have the size \(5, 7\), got \(7, 5\)"):
        read_predictions(folder, [scan])
    probs = draw(ROWS, COLUMNS)
    predict(folder, 1, probs)
    Image.fromarray(probs.argmax(axis=0)[::-1].astype(np.uint8)).save(folder / "test_00000_1.tif")
    with pytest.raises(ValueError, match=r"1.tif: must lie where its probabilities do"):
        read_predictions(folder, [scan])
