"""Load a scan from any kind of file that the bundle takes, without torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bonescan.data.nifti import ViewStack, is_nifti, read_view_stack
from bonescan.data.scan_reference import ScanReference, file_names, parse_reference
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import Source, View
from bonescan.dicom.scan_id import make_scan_id
from bonescan.errors import ScanError


@dataclass(frozen=True)
class LoadedScan:
    """A scan, or a map of labels over one, as its files hold it.

    Attributes:
        stack: the views; float32 counts of a DICOM scan, the dtype of the file for NIfTI.
        scan_id: salted hash that names the scan.
        sources: file and frame of each view.
        simulated: whether the header says that the scan is simulated; NIfTI files cannot say it.
    """

    stack: ViewStack
    scan_id: str
    sources: Mapping[View, Source]
    simulated: bool


def load_scan(image: str | Path | Sequence[str | Path]) -> LoadedScan:
    """Load a DICOM or NIfTI scan.

    Args:
        image: what the field `image` of a datalist holds: a name or a list of two, with hints or
            without (see bonescan.data.scan_reference).

    Raises:
        ScanError: if the files are no bone scan.
    """
    references = [parse_reference(name) for name in file_names(image)]
    view = _first_view(references)
    spacing_mm = next((ref.spacing_mm for ref in references if ref.spacing_mm), None)
    path = references[0].path
    if len(references) == 1 and is_nifti(path):
        stack = read_view_stack(path, view=view, spacing_mm=spacing_mm)
        frames = zip(stack.views, stack.frames, strict=True)
        sources = {member: Source(path, frame) for member, frame in frames}
        scan_id = make_scan_id((), stack.array.astype(np.float32))
        return LoadedScan(stack, scan_id, sources, simulated=False)
    scan = read_scan([ref.path for ref in references], view=view, spacing_mm=spacing_mm)
    frame_numbers = tuple(source.frame for source in scan.sources.values())
    stack = ViewStack(scan.stack(), scan.spacing_mm, scan.views, frame_numbers)
    return LoadedScan(stack, scan.scan_id, scan.sources, simulated=scan.acquisition.simulated)


def _first_view(references: Sequence[ScanReference]) -> View | None:
    """Return the view of the first frame, which may have been said of the second file alone.

    Raises:
        ScanError: if both files are said to be the same view.
    """
    said = [reference.view for reference in references]
    if len(said) == 2 and said[1] is not None:
        first = said[1].other
        if said[0] not in {None, first}:
            raise ScanError(f"{references[0].path.name}: both files are said to be {said[1]}")
        return first
    return said[0]
