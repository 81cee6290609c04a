"""LabelMe files and small labelled scans for tests."""

import json
from pathlib import Path

import numpy as np

from bonescan.data.nifti import write_view_stack
from bonescan.dicom.scan import View
from tests.factories import COLUMNS, ROWS, SPACING_MM, make_scan_file


def write_boxes(path: Path, boxes, *, image: str, size=(ROWS, COLUMNS), **fields) -> Path:
    """Write a LabelMe file with rectangles {(left, top, right, bottom): label}."""
    shapes = [
        {
            "label": label,
            "points": [[left, top], [right, bottom]],
            "group_id": None,
            "shape_type": "rectangle",
            "flags": {},
        }
        for (left, top, right, bottom), label in boxes.items()
    ]
    content = {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": image,
        "imageData": None,
        "imageHeight": size[0],
        "imageWidth": size[1],
        **fields,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def make_scans(folder: Path, count: int) -> None:
    """Write scans of two views, one patient each: `p0/scan.dcm` ..."""
    for number in range(count):
        make_scan_file(folder / f"p{number}" / "scan.dcm", study_uid=f"1.2.3.{number}")


def make_cohort(folder: Path, labels, *, test: int = 0) -> Path:
    """Write scans with label maps (view, row, column) and their datalist; the last are a test set.

    Training patients are in folds of their own.
    """
    make_scans(folder, len(labels))
    entries = []
    for number, label in enumerate(labels):
        name = f"p{number}/label.nii.gz"
        write_view_stack(folder / name, np.asarray(label, np.uint8), SPACING_MM, tuple(View))
        entries.append(
            {"image": f"p{number}/scan.dcm", "label": name, "patient": f"P{number}", "age": 50}
        )
    split = len(entries) - test
    for fold, entry in enumerate(entries[:split]):
        entry["fold"] = fold
    path = folder / "datalist.json"
    path.write_text(json.dumps({"training": entries[:split], "test": entries[split:]}))
    return path


def random_label(seed: int):
    """Return a label map (view, row, column) without any symmetry."""
    rng = np.random.default_rng(seed)
    label = np.zeros((2, ROWS, COLUMNS), dtype=np.uint8)
    for plane in label:
        for value in (1, 1, 2):
            row, column = rng.integers(3, ROWS - 10), rng.integers(3, COLUMNS - 9)
            plane[row : row + rng.integers(3, 7), column : column + rng.integers(3, 7)] = value
    return label
