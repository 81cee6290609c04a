"""A scan result worked out by hand, for the tests of what is made of it."""

import dataclasses
from pathlib import Path

import numpy as np

from bonescan.dicom.scan import Source, View
from bonescan.labels import Label
from bonescan.report.provenance import Provenance
from bonescan.report.scan_result import ScanResult

SHAPE = (2, 120, 60)
SPACING_MM = (2.4, 1.9)
HOT_ROW, HOT_COLUMN = 40, 15
"""Centre of the one lesion of 7 x 7 pixels: on the patient's right in the anterior view."""
PROVENANCE = Provenance(
    system="U-Net",
    weights_sha256=("12345678" + 56 * "a",),
    configuration_sha256=64 * "c",
    operating_point={"min_area_mm2": 15.0},
    versions={"bonescan": "0.7"},
    revision="fedcba98" + 32 * "0",
    date="2024-02-03T04:05:06+00:00",
)
FIELD = (slice(25, 105), slice(8, 54))
"""Rows and columns that are assessed: not in the middle."""


def make_result(**changes: object) -> ScanResult:
    """Return a scan of two views with one lesion, in the anterior view, and the bladder in both."""
    counts = np.zeros(SHAPE, dtype=np.float32)
    counts[:, 10:110, 10:50] = 20
    counts[0, HOT_ROW - 3 : HOT_ROW + 4, HOT_COLUMN - 3 : HOT_COLUMN + 4] = 400
    label_map = np.where(counts > 100, Label.METASTASIS, Label.BACKGROUND).astype(np.uint8)
    label_map[:, 90:100, 25:35] = Label.BLADDER
    field_mask = np.zeros(SHAPE, dtype=bool)
    field_mask[:, *FIELD] = True
    result = ScanResult(
        scan_id="0a1b2c",
        views=list(View),
        spacing_mm=SPACING_MM,
        sources={View.ANTERIOR: Source(Path("b.dcm"), 0), View.POSTERIOR: Source(Path("a.dcm"), 0)},
        view_source="code",
        content_check="not sure",
        simulated=True,
        mirrored_copy=False,
        counts=counts,
        label_map=label_map,
        prob=np.where(label_map == Label.METASTASIS, 0.75, 0.125),
        instances=None,
        field="thorax",
        field_mask=field_mask,
        provenance=PROVENANCE,
    )
    return dataclasses.replace(result, **changes)  # type: ignore[arg-type]


def take_view(result: ScanResult, view: View) -> ScanResult:
    """Return the result of one of its views alone."""
    (number,) = [number for number, name in enumerate(result.views) if name == view]
    return dataclasses.replace(
        result,
        views=[view],
        sources={view: result.sources[view]},
        counts=result.counts[number : number + 1],
        label_map=result.label_map[number : number + 1],
        prob=result.prob[number : number + 1],
        field_mask=result.field_mask[number : number + 1],
        regions=None if result.regions is None else result.regions[number : number + 1],
    )
