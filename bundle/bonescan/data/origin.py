"""Where scans come from, as far as they say it: of the simulator, or not marked as such."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from bonescan.data.datalist import TEST, read_datalist
from bonescan.data.scan_reference import file_names, parse_reference
from bonescan.dicom.read import is_dicom_image, read_header
from bonescan.keys import IMAGE, SIMULATED


class Origin(StrEnum):
    """What scans say of where they come from."""

    SIMULATED = "simulated"
    """All of them are of no patient."""
    MIXED = "mixed"
    """Some are simulated, others bear no mark of it."""
    UNMARKED = "unmarked"
    """None is marked as simulated: nothing else is known of them."""


def find_origin(datalist: Path) -> Origin:
    """Tell the origin of the scans of a datalist, but for those of its section `test`.

    A scan is simulated where its entry says so (`"simulated": true`) or each of its DICOM files
    bears the simulator's mark. Any other file says nothing.

    Raises:
        ValueError: if the datalist cannot be read, or lists tests alone.
        ScanError: if the header of a scan is damaged.
    """
    entries = [
        entry
        for section, entries in read_datalist(datalist).items()
        if section != TEST
        for entry in entries
    ]
    if not entries:
        raise ValueError(f"{datalist}: there must be entries in another section than {TEST!r}")
    marked = {
        bool(entry.get(SIMULATED)) or all(map(_has_mark, _image_files(entry, datalist.parent)))
        for entry in entries
    }
    if len(marked) > 1:
        return Origin.MIXED
    return Origin.SIMULATED if marked.pop() else Origin.UNMARKED


def join_origins(origins: Iterable[Origin | None]) -> Origin | None:
    """Return the origin of several lots of scans together: None, not known, if that of one is."""
    joined = set(origins)
    if not joined or None in joined:
        return None
    return joined.pop() if len(joined) == 1 else Origin.MIXED


def _image_files(entry: Mapping[str, Any], root: Path) -> Iterator[Path]:
    for name in file_names(entry[IMAGE]):
        path = root / parse_reference(name).path
        yield from sorted(path.iterdir()) if path.is_dir() else [path]


def _has_mark(path: Path) -> bool:
    return is_dicom_image(path) and bool(read_header(path).acquisition.simulated)
