"""A made-up body that can be scanned with any camera, for the tests of registration and change."""

from collections.abc import Mapping

import numpy as np

from bonescan.dicom.scan import View, mirrored
from bonescan.labels import Label
from bonescan.measures.assessed_scan import AssessedScan
from tests.measures.scans import make_scan

HEIGHT_MM, WIDTH_MM = 1700.0, 500.0
SPOT_MM = 12.0
"""Standard deviation of a lesion; it is outlined 15 mm around its centre."""

_RNG = np.random.default_rng(3)
_BONES = np.column_stack(
    [
        _RNG.uniform(80, 1600, 160),  # row
        _RNG.normal(260, 70, 160),  # column, not in the middle
        _RNG.uniform(8, 25, 160),  # breadth
        _RNG.uniform(5, 30, 160),  # counts
    ]
)


def scan_body(
    lesions: Mapping[tuple[float, float], float],
    *,
    spacing_mm: tuple[float, float] = (4.0, 5.0),
    shift_mm: tuple[float, float] = (0.0, 0.0),
    rows_mm: tuple[float, float] = (0.0, HEIGHT_MM),
    radius_mm: float = 15.0,
    **changes: object,
) -> AssessedScan:
    """Scan the body.

    Args:
        lesions: counts added at each place (row, column) in mm of the body.
        spacing_mm: pixel spacing.
        shift_mm: by which the body lies lower and further right.
        rows_mm: first and last row that the camera sees, of the bed.
        radius_mm: of the lesions' outlines.
        changes: of the scan.
    """
    row_mm = np.arange(rows_mm[0], rows_mm[1], spacing_mm[0]) - shift_mm[0]
    column_mm = np.arange(0, WIDTH_MM, spacing_mm[1]) - shift_mm[1]
    row, column = np.meshgrid(row_mm, column_mm, indexing="ij")
    plane = 4.0 * (np.abs(column - 260) < 150) * (row > 60) * (row < 1640)
    down, across = (
        np.exp(-((line[:, None] - _BONES[:, axis]) ** 2) / 2 / _BONES[:, 2] ** 2)
        for axis, line in enumerate((row_mm, column_mm))
    )
    plane = plane + (down * _BONES[:, 3]) @ across.T
    label = np.zeros(plane.shape, np.uint8)
    for (place_row, place_column), counts in lesions.items():
        away = (row - place_row) ** 2 + (column - place_column) ** 2
        plane = plane + counts * np.exp(-away / 2 / SPOT_MM**2)
        label[away <= radius_mm**2] = Label.METASTASIS
    counts, label_map = (
        np.stack([mirrored(image, view) for view in View]) for image in (plane, label)
    )
    values = {
        "counts": counts.astype(np.float32),
        "label_map": label_map,
        "prob": (label_map == Label.METASTASIS).astype(np.float32),
        "field_mask": np.ones(counts.shape, bool),
        "spacing_mm": spacing_mm,
    }
    return make_scan(**(values | changes))
