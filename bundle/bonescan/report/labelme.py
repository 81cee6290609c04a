"""Pictures and LabelMe files of label maps, for a physician to correct and import again."""

import glob
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from bonescan.data.annotation.labelme import Annotation, LabelMeShape, write_labelme
from bonescan.data.annotation.outline import outline_shapes
from bonescan.data.listing import ListedScan, list_scans
from bonescan.data.load import load_scan
from bonescan.data.nifti import ViewStack, read_view_stack
from bonescan.dicom.grid import require_same_grid
from bonescan.dicom.scan import BoneScan, View
from bonescan.dicom.scan_id import warn_of_shared_key
from bonescan.keys import IMAGE, LABEL
from bonescan.labels import LABEL_NAMES, Label, check_label_values
from bonescan.report.drawing import display_limit
from bonescan.report.provenance import read_made_by
from bonescan.run_folder import label_map_name


def export_scans(scans: Path, labels: Path | None, folder: Path) -> tuple[int, list[str]]:
    """Write pictures and LabelMe files of all scans of a collection.

    Args:
        scans: folder or datalist of scans.
        labels: output folder of inference, or one of label maps named after the scans; None takes
            the labels of the datalist, and writes only pictures, to draw on, of scans without one.
        folder: where to write.

    Returns:
        The number of views, and a line for each scan that was left out, which says why.

    Raises:
        ValueError: if there are no scans.
        OSError: if the folder cannot be written.
    """
    warn_of_shared_key()
    listed, failures = list_scans(scans)
    views = 0
    for scan in tqdm(listed, unit="scan", desc="Export"):
        path = find_label_map(scan, labels)
        if path is None and labels is not None:
            failures.append(f"scan {scan.key}: has no label map")
            continue
        try:
            loaded = load_scan(scan.entry[IMAGE])
            if path is None:
                views += len(export_pictures(scan.key, loaded, folder))
            else:
                views += len(export_for_labelme(scan.key, loaded, read_view_stack(path), folder))
        except ValueError as err:
            failures.append(str(err))
    return views, failures


def find_label_map(scan: ListedScan, labels: Path | None) -> Path | None:
    """Find the label map of a scan: by its scan id, as inference names it, or by its key."""
    if labels is None:
        return Path(scan.entry[LABEL]) if LABEL in scan.entry else None
    names = (label_map_name(scan.facts.scan_id), f"{scan.key}.nii.gz")
    return next((path for name in names for path in sorted(labels.rglob(glob.escape(name)))), None)


def export_pictures(key: str, scan: BoneScan, folder: Path) -> dict[View, Path]:
    """Write a PNG picture `KEY_VIEW.png` of each view of a scan, as acquired, hot black."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {view: folder / f"{key}_{view}.png" for view in scan.counts}
    for view, path in pictures.items():
        Image.fromarray(to_grey(scan.counts[view])).save(path)
    return pictures


def export_for_labelme(key: str, scan: BoneScan, label: ViewStack, folder: Path) -> list[Path]:
    """Write a PNG picture and a LabelMe file for each view of a scan.

    The files hold the scan's hash, so that an import finds the scan whatever they are called.
    Painting the file again gives the label map, pixel for pixel (see
    bonescan.data.annotation.outline).

    Args:
        key: start of the file names, `KEY_anterior.png` and `.json`.
        scan: the scan.
        label: its label map.
        folder: where to write.

    Returns:
        The LabelMe files.

    Raises:
        ValueError: if the map is not one of the scan.
    """
    require_same_grid(label.grid, scan.grid, f"label map of {key}")
    check_label_values(np.unique(label.array).tolist(), f"label map of {key}")
    pictures = export_pictures(key, scan, folder)
    made_by = read_made_by(label.comment)
    written = []
    for view, plane in zip(label.views, label.array, strict=True):
        picture = pictures[view]
        path = picture.with_suffix(".json")
        shapes = label_shapes(plane)
        write_labelme(
            Annotation(path, picture.name, scan.size, shapes, scan.scan_id, view, made_by)
        )
        written.append(path)
    return written


def label_shapes(label: NDArray) -> tuple[LabelMeShape, ...]:
    """Outline every component of a label map (row, column), background left out."""
    named = [(value, name) for value, name in LABEL_NAMES.items() if value != Label.BACKGROUND]
    return tuple(shape for value, name in named for shape in outline_shapes(label == value, name))


def to_grey(counts: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Show counts (row, column) in inverse grey: 255 without counts, 0 from the display limit."""
    shown = np.clip(counts / display_limit(counts), 0, 1)
    return (255 - np.rint(255 * shown)).astype(np.uint8)
