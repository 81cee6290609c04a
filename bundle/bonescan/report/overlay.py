"""Pictures of scans with outlines, as physicians look at scans."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import isotonic_regression

from bonescan.dicom.scan import ContentCheck, View, ViewSource
from bonescan.image_form import ImageForm
from bonescan.labels import Label
from bonescan.measures.findings import Finding
from bonescan.notice import RESEARCH_USE
from bonescan.report.drawing import (
    FIELD_COLOUR,
    HALO_COLOUR,
    PRED_COLOUR,
    SHADE_COLOUR,
    display_limit,
    draw_counts,
    draw_field,
    draw_outlines,
    draw_scale_bar,
    draw_sides,
    name_origin,
    new_figure,
    outline_keys,
    write_caption,
    write_png,
    zoom,
)

if TYPE_CHECKING:  # it holds the picture
    from bonescan.report.scan_result import ScanResult

PIXELS_PER_MM = 0.75
"""Nearly two pixels of the picture for each pixel of the camera's matrix."""

MIN_WIDTH_PX = 1000
"""The caption needs as much."""

HEADER_PX = 44
CAPTION_PX = 106
GAP_PX = 12
WARNING_PX = 24

EMPTY_SHARE = 0.02
"""Of the scan's bright parts: rows that stay below it, smoothed, hold neither body nor urine."""

MARGIN_MM = 40.0
"""Shown above the head and below the feet."""

NUMBER_PT = 10
NUMBER_GAP_MM = 22.0
"""Height of a lesion's number."""

MOST_NUMBERS = 12
"""On each side of a view; where there are more, the largest findings have theirs."""

VIEW_WARNINGS = {
    ViewSource.GUESS: "The file does not say which view is which: they are GUESSED. Check them.",
    ViewSource.ORDER: "The file does not name its views: taken by their order. Check them.",
    ViewSource.IMAGE: "The file does not name its views: told by what they LOOK like. Check them.",
}
CONTENT_WARNING = "The image CONTRADICTS what is said of its views. Check them."

HOT_PERCENTILE = 99.9
"""Of the pixels that hold counts: in this window hot spots part from each other."""


def write_overlay(path: str | Path, result: "ScanResult") -> None:
    """Write the picture of draw_overlay as PNG, with what made it as text beside the pixels."""
    texts = {
        "Software": f"bonescan {result.provenance.versions['bonescan']}",
        "Description": f"Scan {result.scan_id}. {RESEARCH_USE}",
        "Comment": json.dumps(result.provenance.document()),
    }
    write_png(path, result.picture, texts)


def draw_overlay(result: "ScanResult") -> Figure:
    """Draw a scan's views side by side twice: with the findings, and plain, for hot spots.

    Views are shown as acquired, hot black, with equal scale in mm in both directions, R and L, and
    without the empty parts above and below the body. What was not assessed is shaded, and the field
    that was is framed. The caption says what was found where, and what made it.
    """
    rows = find_shown_rows(result.counts, result.spacing_mm)
    columns = result.counts.shape[2]
    width_px = columns * result.spacing_mm[1] * PIXELS_PER_MM
    height_px = (rows.stop - rows.start) * result.spacing_mm[0] * PIXELS_PER_MM
    panels = 2 * len(result.views)
    drawn_px = panels * (width_px + GAP_PX) - GAP_PX
    warning = find_warning(result)
    header_px = HEADER_PX + (WARNING_PX if warning else 0)
    full_px = max(drawn_px, MIN_WIDTH_PX), header_px + height_px + CAPTION_PX
    figure = new_figure(*full_px)
    bottom, size = CAPTION_PX / full_px[1], (width_px / full_px[0], height_px / full_px[1])
    for panel in range(panels):
        left_px = (full_px[0] - drawn_px) / 2 + panel * (width_px + GAP_PX)
        axes = figure.add_axes((left_px / full_px[0], bottom, *size))
        plain, number = divmod(panel, len(result.views))
        _draw_view(axes, result, number, rows, plain=bool(plain))
    keys = [
        *outline_keys(has_truth=False),
        Patch(facecolor="white", edgecolor=FIELD_COLOUR, label="assessed"),
        Patch(facecolor=SHADE_COLOUR, label="not assessed"),
    ]
    write_caption(figure, _caption(result), keys)
    figure.text(
        0.5, 0.995, warning, size=12, weight="bold", color=PRED_COLOUR, ha="center", va="top"
    )
    return figure


def find_shown_rows(counts: NDArray[np.floating], spacing_mm: tuple[float, float]) -> slice:
    """Find the rows of a scan (view, row, column) that hold something, with a margin."""
    smooth = ndimage.gaussian_filter(counts.max(axis=0), [9 / mm for mm in spacing_mm])
    filled = np.flatnonzero(smooth.max(axis=1) > EMPTY_SHARE * np.percentile(smooth, 99.5))
    if not filled.size:
        return slice(0, counts.shape[1])
    margin = round(MARGIN_MM / spacing_mm[0])
    return slice(max(filled[0] - margin, 0), min(filled[-1] + 1 + margin, counts.shape[1]))


