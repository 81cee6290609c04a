"""The MONAI reader of bone scans and of maps over them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.data import ImageReader
from monai.utils import MetaKeys
from numpy.typing import NDArray

from bonescan.data.load import load_scan_or_map
from bonescan.data.scan_reference import file_names
from bonescan.dicom.scan import BoneScan
from bonescan.keys import (
    META_ACQUIRED,
    META_CONTENT_CHECK,
    META_PATIENT_KEY,
    META_SCAN_ID,
    META_SIMULATED,
    META_SOURCES,
    META_SPACING,
    META_VIEW_SOURCE,
    META_VIEWS,
    join_view_names,
)


class BoneScanReader(ImageReader):
    """Read a bone scan, or a map of labels over one, as (view, row, column).

    Used as `LoadImaged(keys, reader="bonescan.data.reader.BoneScanReader", dtype=None)`. It takes
    what `bonescan.dicom.read.read_scan` takes (a DICOM file, a list of two, a folder), NIfTI files
    (columns, rows, views), and a list of a NIfTI map and the scan's file that it was drawn on. A
    name may say what the header does not: see `bonescan.data.scan_reference`. Scans come as
    float32 counts; maps keep the dtype of their file, so `dtype=None` keeps the bits of an int64
    region map.

    `ensure_channel_first` of `LoadImaged` may be set or not, and `EnsureChannelFirstd` may follow
    or not: the views are the first axis already, and the metadata say so. The affine is
    diag(row mm, column mm, 1, 1) over the two axes of the image.

    Everything is checked in `get_data`: MONAI's LoadImage swallows what `read` raises and tries its
    other readers, which scramble such files.
    """

    def verify_suffix(self, filename: Sequence[str | Path] | str | Path) -> bool:  # noqa: ARG002
        """Take every file: bone scans come without extension, too."""
        return True

    def read(
        self,
        data: Sequence[str | Path] | str | Path,
        **_kwargs: Any,
    ) -> tuple[str, ...]:
        """Return the names: reading waits for `get_data`, whose errors MONAI does not swallow."""
        return tuple(file_names(data))

    def get_data(self, img: Sequence[str]) -> tuple[NDArray, dict[str, Any]]:
        """Read the files.

        Args:
            img: names as `read` returned them.

        Returns:
            (view, row, column), anterior first, and the metadata.

        Raises:
            ScanError: if they are no bone scan and no map over one.
        """
        scan, array = load_scan_or_map(img)
        return array, make_meta(scan)


def make_meta(scan: BoneScan) -> dict[str, Any]:
    """Make the metadata of a scan, or of a map over it: plain values and strings, which collate."""
    row_mm, column_mm = scan.spacing_mm
    affine = np.diag([row_mm, column_mm, 1.0, 1.0])
    sources = {
        view: {"path": str(source.path), "frame": source.frame}
        for view, source in scan.sources.items()
    }
    return {
        MetaKeys.AFFINE: affine,
        MetaKeys.ORIGINAL_AFFINE: affine.copy(),
        MetaKeys.SPATIAL_SHAPE: np.array(scan.size),
        MetaKeys.ORIGINAL_CHANNEL_DIM: 0,
        META_VIEWS: join_view_names(scan.views),
        META_VIEW_SOURCE: str(scan.view_source),
        META_CONTENT_CHECK: str(scan.content_check),
        META_SCAN_ID: scan.scan_id,
        META_ACQUIRED: "" if scan.acquired is None else scan.acquired.isoformat(),
        META_PATIENT_KEY: scan.patient_key,
        META_SPACING: (row_mm, column_mm),
        META_SIMULATED: scan.acquisition.simulated,
        META_SOURCES: json.dumps(sources),
    }
