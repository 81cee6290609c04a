"""A datalist as a raw dataset of nnU-Net v2, and its predictions back as label maps.

The layout is that of nnU-Net's `documentation/dataset_format.md`: `DatasetNNN_Name/` with
`imagesTr`, `labelsTr`, `imagesTs`, `dataset.json`, and `splits_final.json`, which its planner
copies and its trainer follows. Each view is a case of its own with one channel,
`SCAN_anterior_0000.png`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from bonescan.data.datalist import TEST, TRAINING
from bonescan.data.listing import ListedScan, list_scans
from bonescan.data.load import load_scan
from bonescan.data.nifti import read_view_stack, write_view_stack
from bonescan.dicom.grid import require_same_grid
from bonescan.dicom.scan import View, mirrored
from bonescan.files import write_json
from bonescan.keys import FOLD, IMAGE, LABEL
from bonescan.labels import LABEL_NAMES, Label, check_label_values

PNG, NIFTI = ".png", ".nii.gz"
READERS = {PNG: "NaturalImage2DIO", NIFTI: "SimpleITKIO"}
"""nnU-Net's reader of each kind of file; NIfTI files have one slice."""

FOLDERS = {TRAINING: "Tr", TEST: "Ts"}
"""Ending of the folders of each section."""

DATASET_FILE, SPLITS_FILE = "dataset.json", "splits_final.json"
_MIRRORED = "posterior_mirrored"
"""Field of ours in dataset.json, which nnU-Net does not look at."""
_LARGEST_COUNT = 65535


@dataclass(frozen=True)
class DatasetForm:
    """How a dataset is written.

    Attributes:
        file_ending: PNG (16-bit grey, whole counts) or NIFTI (float32, with the pixel spacing).
        mirror_posterior: flip the posterior view, so that a place of the body is at the same place
            of the image in both views.
        lesions_only: write the bladder as background.
    """

    file_ending: str = PNG
    mirror_posterior: bool = False
    lesions_only: bool = False

    def __post_init__(self) -> None:
        if self.file_ending not in READERS:
            known = " or ".join(READERS)
            raise ValueError(f"file_ending must be {known}, got {self.file_ending!r}")


def export_dataset(datalist: Path, folder: Path, form: DatasetForm) -> Path:
    """Write the training and test sections of a datalist as a raw dataset.

    Args:
        datalist: with `label` and `fold` in every training entry; test entries may have labels.
        folder: `nnUNet_raw/DatasetNNN_Name`; it must not exist or be empty.
        form: how.

    Returns:
        The folder.

    Raises:
        ValueError: if the name is not nnU-Net's, the folder is not empty, the datalist lacks labels
            or folds, a scan cannot be read, or counts or label values cannot be written.
    """
    number, _, name = folder.name.removeprefix("Dataset").partition("_")
    if not (folder.name.startswith("Dataset") and len(number) == 3 and number.isdigit() and name):
        raise ValueError(f"folder must be named DatasetNNN_Name, got {folder.name!r}")
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} must be empty, got other files; choose another folder")
    scans = [scan for scan in _list_all(datalist) if scan.section in FOLDERS]
    training = [scan for scan in scans if scan.section == TRAINING]
    _require_fields(training, datalist)
    for scan in tqdm(scans, unit="scan", desc="Export"):
        _write_scan(scan, folder, form)
    cases = sum(len(scan.facts.views) for scan in training)
    write_json(folder / DATASET_FILE, _describe(name, cases, form), indent=1)
    write_json(folder / SPLITS_FILE, make_splits(training), indent=1)
    return folder


def make_splits(scans: Sequence[ListedScan]) -> list[dict[str, list[str]]]:
    """Return nnU-Net's splits: per fold the cases of `train` and `val`, by the scans' folds."""
    folds = sorted({scan.entry[FOLD] for scan in scans})
    return [
        {
            "train": [case for scan in scans if scan.entry[FOLD] != fold for case in _cases(scan)],
            "val": [case for scan in scans if scan.entry[FOLD] == fold for case in _cases(scan)],
        }
        for fold in folds
    ]


def import_predictions(
    datalist: Path, dataset: Path, predictions: Path, output: Path
) -> list[Path]:
    """Turn a folder of predictions into one label map per scan, in the acquisition's geometry.

    Args:
        datalist: the one that the dataset was made of.
        dataset: folder of the dataset, for its dataset.json.
        predictions: folder of predicted label maps, `SCAN_anterior.png`.
        output: folder to write; files are named after the scans.

    Returns:
        The files written: those of the scans with predictions of all views.

    Raises:
        ValueError: if a file cannot be read or has another size or other values than its scan, a
            scan lacks a view, or there are no predictions of these scans.
    """
    described = _read_description(dataset / DATASET_FILE)
    ending = described["file_ending"]
    scans = _list_all(datalist)
    written = []
    output.mkdir(parents=True, exist_ok=True)
    for scan in tqdm(scans, unit="scan", desc="Import"):
        facts = scan.facts
        paths = {view: predictions / f"{_case(scan, view)}{ending}" for view in facts.views}
        missing = [path.name for path in paths.values() if not path.is_file()]
        if len(missing) == len(paths):
            continue
        if missing:
            raise ValueError(f"{predictions}: predictions must be of all views, {missing} missing")
        planes = [
            _read_plane(path, view, scan.size, mirror=described[_MIRRORED])
            for view, path in paths.items()
        ]
        path = output / f"{scan.key}.nii.gz"
        write_view_stack(path, np.stack(planes), facts.spacing_mm, facts.views)
        written.append(path)
    if not written:
        raise ValueError(f"{predictions}: must hold predictions of the scans of {datalist}")
    return written


