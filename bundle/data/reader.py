"""The MONAI reader of bone scans and of maps over them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.data import ImageReader
from monai.utils import MetaKeys
from numpy.typing import NDArray

from bundle.data.nifti import ViewStack, is_nifti, read_view_stack
from bundle.data.reference import ScanReference, parse_reference
from bundle.dicom.errors import ScanError
from bundle.dicom.identity import make_scan_id
from bundle.dicom.read import read_scan
from bundle.dicom.scan import Source, View
from bundle.keys import (
    META_SCAN_ID,
    META_SIMULATED,
    META_SOURCES,
    META_SPACING,
    META_VIEWS,
    VIEW_SEPARATOR,
)


class BoneScanReader(ImageReader):
    """Read a bone scan, or a map of labels over one, as (view, row, column).

    Used as `LoadImaged(keys, reader="bundle.data.reader.BoneScanReader", dtype=None)`. It takes
    what `bundle.dicom.read.read_scan` takes (a DICOM file, a list of two, a folder) and NIfTI files
    (columns, rows, views), those of MONAI Label among them. A name may say what the header does
    not: see `bundle.data.reference`. Scans come as float32 counts; maps keep the dtype of their
    file, so `dtype=None` keeps the bits of an int64 region map.

    `ensure_channel_first` of `LoadImaged` may be set or not, and `EnsureChannelFirstd` may follow
    or not: the views are the first axis already, and the metadata say so. The affine is
    diag(row mm, column mm, 1, 1) over the two axes of the image.

    Everything is checked in `get_data`: MONAI's LoadImage swallows what `read` raises and tries its
    other readers, which scramble such files.

    Args:
        require_views: number of views that each file must have; None takes one or two.
    """

    def __init__(self, *, require_views: int | None = None) -> None:
        super().__init__()
        if require_views not in {None, 1, 2}:
            raise ValueError(f"require_views must be 1, 2 or None, got {require_views!r}")
        self.require_views = require_views

    def verify_suffix(self, filename: Sequence[str | Path] | str | Path) -> bool:  # noqa: ARG002
        """Take every file: bone scans come without extension, too."""
        return True

    def read(
        self,
        data: Sequence[str | Path] | str | Path,
        **_kwargs: Any,
    ) -> tuple[str, ...]:
        """Return the names: reading waits for `get_data`, whose errors MONAI does not swallow."""
        names = [data] if isinstance(data, str | Path) else data
        return tuple(map(str, names))

    def get_data(self, img: Sequence[str]) -> tuple[NDArray, dict[str, Any]]:
        """Read the files.

        Args:
            img: names as `read` returned them.

        Returns:
            (view, row, column), anterior first, and the metadata.

        Raises:
            ScanError: if they are no bone scan, or have another number of views than required.
        """
        references = [parse_reference(name) for name in img]
        stack, meta = _read(references)
        name = " and ".join(reference.path.name for reference in references)
        if self.require_views not in {None, len(stack.views)}:
            raise ScanError(
                f"{name}: must have {self.require_views} view(s), "
                f"got {' and '.join(stack.views)} only"
            )
        return stack.array, meta


def _read(references: Sequence[ScanReference]) -> tuple[ViewStack, dict[str, Any]]:
    """Read a DICOM or NIfTI scan: the stack and its metadata."""
    view = _first_view(references)
    spacing_mm = next((ref.spacing_mm for ref in references if ref.spacing_mm), None)
    path = references[0].path
    if len(references) == 1 and is_nifti(path):
        stack = read_view_stack(path, view=view, spacing_mm=spacing_mm)
        sources = dict(
            zip(stack.views, (Source(path, index) for index in stack.frames), strict=True)
        )
        scan_id = make_scan_id((), stack.array.astype(np.float32))
        return stack, _make_meta(stack, scan_id, sources, simulated=False)
    scan = read_scan([ref.path for ref in references], view=view, spacing_mm=spacing_mm)
    frames = tuple(source.frame for source in scan.sources.values())
    stack = ViewStack(scan.stack(), scan.spacing_mm, scan.views, frames)
    simulated = scan.acquisition.simulated
    return stack, _make_meta(stack, scan.scan_id, scan.sources, simulated=simulated)


def _first_view(references: Sequence[ScanReference]) -> View | None:
    """Return the view of the first frame, which may have been said of the second file alone.

    Raises:
        ScanError: if both files are said to be the same view.
    """
    said = [reference.view for reference in references]
    if len(said) == 2 and said[1] is not None:
        first = View.POSTERIOR if said[1] is View.ANTERIOR else View.ANTERIOR
        if said[0] not in {None, first}:
            raise ScanError(f"{references[0].path.name}: both files are said to be {said[1]}")
        return first
    return said[0]


def _make_meta(
    stack: ViewStack, scan_id: str, sources: Mapping[View, Source], *, simulated: bool
) -> dict[str, Any]:
    """Make the metadata: plain values and strings, which collate into batches."""
    row_mm, column_mm = stack.spacing_mm
    affine = np.diag([row_mm, column_mm, 1.0, 1.0])
    where = {view: {"path": str(src.path), "frame": src.frame} for view, src in sources.items()}
    return {
        MetaKeys.AFFINE: affine,
        MetaKeys.ORIGINAL_AFFINE: affine.copy(),
        MetaKeys.SPATIAL_SHAPE: np.array(stack.array.shape[1:]),
        MetaKeys.ORIGINAL_CHANNEL_DIM: 0,
        META_VIEWS: VIEW_SEPARATOR.join(stack.views),
        META_SCAN_ID: scan_id,
        META_SPACING: (row_mm, column_mm),
        META_SIMULATED: simulated,
        META_SOURCES: json.dumps(where),
    }
