"""What a trained system marks on bodies without any finding, all of it false, and on which bone."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bonescan.data.datalist import load_items, read_datalist
from bonescan.data.nifti import read_view_stack
from bonescan.dicom.scan import View
from bonescan.keys import IMAGE
from bonescan.keys import REGIONS as REGION_MAP
from bonescan.labels import REGIONS, Label, region_bit
from bonescan.phantom.tracer.uptake import base_region
from bonescan.report.scan_result import ScanResult

BESIDE_BONE = "beside bone"
HIDDEN: Mapping[View, frozenset[str]] = {
    View.ANTERIOR: frozenset(),
    View.POSTERIOR: frozenset(("manubrium", "sternum")),
}
"""Regions that lie behind the spine in a view: what is marked there is not theirs."""


@dataclass(frozen=True)
class FalseMark:
    """A mark on a normal body.

    Attributes:
        view: in which it lies.
        region: the bone region, without its side, that most of its pixels lie on, or BESIDE_BONE.
        area_mm2: of the mark.
        score: its highest probability; None where the system gives none.
    """

    view: View
    region: str
    area_mm2: float
    score: float | None


@dataclass(frozen=True)
class NormalScan:
    """A normal body and what a system marks on it."""

    result: ScanResult
    marks: tuple[FalseMark, ...]


def mark_normals(
    system: Callable[[str | list[str]], ScanResult], datalist: Path
) -> Iterator[NormalScan]:
    """Apply a system to each scan of a simulated cohort without findings.

    Args:
        system: of `bonescan.load`.
        datalist: of the cohort, with region maps.
    """
    for section in read_datalist(datalist):
        for entry in load_items(datalist, section):
            result = system(entry[IMAGE])
            regions = read_view_stack(entry[REGION_MAP]).array
            yield NormalScan(result, tuple(_place_marks(result, regions)))


def _place_marks(result: ScanResult, regions: NDArray[np.int64]) -> Iterator[FalseMark]:
    """Name the place of each finding; regions are (view, row, column)."""
    mask = result.mask(Label.METASTASIS)
    for finding in result.findings:
        number = list(result.views).index(finding.view)
        top, left, bottom, right = finding.box_px
        box = (number, slice(top, bottom + 1), slice(left, right + 1))
        region = name_region(mask[box], regions[box], finding.view)
        yield FalseMark(finding.view, region, finding.area_mm2, finding.score)


def name_region(mask: NDArray[np.bool_], regions: NDArray[np.int64], view: View) -> str:
    """Return the bone region, without its side, that most pixels of a mask lie on.

    Args:
        mask: (row, column), not empty.
        regions: (row, column) region map (bonescan.labels.REGIONS).
        view: that shows it.

    Returns:
        BESIDE_BONE where no region covers half of the mask. Where bones overlap the one that covers
        more of it wins, HIDDEN ones aside.
    """
    inside = regions[mask]
    covered = {
        name: np.count_nonzero(inside & region_bit(name))
        for name in REGIONS
        if name not in HIDDEN[view]
    }
    best = max(covered, key=lambda name: covered[name])
    return base_region(best) if covered[best] >= 0.5 * len(inside) else BESIDE_BONE
