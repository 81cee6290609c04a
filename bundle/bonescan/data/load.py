"""Load a scan from any kind of file that the bundle takes, without torch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bonescan.data.nifti import ViewStack, is_nifti, read_view_stack
from bonescan.data.scan_reference import ScanReference, file_names, parse_reference
from bonescan.dicom.content import look_at
from bonescan.dicom.content_check import check_content
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import Acquisition, BoneScan, View
from bonescan.dicom.scan_id import make_scan_id
from bonescan.dicom.views import DecidedViews
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
    if len(references) == 1 and is_nifti(path):
        stack = read_view_stack(path, view=view, spacing_mm=spacing_mm)
        return _as_scan(stack, path.name), stack.array
    scan = read_scan([ref.path for ref in references], view=view, spacing_mm=spacing_mm)
    return scan, scan.stack()


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
