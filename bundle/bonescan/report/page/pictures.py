"""The views of a scan for a page: levels of grey, and what is drawn over them in millimetres."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bonescan.dicom.scan import View
from bonescan.image_form import ImageForm, Sides
from bonescan.labels import Label
from bonescan.measures.findings import Finding
from bonescan.report.drawing import SCALE_BAR_STEPS_MM, display_limit
from bonescan.report.overlay import (
    HOT_PERCENTILE,
    NUMBER_GAP_MM,
    choose_numbered,
    find_shown_rows,
    find_warning,
    spread,
)
from bonescan.report.scan_result import ScanResult

Line = tuple[float, float, float, float]
"""Column and row of the beginning, column and row of the end, in mm."""

Box = tuple[float, float, float, float]
"""Column, row, width and height in mm."""

TOP_LEVEL = 255
NUMBER_EDGE_MM = 4.0
"""From the picture's edge to the number of a lesion."""
DIGIT_MM = 13.0
"""Width of a digit."""


@dataclass(frozen=True)
class Mark:
    """The number of a lesion beside the body, and the line to the lesion.

    Attributes:
        text: the number.
        column_mm: of its outer end.
        row_mm: of its middle.
        on_right: whether it stands at the right edge, and ends there.
        line: from the number to the lesion.
    """

    text: str
    column_mm: float
    row_mm: float
    on_right: bool
    line: Line


@dataclass(frozen=True, eq=False)
class ViewPicture:
    """One view as physicians look at it; millimetres from the upper left corner of what is shown.

    Attributes:
        view: which view.
        doubtful: whether it may be the other view, or on the other side.
        sides: the patient's sides at the left and the right of the picture.
        width_mm: of what is shown.
        height_mm: of what is shown.
        levels: square roots of the counts, uint8 (row, column): the steps are finer than the noise,
            whatever the counts, since Poisson noise rises with the square root, too.
        full_counts: counts of the level 255.
        limit: counts that are shown black, for bones.
        hot_limit: the same for hot spots.
        outlines: edges of the lesions' pixels.
        field: edges of the field that was assessed.
        shade: boxes that cover all else.
        marks: numbers of lesions.
        lesions: number of the lesions that the view shows.
        scale_mm: length of the scale bar; None where none fits.
    """

    view: View
    doubtful: bool
    sides: Sides
    width_mm: float
    height_mm: float
    levels: NDArray[np.uint8]
    full_counts: float
    limit: float
    hot_limit: float
    outlines: tuple[Line, ...]
    field: tuple[Line, ...]
    shade: tuple[Box, ...]
    marks: tuple[Mark, ...]
    lesions: int
    scale_mm: int | None

    def png(self) -> bytes:
        """Encode the levels as a grey PNG.

        Level 2 of zlib takes half the time of its usual 6, for a file an eighth larger.
        """
        buffer = io.BytesIO()
        Image.fromarray(self.levels).save(buffer, format="PNG", compress_level=2)
        return buffer.getvalue()

    def grey(self, limit: float) -> NDArray[np.uint8]:
        """Show the levels in inverse grey, black from a count on (row, column)."""
        counts = self.full_counts * (np.arange(TOP_LEVEL + 1) / TOP_LEVEL) ** 2
        table = np.rint(255 * (1 - np.minimum(counts / limit, 1))).astype(np.uint8)
        return table[self.levels]


def make_pictures(result: ScanResult) -> tuple[ViewPicture, ...]:
    """Make the pictures of all views of a scan, with the same rows, in the order of the views."""
    rows = find_shown_rows(result.counts, result.spacing_mm)
    return tuple(_make_picture(result, number, rows) for number in range(len(result.views)))


