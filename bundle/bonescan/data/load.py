"""Load a scan from any kind of file that the bundle takes, without torch."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bonescan.data.nifti import (
    ViewStack,
    is_nifti,
    names_views,
    read_map_on,
    read_nifti_volume,
    read_view_stack,
)
from bonescan.data.scan_reference import ScanReference, file_names, parse_reference
from bonescan.dicom.content import look_at
from bonescan.dicom.content_check import check_content
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import Acquisition, BoneScan, View
from bonescan.dicom.scan_id import make_scan_id
from bonescan.dicom.views import DecidedViews
from bonescan.dicom.volume import Volume, read_dicom_volume
from bonescan.errors import ScanError

ImageField = str | Path | Sequence[str | Path]
"""What the field `image` of a datalist holds: a name or a list of two, with hints or without (see
bonescan.data.scan_reference)."""


def load_scan(image: ImageField) -> BoneScan:
    """Load a DICOM or NIfTI scan.

    Of a NIfTI scan nothing is known of the acquisition, not even whether it is simulated.

    Raises:
        ScanError: if the files are no bone scan.
    """
    return load_scan_or_map(image)[0]


def load_scan_or_map(image: ImageField) -> tuple[BoneScan, NDArray]:
    """Load a scan, or a map over one: a NIfTI file does not say which of them it is.

    A NIfTI file and a second file are a map and the scan that it was drawn on. Such a map mostly
    has no names of views: its frames are those of the scan's file then.

    Returns:
        The scan, and its values (view, row, column): float32 counts of a DICOM scan, the dtype of
        the file for NIfTI, which keeps the bits of a map.

    Raises:
        ScanError: if the files are neither.
    """
    references = [parse_reference(name) for name in file_names(image)]
    view = _first_view(references)
    spacing_mm = next((ref.spacing_mm for ref in references if ref.spacing_mm), None)
    path = references[0].path
    if len(references) == 2 and is_nifti(path):
        if not names_views(path):
            return _load_drawn_map(path, str(references[1]))
        references = references[:1]
    if len(references) == 1 and is_nifti(path):
        stack = read_view_stack(path, view=view, spacing_mm=spacing_mm)
        return _as_scan(stack, path.name), stack.array
    scan = read_scan([ref.path for ref in references], view=view, spacing_mm=spacing_mm)
    return scan, scan.stack()


def _load_drawn_map(path: Path, image: str) -> tuple[BoneScan, NDArray]:
    """Load a map over a scan as its views.

    Raises:
        ScanError: if the scan has two files, the map is not on its voxels, or has values elsewhere.
    """
    scan = load_scan(image)
    files = {source.path for source in scan.sources.values()}
    if len(files) > 1:
        raise ScanError(f"{path.name}: its scan must be one file, got {len(files)}")
    values = read_map_on(path, load_volume(*files))
    frames = [source.frame for source in scan.sources.values()]
    if np.delete(values, frames, axis=0).any():
        raise ScanError(
            f"{path.name}: values must be in the frames that are views, "
            f"{' and '.join(str(frame + 1) for frame in frames)}, got some in others"
        )
    stack = np.ascontiguousarray(values[frames])
    counts = dict(zip(scan.views, stack.astype(np.float32), strict=True))
    return replace(scan, counts=counts), stack


def load_volume(path: str | Path) -> Volume:
    """Read where programs built on ITK put the voxels of a scan's file.

    Raises:
        ScanError: if the file is not readable, or its axes are not those of a scan.
    """
    return read_nifti_volume(path) if is_nifti(path) else read_dicom_volume(Path(path))


def _as_scan(stack: ViewStack, name: str) -> BoneScan:
    counts = stack.array.astype(np.float32)
    looks = [look_at(plane, stack.spacing_mm) for plane in counts]
    return BoneScan(
        spacing_mm=stack.spacing_mm,
        scan_id=make_scan_id((), counts),
        acquisition=Acquisition(),
        sources=stack.sources,
        view_source=stack.view_source,
        content_check=check_content(DecidedViews(stack.views, stack.view_source), looks, name),
        counts=dict(zip(stack.views, counts, strict=True)),
    )


def _first_view(references: Sequence[ScanReference]) -> View | None:
    """Return the view of the first frame, which may have been said of the second file alone.

    Raises:
        ScanError: if both files are said to be the same view.
    """
    hints = [reference.view for reference in references]
    if len(hints) == 2 and hints[1] is not None:
        first = hints[1].other
        if hints[0] not in {None, first}:
            raise ScanError(f"{references[0].path.name}: both files are said to be {hints[1]}")
        return first
    return hints[0]
