"""Find the scans that inference is asked to read."""

import logging
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bonescan.data.datalist import load_items, read_datalist
from bonescan.data.nifti import is_nifti
from bonescan.data.scan_reference import parse_reference
from bonescan.dicom import codes
from bonescan.dicom.header import ImageHeader
from bonescan.dicom.read import is_dicom_image, read_header, sole_view
from bonescan.dicom.whole_body import photopeak_frames, require_whole_body
from bonescan.errors import ScanError
from bonescan.keys import IMAGE

logger = logging.getLogger(__name__)

DICOM_SUFFIX = ".dcm"


def find_scans(path: str | Path) -> list[dict[str, Any]]:
    """List the scans of a file, a folder or a datalist, in the same order every time.

    A folder is searched with all folders beneath, also those that links lead to. Files with one
    view of the same study make up one scan. DICOM files that are no bone scan are listed all the
    same, each by itself: reading them fails with the reason, and an archive run reports it; so are
    files named `.dcm` that are not DICOM. All others are left out: DICOM results of ours, and NIfTI
    files, since label maps look like scans; name them, or use a datalist.

    Args:
        path: a DICOM or NIfTI file (with hints, see bonescan.data.scan_reference), a folder, or a
            datalist (`.json`), of which all sections are taken.

    Returns:
        Entries {"image": name or list of two names}, those of a datalist with their other fields.

    Raises:
        ValueError: if the path does not exist, the folder holds no DICOM file, or the datalist is
            damaged.
    """
    source = parse_reference(path).path
    if source.suffix.lower() == ".json":
        return _from_datalist(source)
    if source.is_dir():
        return _from_folder(source)
    if not source.is_file():
        raise ScanError(
            f"{source}: no such file or folder; name a scan, a folder of scans, or a datalist"
        )
    return [{IMAGE: str(path)}]


def _from_datalist(path: Path) -> list[dict[str, Any]]:
    sections = read_datalist(path)
    entries = [entry for section in sections for entry in load_items(path, section)]
    unique: dict[str, dict[str, Any]] = {}
    for entry in entries:
        unique.setdefault(str(entry[IMAGE]), entry)
    return list(unique.values())


def _from_folder(folder: Path) -> list[dict[str, Any]]:
    files = sorted(_walk(folder))
    dicom = [file for file in files if _claims_to_be_dicom(file)]
    images = [file for file in dicom if not is_result(file)]
    astray = [file for file in files if not file.exists()]
    if astray:
        logger.warning("%s: %d links lead nowhere, such as %s", folder, len(astray), astray[0].name)
    if len(files) > len(dicom):
        logger.info("%s: %d files that are not DICOM left out", folder, len(files) - len(dicom))
    if len(dicom) > len(images):
        logger.info("%s: %d results of ours left out", folder, len(dicom) - len(images))
    if not images:
        raise ScanError(f"{folder}: no DICOM file in this folder or beneath ({len(files)} others)")
    scans = sorted(_group(images))
    return [
        {IMAGE: str(scan[0]) if len(scan) == 1 else [str(file) for file in scan]} for scan in scans
    ]


def _walk(folder: Path) -> Iterator[Path]:
    """List the files of a folder and all beneath, also behind links, but no folder twice.

    A link that leads nowhere is listed, too: where it is named `.dcm`, reading it fails with the
    reason.
    """
    seen: set[Path] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        here = Path(place).resolve()
        if here in seen:
            folders.clear()
            continue
        seen.add(here)
        folders.sort()
        paths = (Path(place, name) for name in files)
        yield from (path for path in paths if path.is_file() or not path.exists())


def _claims_to_be_dicom(file: Path) -> bool:
    """Tell whether a file is to be read: a damaged one named .dcm is reported, not passed over."""
    return not is_nifti(file) and (file.suffix.lower() == DICOM_SUFFIX or is_dicom_image(file))


def is_result(file: Path) -> bool:
    """Tell whether a file is a result of ours (bonescan.dicom.results), which may lie anywhere."""
    try:
        return read_header(file).acquisition.manufacturer == codes.MANUFACTURER
    except ScanError:
        return False


def _group(files: Sequence[Path]) -> list[list[Path]]:
    """Join files with one view of one study into scans; all others stand alone."""
    scans: list[list[Path]] = []
    singles: dict[tuple[str, str], list[ImageHeader]] = defaultdict(list)
    for file in files:
        header = read_single_view(file)
        if header is None or not header.owner[0]:
            scans.append([file])
        else:
            singles[header.owner].append(header)
    for headers in singles.values():
        scans.extend(_pair(headers))
    return scans


def read_single_view(file: Path) -> ImageHeader | None:
    """Return the header of a whole-body file with one view, None of any other."""
    try:
        header = read_header(file)
        require_whole_body(header)
        return header if len(photopeak_frames(header)) == 1 else None
    except ScanError:
        return None


def are_pair(first: ImageHeader, second: ImageHeader) -> bool:
    """Say whether two files with one view each make up one scan: one study, one time, two views."""
    views = {sole_view(first), sole_view(second)}
    same_view = len(views) == 1 and None not in views
    same_study = bool(first.owner[0]) and first.owner == second.owner
    return same_study and not same_view and first.is_same_acquisition(second)


def _pair(headers: Sequence[ImageHeader]) -> list[list[Path]]:
    """Join the files of one study, unless they are more than two, no pair, or of two times."""
    if len(headers) == 2 and are_pair(*headers):
        return [[header.path for header in headers]]
    if len(headers) > 1:
        logger.warning(
            "%s and %d more files of one study are no pair of views; each is read alone",
            headers[0].path.name,
            len(headers) - 1,
        )
    return [[header.path] for header in headers]