def _make_picture(result: ScanResult, number: int, rows: slice) -> ViewPicture:
    view, counts = result.views[number], result.counts[number]
    row_mm, column_mm = result.spacing_mm
    shown = np.maximum(counts[rows], 0)
    width_mm, height_mm = shown.shape[1] * column_mm, shown.shape[0] * row_mm
    full_counts = max(float(shown.max()), 1.0)
    field_mask = result.field_mask[number][rows]
    findings = [finding for finding in result.findings if finding.view == view]
    (sides,) = ImageForm(view).sides(posterior_flipped=False, mirrored_copy=result.mirrored_copy)
    fitting = [step for step in SCALE_BAR_STEPS_MM if step <= width_mm / 4]
    return ViewPicture(
        view=view,
        doubtful=bool(find_warning(result)),
        sides=sides,
        width_mm=width_mm,
        height_mm=height_mm,
        levels=np.rint(TOP_LEVEL * np.sqrt(shown / full_counts)).astype(np.uint8),
        full_counts=full_counts,
        limit=display_limit(counts),
        hot_limit=display_limit(counts, HOT_PERCENTILE),
        outlines=find_outlines(result.mask(Label.METASTASIS)[number][rows], result.spacing_mm),
        field=find_outlines(field_mask, result.spacing_mm),
        shade=find_boxes(~field_mask, result.spacing_mm),
        marks=_place_marks(findings, result.spacing_mm, rows, counts.shape[1]),
        lesions=len(findings),
        scale_mm=max(fitting, default=None),
    )


def find_outlines(mask: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> tuple[Line, ...]:
    """Find the edges between a mask and its surroundings, joined where one goes on in another.

    Args:
        mask: (row, column).
        spacing_mm: (row, column) pixel spacing.

    Returns:
        Horizontal lines, then vertical ones, in mm from the mask's upper left corner.
    """
    row_mm, column_mm = spacing_mm
    padded = np.pad(mask, 1)
    across = _find_runs(padded[1:, 1:-1] != padded[:-1, 1:-1])
    down = _find_runs((padded[1:-1, 1:] != padded[1:-1, :-1]).T)
    return (
        *((first * column_mm, row * row_mm, stop * column_mm, row * row_mm)
          for row, first, stop in across.tolist()),
        *((column * column_mm, first * row_mm, column * column_mm, stop * row_mm)
          for column, first, stop in down.tolist()),
    )  # fmt: skip


def find_boxes(mask: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> tuple[Box, ...]:
    """Cover a mask (row, column) by boxes that do not overlap, each of rows that are alike."""
    row_mm, column_mm = spacing_mm
    changes = np.flatnonzero((mask[1:] != mask[:-1]).any(axis=1)) + 1
    edges = [0, *changes.tolist(), len(mask)]
    return tuple(
        (first * column_mm, top * row_mm, (stop - first) * column_mm, (bottom - top) * row_mm)
        for top, bottom in pairwise(edges)
        for _, first, stop in _find_runs(mask[top : top + 1]).tolist()
    )


def _find_runs(marked: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Find runs along the rows of an array: row, first column and the column after it."""
    steps = np.diff(np.pad(marked, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, first = np.nonzero(steps == 1)
    _, stop = np.nonzero(steps == -1)
    return np.stack([row, first, stop], axis=1)


def _place_marks(
    findings: Sequence[Finding], spacing_mm: tuple[float, float], rows: slice, columns: int
) -> tuple[Mark, ...]:
    """Place the numbers of the largest findings beside the body, on the nearer side of each."""
    row_mm, column_mm = spacing_mm
    height_mm, width_mm = (rows.stop - rows.start) * row_mm, columns * column_mm
    marks = []
    for half, on_right in zip(choose_numbered(findings, columns), (False, True), strict=True):
        heights = [(finding.centroid_px[0] + 0.5 - rows.start) * row_mm for finding in half]
        places = spread(heights, NUMBER_GAP_MM, height_mm - NUMBER_GAP_MM)
        text_mm = width_mm - NUMBER_EDGE_MM if on_right else NUMBER_EDGE_MM
        for finding, height, place in zip(half, heights, places.tolist(), strict=True):
            _, first, _, last = finding.box_px
            edge_mm = (last + 1 if on_right else first) * column_mm
            name = name_mark(finding)
            inner_mm = text_mm + (-1 if on_right else 1) * DIGIT_MM * len(name)
            line = (inner_mm, place, edge_mm, height)
            marks.append(Mark(name, text_mm, place, on_right, line))
    return tuple(marks)


def name_mark(finding: Finding) -> str:
    """Return what a finding is called in pictures and tables."""
    return f"{finding.lesion}{'*' if finding.touches_field_border else ''}"
