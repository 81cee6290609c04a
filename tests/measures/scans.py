"""A small assessed scan worked out by hand, for the tests of what is measured of it."""

import dataclasses

import numpy as np

from bonescan.dicom.scan import View
from bonescan.labels import Label, region_bit
from bonescan.measures.assessed_scan import AssessedScan

SHAPE = (2, 40, 20)
SPACING_MM = (2.0, 3.0)
BLADDER = (slice(30, 34), slice(8, 12))


def make_scan(**changes: object) -> AssessedScan:
    """Return a scan of 10 counts a pixel in columns 2 to 17, with the bladder and no lesion."""
    counts = np.zeros(SHAPE, np.float32)
    counts[:, 2:38, 2:18] = 10
    label_map = np.zeros(SHAPE, np.uint8)
    label_map[:, *BLADDER] = Label.BLADDER
    counts[label_map == Label.BLADDER] = 90
    scan = AssessedScan(
        views=tuple(View),
        spacing_mm=SPACING_MM,
        counts=counts,
        label_map=label_map,
        prob=np.zeros(SHAPE, np.float32),
        field="whole body",
        field_mask=np.ones(SHAPE, bool),
        view_source="code",
        content_check="agrees",
    )
    return dataclasses.replace(scan, **changes)  # type: ignore[arg-type]


def with_lesions(
    *boxes: tuple[int, slice, slice], scan: AssessedScan | None = None
) -> AssessedScan:
    """Return the scan with lesions in boxes (view, rows, columns)."""
    scan = scan or make_scan()
    label_map = scan.label_map.copy()
    for box in boxes:
        label_map[box] = Label.METASTASIS
    return dataclasses.replace(scan, label_map=label_map)


def take_view(scan: AssessedScan, view: View) -> AssessedScan:
    """Return one view alone."""
    number = list(scan.views).index(view)
    arrays = {
        name: getattr(scan, name)[number : number + 1]
        for name in ("counts", "label_map", "prob", "instances", "regions", "field_mask")
        if getattr(scan, name) is not None
    }
    return dataclasses.replace(scan, views=(view,), **arrays)


def draw_regions(**boxes: tuple[int, slice, slice]) -> np.ndarray:
    """Return a region map with each region, by name, in a box (view, rows, columns)."""
    regions = np.zeros(SHAPE, np.int64)
    for name, box in boxes.items():
        regions[box] |= region_bit(name)
    return regions
