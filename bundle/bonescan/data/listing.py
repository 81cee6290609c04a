"""Scans that can be annotated, and which of them a LabelMe file belongs to."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonescan.data.annotation.labelme import Annotation, LabelMeError
from bonescan.data.datalist import TRAINING, load_items, read_datalist
from bonescan.data.find import find_scans
from bonescan.data.load import load_scan
from bonescan.data.scan_reference import file_names, parse_reference
from bonescan.dicom.scan import Source, View
from bonescan.keys import IMAGE, PATIENT

_WORDS = {"anterior": View.ANTERIOR, "ant": View.ANTERIOR}
_WORDS |= {"posterior": View.POSTERIOR, "post": View.POSTERIOR}
_VIEW_WORD = re.compile(r"(?:^|[^a-z0-9]|(?<=[0-9]))(anterior|posterior|ant|post)(?![a-z])")


@dataclass(frozen=True)
class ListedScan:
    """A scan that files may belong to.

    Attributes:
        key: name that is used in output files; images exported from the scan bear it.
        section: section of the datalist.
        entry: its entry.
        size: (rows, columns).
        spacing_mm: (row, column) pixel spacing.
        views: the views that it has.
        scan_id: its salted hash.
        sources: file and frame of each view.
    """

    key: str
    section: str
    entry: Mapping[str, Any]
    size: tuple[int, int]
    spacing_mm: tuple[float, float]
    views: tuple[View, ...]
    scan_id: str
    sources: Mapping[View, Source]


def list_scans(place: Path, failures: list[str]) -> list[ListedScan]:
    """List the scans of a folder or datalist; of the pixels only the size is kept.

    In a folder, the patient is the first folder on the way to the scan, or the scan itself where it
    lies at the top.

    Args:
        place: folder or datalist.
        failures: scans that cannot be read are added here.

    Raises:
        ValueError: if there are none, or two would have the same name.
    """
    if place.suffix.lower() == ".json":
        listed = [(name, item) for name in read_datalist(place) for item in load_items(place, name)]
        root = common_folder([item[IMAGE] for _, item in listed])
    else:
        root = place
        listed = [(TRAINING, item) for item in find_scans(place)]
    scans: list[ListedScan] = []
    keys: set[str] = set()
    for section, entry in listed:
        key = scan_key(entry[IMAGE], root)
        if key in keys:
            raise ValueError(f"{place}: scans must have names of their own, got two named {key!r}")
        keys.add(key)
        try:
            scan = load_scan(entry[IMAGE])
        except ValueError as err:
            failures.append(str(err))
            continue
        rows, columns = scan.stack.array.shape[1:]
        facts = (scan.stack.spacing_mm, scan.stack.views, scan.scan_id, scan.sources)
        named = {PATIENT: _patient(entry[IMAGE], root), **entry}
        scans.append(ListedScan(key, section, named, (rows, columns), *facts))
    return scans


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


def find_owner(annotation: Annotation, scans: Sequence[ListedScan]) -> tuple[ListedScan, View]:
    """Find the scan and the view that a LabelMe file belongs to.

    In this order: by the scan's hash in files that this bundle exported; by the path of the image,
    where it leads to a file of a scan; by the image's name, which must be the scan's key, or its
    file name where no other scan has it, with the view's name after it (`sim-0001_scan_anterior`).

    Raises:
        LabelMeError: if there is no such scan, or the view is not known or not there.
    """
    scan = _find_scan(annotation, scans)
    name = annotation.path.name
    view = annotation.view or _named_view(annotation) or _view_of_file(annotation, scan)
    if view is None:
        raise LabelMeError(
            f"{name}: name must say which view it shows, 'anterior' or 'posterior', as "
            f"{scan.key}_anterior.json does"
        )
    if view not in scan.views:
        raise LabelMeError(
            f"{name}: scan {scan.key} must have the view {view}, got {' and '.join(scan.views)}; "
            "the file belongs to another scan"
        )
    return scan, view


def _find_scan(annotation: Annotation, scans: Sequence[ListedScan]) -> ListedScan:
    image = Path(annotation.image_path)
    stem = _VIEW_WORD.sub("", image.stem.lower()).strip("_- ")
    file = (annotation.path.parent / image).resolve()
    if annotation.scan_id is not None:
        found = [scan for scan in scans if scan.scan_id == annotation.scan_id]
    else:
        found = (
            [scan for scan in scans if file in _files(scan)]
            or [scan for scan in scans if scan.key.lower() in {stem, image.stem.lower()}]
            or [scan for scan in scans if stem in {path.stem.lower() for path in _files(scan)}]
        )
    if len(found) != 1:
        raise LabelMeError(
            f"{annotation.path.name}: image must be that of one scan, got {image.name!r}, which "
            f"{len(found)} scans fit; the file belongs to another scan, or name the image after "
            "the scan"
        )
    return found[0]


def _files(scan: ListedScan) -> set[Path]:
    return {source.path.resolve() for source in scan.sources.values()}


def _named_view(annotation: Annotation) -> View | None:
    """Return the view that the names of file and image say."""
    names = f"{annotation.path.stem}/{Path(annotation.image_path).stem}".lower()
    views = {_WORDS[word] for word in _VIEW_WORD.findall(names)}
    if len(views) > 1:
        raise LabelMeError(
            f"{annotation.path.name}: name must be that of one view, got both in it and in its "
            "image's name"
        )
    return next(iter(views), None)


def _view_of_file(annotation: Annotation, scan: ListedScan) -> View | None:
    """Return the view that the image's file holds, or the scan, where it is one only."""
    file = (annotation.path.parent / annotation.image_path).resolve()
    views = [view for view, source in scan.sources.items() if source.path.resolve() == file]
    views = views or list(scan.views)
    return views[0] if len(views) == 1 else None
