"""Negative mining on disk: masks of false positives, and a datalist that names them.

Chen 2023: a network of two classes predicts the scans, and what it takes for metastasis and is not
becomes the class of body without metastasis (bonescan.transforms.body_labels).
"""

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bonescan.data.datalist import load_items, read_datalist, rename_files
from bonescan.data.load import load_scan, load_scan_or_map
from bonescan.data.nifti import ViewStack, read_view_stack, write_view_stack
from bonescan.dicom.grid import require_same_grid
from bonescan.files import write_json
from bonescan.keys import BODY, IMAGE, LABEL
from bonescan.labels import Label
from bonescan.run_folder import label_map_name
from bonescan.transforms.body_labels import mine_false_positives

logger = logging.getLogger(__name__)

MASKS_FOLDER = "body"


def mine_datalist(datalist: Path, predictions: Path, mined: Path) -> NDArray[np.int64]:
    """Write a mask of false positives of every scan, and a datalist with these masks.

    A prediction is found by the scan's hash, so it does not matter from where inference ran. All
    sections, folds and fields are kept; file names are made relative to the new folder. Running
    again writes everything anew.

    Args:
        datalist: with `image` and `label` in every entry.
        predictions: output folder of inference on the datalist (configs/inference.yaml), with
            weights of a network that was not trained on the patients to be tested.
        mined: datalist to write; the masks go into a folder beside it.

    Returns:
        Number of mined pixels of each scan (scan,).

    Raises:
        ValueError: if the datalist cannot be used, a scan has no prediction, or a prediction does
            not fit its label.
    """
    if mined.resolve() == datalist.resolve():
        raise ValueError(f"datalist to write must be another than the one read, got {mined}")
    content: dict[str, Any] = json.loads(datalist.read_text(encoding="utf-8"))
    (mined.parent / MASKS_FOLDER).mkdir(parents=True, exist_ok=True)
    pixels: list[int] = []
    for section, entries in read_datalist(datalist).items():
        content[section] = [_move(entry, datalist.parent, mined.parent) for entry in entries]
        loaded = tqdm(load_items(datalist, section), unit="scan", desc=f"Mine {section}")
        for number, entry in enumerate(loaded):
            mask = _mine(entry, predictions, f"{datalist}: scan {number + 1} of {section!r}")
            name = f"{MASKS_FOLDER}/{section}-{number + 1:04d}.nii.gz"
            write_view_stack(mined.parent / name, mask.array, mask.spacing_mm, mask.views)
            content[section][number][BODY] = name
            pixels.append(int(mask.array.sum()))
    write_json(mined, content)
    if not any(pixels):
        logger.warning("%s: no false positives: the class of other body is empty", predictions)
    return np.array(pixels)


def _mine(entry: Mapping[str, Any], predictions: Path, where: str) -> ViewStack:
    """Return the false positives of one scan as uint8 0 or 1."""
    if LABEL not in entry:
        raise ValueError(f"{where}: every entry must have {LABEL!r}, this one has none")
    scan = load_scan(entry[IMAGE])
    scan_id = scan.scan_id
    path = predictions / scan_id / label_map_name(scan_id)
    if not path.is_file():
        raise ValueError(
            f"{where} must have a prediction, got no {path}: run inference on the datalist, with "
            f"--output_dir {predictions}"
        )
    pred = read_view_stack(path)
    facts, label = load_scan_or_map(entry[LABEL])
    require_same_grid(facts.grid, scan.grid, f"{where}: label map")
    require_same_grid(pred.grid, scan.grid, f"{where}: {path.name}")
    masks = [
        mine_false_positives(pred_view == Label.METASTASIS, label_view == Label.METASTASIS)
        for pred_view, label_view in zip(pred.array, label, strict=True)
    ]
    return ViewStack(np.stack(masks).astype(np.uint8), facts.spacing_mm, facts.views)


def _move(entry: Mapping[str, Any], old: Path, new: Path) -> dict[str, Any]:
    """Name an entry's files relative to another folder."""
    return rename_files(entry, lambda name: os.path.relpath(old / name, new))
