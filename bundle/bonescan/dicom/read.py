"""Read planar whole-body bone scans."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.misc import is_dicom

from bonescan.dicom import codes
from bonescan.dicom.content import Look, look_at
from bonescan.dicom.content_check import check_content
from bonescan.dicom.file import load
from bonescan.dicom.header import ImageHeader, is_plausible_spacing
from bonescan.dicom.mapping import parse
from bonescan.dicom.orientation import (
    lay_prone,
    require_one_position,
    require_side,
    require_upright,
)
from bonescan.dicom.pixels import read_counts
from bonescan.dicom.scan import BoneScan, ContentCheck, Source, View
from bonescan.dicom.scan_id import make_patient_key, make_scan_id
from bonescan.dicom.views import DecidedViews, ViewEvidence, certain_view, decide_views
from bonescan.dicom.whole_body import photopeak_frames, require_whole_body
from bonescan.errors import ScanError

logger = logging.getLogger(__name__)

Paths = str | Path | Sequence[str | Path]


@dataclass(frozen=True)
class _File:
    """One file of a scan: its header, and those of its frames that are views."""

    header: ImageHeader
    dataset: Dataset
    frames: tuple[int, ...]


def read_scan(
    paths: Paths,
    *,
    view: View | str | None = None,
    spacing_mm: tuple[float, float] | None = None,
) -> BoneScan:
    """Read one planar whole-body bone scan.

    Args:
        paths: a file with one or both views, two files with one view each, or a folder that holds
            the files of one scan (files in it that are something else are left out).
        view: the view of the first frame, where the header does not tell or is wrong.
        spacing_mm: (row, column) pixel spacing in mm, where the header does not tell or is wrong.

    Returns:
        The scan: its views in the geometry of the acquisition, with counts as they were stored.

    Raises:
        ScanError: if the files are not one such scan; says which file, why, and what to do.
    """
    files = [_open(path) for path in _expand(paths)]
    _require_one_scan(files)
    names = " and ".join(file.header.path.name for file in files)
    by_hand = None if view is None else _as_view(view)
    _require_laid(files, by_hand)
    spacing = _spacing(files, spacing_mm)
    frames = [frame for file in files for frame in _frames(file)]
    _require_two_planes([plane for plane, _ in frames], names)
    looks = [look_at(plane, spacing) for plane, _ in frames]
    decided, content_check = _decide(files, names, by_hand, looks)
    found = dict(zip(decided.views, frames, strict=True))
    counts = {member: found[member][0] for member in View if member in found}
    sources = {member: found[member][1] for member in View if member in found}
    return BoneScan(
        counts=counts,
        spacing_mm=spacing,
        scan_id=make_scan_id(
            [source.sop_instance_uid for source in sources.values()],
            np.stack(list(counts.values())),
        ),
        acquisition=files[0].header.acquisition,
        sources=sources,
        view_source=decided.source,
        content_check=content_check,
        acquired=_day_of([file.header for file in files]),
        patient_key=_patient_of([file.header for file in files]),
    )


def read_header(path: Path) -> ImageHeader:
    """Read the header of one file without its pixels.

    Raises:
        ScanError: if the file is not DICOM or its header is damaged.
    """
    return parse(load(path, pixels=False), path)


def read_visit(paths: Paths) -> tuple[date | None, str]:
    """Read when a scan was made, and the key of whom, without its pixels.

    Returns:
        ScanFacts.acquired and ScanFacts.patient_key; None and empty of files that are not DICOM.

    Raises:
        ScanError: if a file cannot be read.
    """
    headers = [read_header(path) for path in _expand(paths) if is_dicom_image(path)]
    return _day_of(headers), _patient_of(headers) if headers else ""


def sole_view(header: ImageHeader) -> View | None:
    """Return the view of a file with one view, None where the header does not tell."""
    return certain_view(_evidence(header, photopeak_frames(header))[0])


def is_dicom_image(path: Path) -> bool:
    """Say whether a file is DICOM, even damaged, and no DICOMDIR; False if it cannot be opened."""
    try:
        if not path.is_file() or not is_dicom(path):
            return False
        return read_header(path).sop_class_uid != codes.MEDIA_DIRECTORY_STORAGE
    except ScanError:
        return True
    except OSError:
        return False


def _day_of(headers: Sequence[ImageHeader]) -> date | None:
    return min((header.acquired for header in headers if header.acquired), default=None)


def _patient_of(headers: Sequence[ImageHeader]) -> str:
    """Make the patient's key of what any of the files of a scan says."""
    people = (header.person for header in headers)
    return make_patient_key([max(digests) for digests in zip(*people, strict=True)])


def _as_view(view: View | str) -> View:
    try:
        return View(view)
    except ValueError:
        raise ScanError(f"view must be one of {', '.join(View)}, got {view!r}") from None


def _expand(paths: Paths) -> list[Path]:
    """List the files that were meant.

    Raises:
        ScanError: if there are none, or a folder holds no whole-body scan.
    """
    given: Iterable[str | Path] = [paths] if isinstance(paths, str | Path) else paths
    listed = [Path(path) for path in given]
    if not listed:
        raise ScanError("no file was given")
    if len(listed) == 1 and listed[0].is_dir():
        return _whole_body_files(listed[0])
    return listed


