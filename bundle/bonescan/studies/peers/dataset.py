"""The images of a system as nnU-Net's raw dataset, and nnU-Net's predictions in the same places.

Images are written after our geometric steps and before our scaling: nnU-Net gets what our system
sees, in counts, and what it predicts lies on the label maps that ours is scored by. Each view is an
image of one channel, also beside a system that sees both at once: that is how nnU-Net is used on
scans, it has twice as many images to learn from, and its label maps, one value a pixel, could not
say what each of two views shows.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.transforms import Compose
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from bonescan.data.nnunet import DATASET_FILE, SPLITS_FILE
from bonescan.files import write_json
from bonescan.handlers.evaluation import EvaluatedScan
from bonescan.keys import IMAGE, LABEL, patient_of
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
ALWAYS = (Label.BACKGROUND.value, Label.METASTASIS.value)
"""Labels of every dataset, whether its images show them or not."""
_TIE = 1e-3
"""Probabilities are rounded: where two are as close as that, the predicted class may be either."""


def write_dataset(folder: Path, patients: Patients, layout: Compose) -> dict[str, Any]:
    """Write the images of a system as a raw dataset with its split.

    nnU-Net learns what the label maps show: metastases, and the bladder where it is in the images.

    Args:
        folder: DATASET in nnU-Net's folder of raw data.
        patients: what is written, and how it is split.
        layout: from an entry to image and label (image, row, column), in counts.

    Returns:
        `images`: numbers of them by TRAIN, VALIDATION and TEST; `patients`: those of the training;
        `labels`: names of what nnU-Net learns.
    """
    cases = {
        TRAIN: _write_scans(folder, "Tr", TRAIN, patients.training, layout),
        VALIDATION: _write_scans(folder, "Tr", VALIDATION, patients.validation, layout),
        TEST: _write_scans(folder, "Ts", TEST, patients.test, layout),
    }
    shown = [values for part in (TRAIN, VALIDATION) for values in cases[part].values()]
    labels = sorted(set(ALWAYS).union(*shown))
    description = {
        "name": "Bonescan",
        "channel_names": {"0": "counts"},
        "labels": {LABEL_NAMES[value]: value for value in labels},
        "numTraining": len(shown),
        "file_ending": ENDING,
        "overwrite_image_reader_writer": READER,
    }
    write_json(folder / DATASET_FILE, description)
    write_json(folder / SPLITS_FILE, [{part: list(cases[part]) for part in (TRAIN, VALIDATION)}])
    return {
        "images": {part: len(written) for part, written in cases.items()},
        "patients": len({patient_of(entry, str(entry)) for entry in patients.training}),
        "labels": [LABEL_NAMES[value] for value in labels if value != Label.BACKGROUND],
    }


def _write_scans(
    folder: Path, ending: str, part: str, entries: Entries, layout: Compose
) -> dict[str, set[int]]:
    """Write image and label map of each image of scans.

    Returns:
        The values of the label map by name of the image.
    """
    shown = {}
    for number, entry in enumerate(tqdm(entries, unit="scan", desc=f"Export {part}")):
        sample = layout(dict(entry))
        counts, label = np.asarray(sample[IMAGE]), np.asarray(sample[LABEL])
        for index, (plane, label_plane) in enumerate(zip(counts, label, strict=True)):
            case = case_name(f"{part}_{number:05d}", index)
            _write(folder / f"images{ending}" / f"{case}_0000{ENDING}", plane.astype(np.float32))
            _write(folder / f"labels{ending}" / f"{case}{ENDING}", label_plane.astype(np.uint8))
            shown[case] = {int(value) for value in np.unique(label_plane)}
    return shown


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
        probs = content["probabilities"][:, 0].astype(np.float32)  # (label, row, column)
    if not label.shape == probs.shape[1:] == size:
        raise ValueError(
            f"{label_path}: must have the size {size}, got {label.shape}, {probs.shape[1:]}"
        )
    second, first = np.sort(probs, axis=0)[-2:]
    if (label != probs.argmax(axis=0))[first - second > _TIE].any():
        raise ValueError(f"{label_path}: must lie where its probabilities do, which is not so")
    return label, probs[Label.METASTASIS]
