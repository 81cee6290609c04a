"""Scans with lesions at chosen places, for the tests of their reports."""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from bonescan.data.origin import Origin
from bonescan.dicom.scan import View
from bonescan.labels import Label, region_group_bits
from bonescan.measures.quality import Flag, FlagCode, Severity
from bonescan.report.scan_result import ScanResult
from tests.report.scan_results import make_result

SHAPE = (2, 200, 80)
SPACING_MM = (2.0, 3.0)
BONES = {
    "thoracic_spine": (slice(40, 90), slice(36, 44)),
    "ribs_right": (slice(40, 90), slice(14, 36)),
    "ribs_left": (slice(40, 90), slice(44, 66)),
    "pelvis_left": (slice(110, 140), slice(44, 66)),
}
"""Rows and columns of bones as the anterior view shows them."""

THORAX = (slice(30, 100), slice(10, 70))

Place = tuple[str, int, int, float]
"""View, row and column of a lesion's first pixel, and its probability."""


def make_scan(
    *lesions: Place, whole_body: bool = False, with_regions: bool = True, **changes: object
) -> ScanResult:
    """Return a scan with lesions of 3 rows x 2 columns, in the thorax unless the whole body."""
    counts = np.zeros(SHAPE, np.float32)
    counts[:, 10:190, 8:72] = 20
    label_map, prob = np.zeros(SHAPE, np.uint8), np.full(SHAPE, 0.05)
    for number, (view, row, column, probability) in enumerate(lesions):
        place = (list(View).index(View(view)), slice(row, row + 3), slice(column, column + 2))
        label_map[place] = Label.METASTASIS
        counts[place] = 100 + 10 * number
        prob[place] = probability
    field_mask = np.zeros(SHAPE, bool)
    field_mask[:, *THORAX] = True
    return dataclasses.replace(
        make_result(
            counts=counts,
            spacing_mm=SPACING_MM,
            label_map=label_map,
            prob=prob,
            field_mask=np.ones(SHAPE, bool) if whole_body else field_mask,
            field="head to knees" if whole_body else "thorax",
            content_check="agrees",
            regions=_draw_bones() if with_regions else None,
        ),
        **changes,  # type: ignore[arg-type]
    )


def cut_at(edge: str, result: ScanResult) -> ScanResult:
    """Return a scan whose body is said to reach an edge of the image, in the posterior view."""
    flag = Flag(FlagCode.CUT_BODY, Severity.WARNING, View.POSTERIOR, {"edge": edge})
    cut = dataclasses.replace(result)
    vars(cut)["flags"] = (flag,)  # in place of the cached property
    return cut


def _draw_bones() -> np.ndarray:
    regions = np.zeros(SHAPE, np.int64)
    for name, place in BONES.items():
        regions[0][place] |= region_group_bits(name)
    regions[1] = regions[0][:, ::-1]
    return regions


def make_crowded_scan(number: int) -> ScanResult:
    """Return a scan of that many lesions of one to three pixels, in the anterior view."""
    label_map = np.zeros(SHAPE, np.uint8)
    rows, columns = np.meshgrid(np.arange(4, 196, 2), np.arange(2, 78, 4), indexing="ij")
    for index, (row, column) in enumerate(_take(zip(rows.flat, columns.flat, strict=True), number)):
        label_map[0, row, column : column + 1 + index % 3] = Label.METASTASIS
    return dataclasses.replace(make_scan(whole_body=True), label_map=label_map)


def _take(places: Iterable[tuple[int, int]], number: int) -> list[tuple[int, int]]:
    found = list(places)[:number]
    assert len(found) == number
    return found


HOSTILE = "<script>alert('x')</script>&\"<b>"
"""What a header may hold in place of a name."""


def trained_on(origin: Origin | None, result: ScanResult) -> ScanResult:
    """Return the result as a system made it that was trained on such scans."""
    provenance = dataclasses.replace(result.provenance, trained_on=origin)
    return dataclasses.replace(result, provenance=provenance)


def with_system(result: ScanResult, name: str, **numbers: float) -> ScanResult:
    """Return the result as a system of that name made it."""
    point: Mapping[str, float] = numbers or result.provenance.operating_point
    provenance = dataclasses.replace(result.provenance, system=name, operating_point=point)
    return dataclasses.replace(result, provenance=provenance)
