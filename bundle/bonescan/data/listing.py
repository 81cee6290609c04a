"""The scans of a folder or datalist, under the names that files made of them bear."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bonescan.data.datalist import TRAINING, load_items, read_datalist
from bonescan.data.find import find_scans
from bonescan.data.load import load_scan
from bonescan.data.scan_reference import file_names, parse_reference
from bonescan.dicom.grid import ViewGrid
from bonescan.dicom.scan import ScanFacts
from bonescan.keys import IMAGE, PATIENT

DATALIST_SUFFIX = ".json"


@dataclass(frozen=True)
class ListedScan:
    """A scan that was read once; its counts are not kept.

    Attributes:
        key: name that is used in output files; images exported from the scan bear it.
        section: section of the datalist.
        entry: its entry, with the patient.
        size: (rows, columns) of each view.
        facts: views, pixel spacing, scan id and files.
    """

    key: str
    section: str
    entry: Mapping[str, Any]
    size: tuple[int, int]
    facts: ScanFacts

    @property
    def grid(self) -> ViewGrid:
        """Views and pixels, which every map over the scan must have."""
        return ViewGrid(self.facts.views, self.size, self.facts.spacing_mm)


def list_scans(path: Path) -> tuple[list[ListedScan], list[str]]:
    """List the scans of a folder or datalist.

    In a folder, the patient is the first folder on the way to the scan, or the scan itself where it
    lies at the top.

    Args:
        path: folder or datalist.

    Returns:
        The scans, and one line for each that cannot be read, which says why.

    Raises:
        ValueError: if there are none, or two would have the same name.
    """
    if path.suffix.lower() == DATALIST_SUFFIX:
        entries = _read_entries(path)
    else:
        entries = [(TRAINING, item) for item in find_scans(path)]
    root = folder_of_scans(path)
    keys = [scan_key(entry[IMAGE], root) for _, entry in entries]
    twice = next((key for key, count in Counter(keys).items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"{path}: scans must have names of their own, got two named {twice!r}")
    scans: list[ListedScan] = []
    failures: list[str] = []
    listed = zip(keys, tqdm(entries, unit="scan", desc="Read"), strict=True)
    for key, (section, entry) in listed:
        named = {PATIENT: _patient(entry[IMAGE], root), **entry}
        try:
            scan = load_scan(entry[IMAGE])
        except ValueError as err:
            failures.append(str(err))
        else:
            scans.append(ListedScan(key, section, named, scan.size, scan.facts))
    return scans, failures


def folder_of_scans(path: Path) -> Path:
    """Return the folder that holds a collection of scans: a folder itself, or that of a datalist's.

    Raises:
        ValueError: if the datalist cannot be read.
    """
    if path.suffix.lower() != DATALIST_SUFFIX:
        return path
    return common_folder([item[IMAGE] for _, item in _read_entries(path)])


def _read_entries(datalist: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return section and entry of all scans of a datalist."""
    sections = read_datalist(datalist)
    return [(name, item) for name in sections for item in load_items(datalist, name)]


def scan_key(image: str | Sequence[str], root: Path) -> str:
    """Name a scan after its file or files, with their folders below a root: `sim-0001_scan`."""
    paths = [parse_reference(name).path for name in file_names(image)]
    folder = _below(paths[0].parent, root)
    return "_".join([*folder, "+".join(_stem(path) for path in paths)])


def common_folder(images: Sequence[str | Sequence[str]]) -> Path:
    """Return the deepest folder that holds the files of all scans."""
    paths = [parse_reference(file_names(image)[0]).path for image in images]
    return Path(os.path.commonpath([path.absolute().parent for path in paths]))


def _below(path: Path, root: Path) -> tuple[str, ...]:
    """Return the folders on the way from a root to a path, steps upwards left out."""
    return tuple(
        part for part in Path(os.path.relpath(path, root)).parts if part not in {".", ".."}
    )


def _stem(path: Path) -> str:
    name = path.name
    for suffix in (".gz", ".nii", ".dcm"):
        name = name.removesuffix(suffix)
    return name


def _patient(image: str | Sequence[str], root: Path) -> str:
    """Take the patient from the first folder below the root, else from the file's name."""
    path = parse_reference(file_names(image)[0]).path
    return next(iter(_below(path.parent, root)), scan_key(image, root))