def _list_all(datalist: Path) -> list[ListedScan]:
    """List the scans of a datalist, all of which must be readable."""
    scans, failures = list_scans(datalist)
    if failures:
        raise ValueError("; ".join(failures))
    return scans


def _case(scan: ListedScan, view: View) -> str:
    return f"{scan.key}_{view}"


def _cases(scan: ListedScan) -> list[str]:
    return [_case(scan, view) for view in scan.facts.views]


def _require_fields(training: Sequence[ListedScan], datalist: Path) -> None:
    if not training:
        raise ValueError(f"{datalist}: section {TRAINING!r} must hold scans, got none")
    for key in (LABEL, FOLD):
        missing = sum(key not in scan.entry for scan in training)
        if missing:
            raise ValueError(f"{datalist}: every training entry must have {key!r}, {missing} lack")


def _describe(name: str, cases: int, form: DatasetForm) -> dict[str, Any]:
    """Return the content of dataset.json."""
    labels = {text: value for value, text in LABEL_NAMES.items() if _is_kept(value, form)}
    return {
        "name": name,
        "channel_names": {"0": "counts"},
        "labels": labels,
        "numTraining": cases,
        "file_ending": form.file_ending,
        "overwrite_image_reader_writer": READERS[form.file_ending],
        _MIRRORED: form.mirror_posterior,
    }


def _is_kept(value: int, form: DatasetForm) -> bool:
    return value != Label.BLADDER or not form.lesions_only


def _write_scan(scan: ListedScan, folder: Path, form: DatasetForm) -> None:
    """Write images and, where there are any, labels of one scan."""
    ending = FOLDERS[scan.section]
    loaded = load_scan(scan.entry[IMAGE])
    label = _read_label(scan, form) if LABEL in scan.entry else None
    for index, view in enumerate(loaded.views):
        name = _case(scan, view)
        counts = _turned(loaded.counts[view], view, mirror=form.mirror_posterior)
        path = folder / f"images{ending}" / f"{name}_0000{form.file_ending}"
        _write_plane(path, counts, loaded.spacing_mm, view)
        if label is not None:
            plane = _turned(label[index], view, mirror=form.mirror_posterior)
            path = folder / f"labels{ending}" / f"{name}{form.file_ending}"
            _write_plane(path, plane, loaded.spacing_mm, view)


def _read_label(scan: ListedScan, form: DatasetForm) -> NDArray[np.uint8]:
    stack = read_view_stack(scan.entry[LABEL])
    require_same_grid(stack.grid, scan.grid, f"scan {scan.key}: {Path(scan.entry[LABEL]).name}")
    check_label_values(np.unique(stack.array).tolist(), f"scan {scan.key}: label map")
    kept = [value for value in LABEL_NAMES if _is_kept(value, form)]
    return np.where(np.isin(stack.array, kept), stack.array, Label.BACKGROUND).astype(np.uint8)


def _turned(plane: NDArray, view: View, *, mirror: bool) -> NDArray:
    """Lay a posterior view on the anterior one where that is asked, or put it back."""
    return mirrored(plane, view) if mirror else plane


def _write_plane(path: Path, plane: NDArray, spacing_mm: tuple[float, float], view: View) -> None:
    """Write counts (float32) or labels (uint8), (row, column)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith(NIFTI):
        write_view_stack(path, plane[None], spacing_mm, (view,))
        return
    if plane.dtype != np.uint8:
        if (plane != np.rint(plane)).any() or plane.min() < 0 or plane.max() > _LARGEST_COUNT:
            raise ValueError(
                f"{path.name}: counts must be whole numbers from 0 to {_LARGEST_COUNT} for "
                f"{PNG}, got {plane.min():g} to {plane.max():g}; choose {NIFTI}"
            )
        plane = plane.astype(np.uint16)
    Image.fromarray(np.ascontiguousarray(plane)).save(path)


def _read_plane(
    path: Path, view: View, size: tuple[int, int], *, mirror: bool
) -> NDArray[np.uint8]:
    """Read one predicted label map (row, column), in the acquisition's geometry."""
    if path.name.endswith(NIFTI):
        plane = read_view_stack(path, view=view).array[0]
    else:
        try:
            with Image.open(path) as image:
                plane = np.array(image)
        except OSError as err:
            raise ValueError(f"{path.name}: must be a PNG file, got {err}") from err
    if plane.shape != size:
        raise ValueError(f"{path.name}: must have the scan's size {size}, got {plane.shape}")
    check_label_values(np.unique(plane).tolist(), path.name)
    return _turned(plane, view, mirror=mirror).astype(np.uint8)


def _read_description(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as err:
        raise ValueError(f"{path}: must be the dataset.json of an export, got {err}") from err
    if not isinstance(content, Mapping):
        raise ValueError(f"{path}: must be the dataset.json of an export, got no JSON object")
    missing = [key for key in ("file_ending", _MIRRORED) if key not in content]
    if missing:
        raise ValueError(f"{path}: must be the dataset.json of an export, lacks {missing}")
    return content