def _whole_body_files(folder: Path) -> list[Path]:
    """List the whole-body files of a folder, by name.

    Raises:
        ScanError: if there is no DICOM file; or that of the first file, if none is accepted.
    """
    candidates = [path for path in sorted(folder.iterdir()) if is_dicom_image(path)]
    if not candidates:
        raise ScanError(f"{folder.name}: no DICOM file in this folder")
    accepted: list[Path] = []
    refused: list[ScanError] = []
    for path in candidates:
        try:
            require_whole_body(read_header(path))
        except ScanError as err:
            refused.append(err)
        else:
            accepted.append(path)
    if not accepted:
        raise refused[0]
    for reason in refused:
        logger.warning("left out: %s", reason)
    return accepted


def _open(path: Path) -> _File:
    dataset = load(path, pixels=True)
    header = parse(dataset, path)
    require_whole_body(header)
    return _File(header, dataset, photopeak_frames(header))


def _require_one_scan(files: list[_File]) -> None:
    """Check that the files make up one scan of one patient.

    Raises:
        ScanError: if there are more than two views, or two studies or patients.
    """
    names = " and ".join(file.header.path.name for file in files)
    count = sum(len(file.frames) for file in files)
    if count not in {1, 2}:
        raise ScanError(f"{names}: one scan must have 1 or 2 views, got {count} frames")
    for kind, index in (("studies", 0), ("patients", 1)):
        owners = {file.header.owner[index] for file in files} - {""}
        if len(owners) > 1:
            raise ScanError(f"{names}: the files belong to two different {kind}")
    if not all(map(files[0].header.is_same_patient, [file.header for file in files])):
        raise ScanError(f"{names}: the files differ in the patient's sex or age")
    if not all(map(files[0].header.is_same_acquisition, [file.header for file in files])):
        logger.warning("%s: the views were not taken at the same time", names)


def _require_laid(files: Sequence[_File], by_hand: View | None) -> None:
    """Check what the headers say of how the patient lay, as far as nothing was said by hand.

    Raises:
        ScanError: if an image is turned, or a header contradicts itself.
    """
    for file in files:
        require_upright(file.header)
        if by_hand is None:
            require_one_position(file.header)


def _decide(
    files: Sequence[_File], names: str, by_hand: View | None, looks: Sequence[Look]
) -> tuple[DecidedViews, ContentCheck]:
    """Tell the views of the files' frames, by hand, by the headers, or by the images.

    Raises:
        ScanError: if nothing tells, or what does contradicts itself or the images.
    """
    headers = [file.header for file in files]
    one_acquisition = all(map(headers[0].is_same_acquisition, headers))
    decided = decide_views(
        [one for file in files for one in _evidence(file.header, file.frames)],
        names,
        view=by_hand,
        looks=looks,
        one_acquisition=one_acquisition,
    )
    if by_hand is None:
        of_frame = iter(decided.views)
        for file in files:
            views = [next(of_frame) for _ in file.frames]
            if len(views) == 1:
                require_side(file.header, views[0])
    return decided, check_content(decided, looks, names, one_acquisition=one_acquisition)


def _evidence(header: ImageHeader, frames: Sequence[int]) -> list[ViewEvidence]:
    """Collect what tells the views; a label of the whole file tells only if it has one view."""
    alone = len(frames) == 1
    labels = header.labels if alone else ()
    prone = lay_prone(header)
    return [
        ViewEvidence(header.frames[index], prone, labels, header.detectors, alone=alone)
        for index in frames
    ]


def _spacing(files: list[_File], given: tuple[float, float] | None) -> tuple[float, float]:
    """Return the (row, column) spacing in mm: that given by hand, else that of the headers.

    Raises:
        ScanError: if it is missing, impossible, or differs between the files.
    """
    if given is not None:
        if len(given) != 2 or not all(map(is_plausible_spacing, given)):
            raise ScanError(f"spacing_mm must be (row, column) in mm, got {given}")
        return float(given[0]), float(given[1])
    by_file = {file.header.path.name: _spacing_of(file.header) for file in files}
    if len(set(by_file.values())) > 1:
        raise ScanError(f"views of one scan must have one pixel spacing in mm, got {by_file}")
    return next(iter(by_file.values()))


def _spacing_of(header: ImageHeader) -> tuple[float, float]:
    if header.spacing_mm is None:
        name = header.path.name
        raise ScanError(
            f"{name}: PixelSpacing is missing or impossible; give it in mm: "
            'spacing_mm=(row, column), the datalist field "spacing_mm": [row, column], or the '
            f'name "{name}#spacing_mm=2.4,2.4"'
        )
    return header.spacing_mm


def _frames(file: _File) -> list[tuple[NDArray[np.float32], Source]]:
    """Read the views of one file.

    Raises:
        ScanError: if the file has fewer frames than its header says, or one is empty.
    """
    header, name = file.header, file.header.path.name
    frames = []
    for index, counts in zip(
        file.frames, read_counts(file.dataset, header.path, file.frames), strict=True
    ):
        if not counts.any():
            raise ScanError(
                f"{name}: frame {index + 1} holds no counts at all; if that view was not taken, "
                "export the other alone"
            )
        source = Source(header.path, index, header.sop_class_uid, header.sop_instance_uid)
        frames.append((counts, source))
    return frames


def _require_two_planes(planes: list[NDArray[np.float32]], names: str) -> None:
    """Check that the views have one size and are not one image twice.

    Raises:
        ScanError: if not.
    """
    shapes = {plane.shape for plane in planes}
    if len(shapes) > 1:
        raise ScanError(f"{names}: views of one scan must have one size, got {sorted(shapes)}")
    if len(planes) == 2 and np.array_equal(planes[0], planes[1]):
        raise ScanError(
            f"{names}: both views hold the same counts, pixel by pixel: one was exported twice; "
            "export the two views again"
        )
