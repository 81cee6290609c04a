"""The images of a system as nnU-Net's raw dataset, and nnU-Net's predictions in the same places.

Images are written after our geometric steps and before our scaling: nnU-Net gets the crops that our
system sees, in counts, and what it predicts lies on the label maps that ours is scored by.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from monai.transforms import Compose
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from bonescan.data.nnunet import DATASET_FILE, SPLITS_FILE
from bonescan.files import write_json
from bonescan.handlers.evaluation import EvaluatedScan
from bonescan.keys import IMAGE, LABEL
from bonescan.labels import LABEL_NAMES, Label
from bonescan.studies.peers.trained_run import Entries, Patients

DATASET = "Dataset901_Bonescan"
NUMBER = "901"
FOLD = "0"
"""nnU-Net's number of our one split."""
ENDING = ".tif"
"""Of files with a float for each pixel, which counts need after resampling."""
READER = "NaturalImage2DIO"
TRAIN, VALIDATION, TEST = "train", "val", "test"
_TIE = 1e-3
"""Probabilities are rounded: next to a half, the predicted class may be either."""


def write_dataset(folder: Path, patients: Patients, layout: Compose) -> dict[str, int]:
    """Write the images of a system as a raw dataset with its split.

    Args:
        folder: DATASET in nnU-Net's folder of raw data.
        patients: what is written, and how it is split.
        layout: from an entry to image and label (image, row, column), in counts.

    Returns:
        Number of images for training, validation and test, by TRAIN, VALIDATION, TEST.
    """
    parts: dict[str, tuple[Entries, str]] = {
        TRAIN: (patients.training, "Tr"),
        VALIDATION: (patients.validation, "Tr"),
        TEST: (patients.test, "Ts"),
    }
    cases = {
        part: [
            case
            for number, entry in enumerate(tqdm(entries, unit="scan", desc=f"Export {part}"))
            for case in _write_scan(folder, ending, f"{part}_{number:05d}", layout(dict(entry)))
        ]
        for part, (entries, ending) in parts.items()
    }
    description = {
        "name": "Bonescan",
        "channel_names": {"0": "counts"},
        "labels": {
            LABEL_NAMES[label]: label.value for label in (Label.BACKGROUND, Label.METASTASIS)
        },
        "numTraining": len(cases[TRAIN]) + len(cases[VALIDATION]),
        "file_ending": ENDING,
        "overwrite_image_reader_writer": READER,
    }
    write_json(folder / DATASET_FILE, description)
    write_json(folder / SPLITS_FILE, [{part: cases[part] for part in (TRAIN, VALIDATION)}])
    return {part: len(names) for part, names in cases.items()}


def _write_scan(folder: Path, ending: str, name: str, sample: Mapping[str, NDArray]) -> list[str]:
    """Write image and label of each image of a scan; return their names."""
    counts, label = (np.asarray(sample[key]) for key in (IMAGE, LABEL))
    names = [case_name(name, index) for index in range(len(counts))]
    for case, plane, label_plane in zip(names, counts, label, strict=True):
        _write(folder / f"images{ending}" / f"{case}_0000{ENDING}", plane.astype(np.float32))
        lesion = (label_plane == Label.METASTASIS).astype(np.uint8) * Label.METASTASIS.value
        _write(folder / f"labels{ending}" / f"{case}{ENDING}", lesion.astype(np.uint8))
    return names


def case_name(scan: str, index: int) -> str:
    """Return the name of one image of a scan."""
    return f"{scan}_{index}"


def _write(path: Path, plane: NDArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(plane)).save(path)


def read_predictions(folder: Path, scans: Sequence[EvaluatedScan]) -> list[EvaluatedScan]:
    """Put nnU-Net's predictions in place of others.

    Args:
        folder: of nnU-Net's predictions with probabilities.
        scans: the test scans in the order in which `write_dataset` wrote them.

    Returns:
        The scans with the predictions.

    Raises:
        ValueError: if a prediction is missing or of another size, or if its label map is not where
            its probabilities are.
    """
    return [
        _with_prediction(scan, folder, f"{TEST}_{number:05d}") for number, scan in enumerate(scans)
    ]


def _with_prediction(scan: EvaluatedScan, folder: Path, name: str) -> EvaluatedScan:
    size = scan.truth_label.shape[1:]
    planes = [_read_image(folder / case_name(name, i), size) for i in range(len(scan.truth_label))]
    label, prob = (np.stack(each) for each in zip(*planes, strict=True))
    return dataclasses.replace(scan, pred_label=label, prob=prob, instances=None)


def _read_image(path: Path, size: tuple[int, ...]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Read label map and probability of metastasis of one image, (row, column)."""
    label_path, prob_path = path.with_suffix(ENDING), path.with_suffix(".npz")
    missing = [each.name for each in (label_path, prob_path) if not each.is_file()]
    if missing:
        raise ValueError(
            f"{path.parent} must hold a prediction of each test image, lacks {missing}"
        )
    with Image.open(label_path) as image:
        label = np.array(image)
    with np.load(prob_path) as content:
        prob = content["probabilities"][Label.METASTASIS, 0].astype(np.float32)
    if not label.shape == prob.shape == size:
        raise ValueError(
            f"{label_path}: must have the size {size}, got {label.shape}, {prob.shape}"
        )
    certain = np.abs(prob - 0.5) > _TIE
    if ((label == Label.METASTASIS) != (prob > 0.5))[certain].any():
        raise ValueError(f"{label_path}: must lie where its probabilities do, which is not so")
    return label, prob
