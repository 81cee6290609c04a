"""Whether the scans of a datalist are simulated, all of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bonescan.data.datalist import read_datalist
from bonescan.data.scan_reference import file_names, parse_reference
from bonescan.dicom.read import is_dicom_image, read_header
from bonescan.keys import IMAGE, SIMULATED


def is_simulated(datalist: Path) -> bool:
    """Say whether every scan of a datalist is of no patient.

    A scan is where its entry says so (`"simulated": true`) or each of its DICOM files bears the
    simulator's mark. Any other file says nothing, and counts as acquired.

    Raises:
        ValueError: if the datalist cannot be read.
        ScanError: if the header of a scan is damaged.
    """
    sections = read_datalist(datalist).values()
    entries = [entry for entries in sections for entry in entries]
    return bool(entries) and all(
        bool(entry.get(SIMULATED)) or all(map(_has_mark, _image_files(entry, datalist.parent)))
        for entry in entries
    )


def _image_files(entry: Mapping[str, Any], root: Path) -> Iterator[Path]:
    for name in file_names(entry[IMAGE]):
        path = root / parse_reference(name).path
        yield from sorted(path.iterdir()) if path.is_dir() else [path]


def _has_mark(path: Path) -> bool:
    return is_dicom_image(path) and bool(read_header(path).acquisition.simulated)
