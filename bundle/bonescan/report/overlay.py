"""Pictures of scans with outlines, as physicians look at scans."""

import json
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bonescan.image_form import ImageForm
from bonescan.labels import Label
from bonescan.report.drawing import (
    FOOTER_PX,
    HEADER_PX,
    PRED_COLOUR,
    draw_counts,
    draw_outlines,
    draw_scale_bar,
    draw_sides,
    name_origin,
    new_figure,
    save_png,
    write_caption,
)
from bonescan.report.findings import RESEARCH_USE
from bonescan.report.scan_result import ScanResult

PIXELS_PER_MM = 0.65
"""A little more than one pixel of the picture for each pixel of the camera's matrix."""


def write_overlay(path: str | Path, result: ScanResult) -> None:
    """Write the picture of draw_overlay as PNG, with what made it as text beside the pixels."""
    figure = draw_overlay(result)
    texts = {
        "Software": f"bonescan {result.provenance.versions['bonescan']}",
        "Description": f"Scan {result.scan_id}. {RESEARCH_USE}",
        "Comment": json.dumps(result.provenance.document()),
    }
    save_png(figure, path, texts)


def draw_overlay(result: ScanResult) -> Figure:
    """Draw a scan's views side by side, hot black, with the lesions outlined.

    Inverse grey, equal scale in mm in both directions, R and L on both views, a scale bar, and a
    caption that says what was assessed and whether the scan is simulated.
    """
    count, rows, columns = result.counts.shape
    width_px = columns * result.spacing_mm[1] * PIXELS_PER_MM
    height_px = rows * result.spacing_mm[0] * PIXELS_PER_MM
    figure_px = (count * width_px, HEADER_PX + height_px + FOOTER_PX)
    figure = new_figure(*figure_px)
    for number, view in enumerate(result.views):
        axes = figure.add_axes(
            (number / count, FOOTER_PX / figure_px[1], 1 / count, height_px / figure_px[1])
        )
        _draw_view(axes, result, number)
        axes.set_title(view.capitalize(), size=10, pad=4)
    write_caption(figure, _caption(result), has_truth=False)
    return figure


def _draw_view(axes: Axes, result: ScanResult, number: int) -> None:
    """Draw one view of a scan with its outlines and the numbers of its findings."""
    view, counts = result.views[number], result.counts[number]
    draw_counts(axes, counts, result.spacing_mm)
    draw_outlines(axes, result.mask(Label.METASTASIS)[number], None)
    for finding in result.findings:
        if finding.view == view:
            first_row, _, _, last_column = finding.box_px
            axes.text(
                last_column + 1.5,
                first_row,
                str(finding.number),
                color=PRED_COLOUR,
                size=6,
                va="bottom",
                clip_on=True,
            )
    draw_sides(axes, ImageForm(view))
    draw_scale_bar(axes, counts.shape, result.spacing_mm)


def _caption(result: ScanResult) -> list[str]:
    """Write the lines under a scan: which it is, what was found and where it was looked for."""
    lesions = ", ".join(
        f"{sum(finding.view == view for finding in result.findings)} {view}"
        for view in result.views
    )
    return [
        f"Scan {result.scan_id}, {name_origin(simulated=result.simulated)}",
        f"Assessed: {result.field}. Lesions: {lesions}",
        RESEARCH_USE,
    ]