def _draw_view(axes: Axes, result: "ScanResult", number: int, rows: slice, *, plain: bool) -> None:
    """Draw one view: with field and findings, or plain in the window for hot spots."""
    view, counts = result.views[number], result.counts[number]
    limit = display_limit(counts, HOT_PERCENTILE) if plain else display_limit(counts)
    draw_counts(axes, counts, result.spacing_mm, limit=limit)
    zoom(axes, ((rows.start, rows.stop), (0, counts.shape[1])))
    if not plain:
        draw_field(axes, result.field_mask[number])
        _name_shade(axes, result.field_mask[number], rows, result.spacing_mm[0])
        draw_outlines(axes, result.mask(Label.METASTASIS)[number], None)
        findings = [finding for finding in result.findings if finding.view == view]
        _number_findings(axes, findings, counts.shape[1], rows.stop, result.spacing_mm[0])
    sides = ImageForm(view).sides(posterior_flipped=False, mirrored_copy=result.mirrored_copy)
    draw_sides(axes, sides)
    draw_scale_bar(axes, result.spacing_mm)
    window = f"{'hot spots, plain: ' if plain else ''}black from {limit:.0f} counts"
    # Told where to stand: matplotlib would measure ticks that nobody sees to find a place.
    axes.set_title(f"{_title(result, view)}\n{window}", size=10, y=1.0, pad=5)


def _name_shade(axes: Axes, field_mask: NDArray[np.bool_], rows: slice, row_mm: float) -> None:
    """Write what the shade means below the field, where something is left to see there."""
    assessed = np.flatnonzero(field_mask.any(axis=1))
    place = assessed[-1] + NUMBER_GAP_MM / row_mm if assessed.size else rows.stop
    if place < rows.stop - NUMBER_GAP_MM / row_mm:
        axes.text(
            np.flatnonzero(field_mask.any(axis=0)).mean(), place, "not assessed",
            size=NUMBER_PT, ha="center", va="center",
            bbox={"boxstyle": "round,pad=0.2", "fc": "0.88", "ec": "none", "alpha": 0.8},
        )  # fmt: skip


def _title(result: "ScanResult", view: View) -> str:
    seen = ", seen from behind" if view is View.POSTERIOR else ""
    doubt = " (?)" if find_warning(result) else ""
    copy = ", mirrored copy" if result.mirrored_copy else ""
    return f"{view.capitalize()}{doubt}{seen}{copy}"


def _number_findings(
    axes: Axes, findings: Sequence[Finding], columns: int, row_stop: int, row_mm: float
) -> None:
    """Write the numbers of lesions along the nearer edge, each with a line to its finding."""
    gap = NUMBER_GAP_MM / row_mm
    for align, here in zip(("left", "right"), choose_numbered(findings, columns), strict=True):
        places = spread([finding.centroid_px[0] for finding in here], gap, row_stop - gap)
        for finding, place in zip(here, places, strict=True):
            _, first_column, _, last_column = finding.box_px
            axes.annotate(
                f"{finding.lesion}{'*' if finding.touches_field_border else ''}",
                xy=(first_column if align == "left" else last_column, finding.centroid_px[0]),
                xytext=((0.03 if align == "left" else 0.97) * columns, place),
                color=PRED_COLOUR,
                size=NUMBER_PT,
                weight="bold",
                ha=align,
                va="center",
                bbox={"boxstyle": "round,pad=0.1", "fc": HALO_COLOUR, "ec": "none", "alpha": 0.8},
                arrowprops={"arrowstyle": "-", "color": PRED_COLOUR, "lw": 0.6, "shrinkB": 2},
            )


def choose_numbered(
    findings: Sequence[Finding], columns: int
) -> tuple[Sequence[Finding], Sequence[Finding]]:
    """Choose the findings of a view that get a number: the largest of each half, head first."""
    halves: tuple[list[Finding], list[Finding]] = ([], [])
    for finding in sorted(findings, key=lambda finding: -finding.area_px):
        half = halves[finding.centroid_px[1] >= columns / 2]
        if len(half) < MOST_NUMBERS:
            half.append(finding)
    for half in halves:
        half.sort(key=lambda finding: finding.centroid_px[0])
    return halves


def spread(places: Sequence[float], gap: float, last: float) -> NDArray[np.float64]:
    """Move ascending places as little as possible until a gap parts them, none beyond the last.

    Without the gaps that come before each, places must not descend: isotonic regression.
    """
    if not places:
        return np.empty(0)
    before = gap * np.arange(len(places))
    return np.minimum(isotonic_regression(places - before).x, last - before[-1]) + before


def find_warning(result: "ScanResult") -> str:
    """Return what must be said of the views of a scan, empty if nothing."""
    if result.content_check == ContentCheck.CONTRADICTS:
        return CONTENT_WARNING
    return VIEW_WARNINGS.get(ViewSource(result.view_source), "")


def _caption(result: "ScanResult") -> list[str]:
    """Write the lines under a scan: what was found, where it was looked for, what made it."""
    by_view = {
        view: [each for each in result.findings if each.view == view] for view in result.views
    }
    counts = ", ".join(f"{len(findings)} {view}" for view, findings in by_view.items())
    numbered = sum(
        len(half)
        for findings in by_view.values()
        for half in choose_numbered(findings, result.counts.shape[2])
    )
    lesions = len({finding.lesion for finding in result.findings})
    notes = []
    if lesions < len(result.findings):
        notes.append("the same number in both views is one lesion")
    if any(finding.touches_field_border for finding in result.findings):
        notes.append("* touches the border of what was assessed")
    if numbered < len(result.findings):
        notes.append("only the largest are numbered")
    return [
        f"Scan {result.scan_id}, {name_origin(simulated=result.simulated)}. "
        f"Assessed: {result.scope}. "
        f"Lesions: {'; '.join([f'{lesions} ({counts})', *notes])}",
        *result.provenance.caption(),
        RESEARCH_USE,
    ]
