"""Pictures of scans with outlines, as physicians look at scans."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bonescan.dicom.scan import View
from bonescan.image_form import ImageForm
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
from bonescan.report.findings import RESEARCH_USE, Finding

PIXELS_PER_MM = 0.65
"""A little more than one pixel of the picture for each pixel of the camera's matrix."""


@dataclass(frozen=True)
class ScanPicture:
    """What the overlay of a scan shows; everything in acquisition geometry.

    Attributes:
        counts: counts (view, row, column).
        views: names of the views along the first axis.
        spacing_mm: (row, column) pixel spacing.
        pred_mask: predicted lesions (view, row, column).
        scan_id: pseudonym of the scan.
        assessed: field that was searched for lesions, such as "thorax".
        simulated: whether the scan is simulated.
        findings: the predicted lesions; counted in the caption, their numbers printed beside them.
        truth_mask: true lesions (view, row, column), where they are known.
    """

    counts: NDArray[np.floating]
    views: Sequence[View]
    spacing_mm: tuple[float, float]
    pred_mask: NDArray[np.bool_]
    scan_id: str
    assessed: str
    simulated: bool
    findings: Sequence[Finding]
    truth_mask: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        shape = self.counts.shape
        if len(shape) != 3 or shape[0] != len(self.views):
            raise ValueError(
                f"counts must be (view, row, column) of {len(self.views)} views, got {shape}"
            )
        for name, mask in (("pred_mask", self.pred_mask), ("truth_mask", self.truth_mask)):
            if mask is not None and mask.shape != shape:
                raise ValueError(f"{name} must have the counts' shape {shape}, got {mask.shape}")


def write_overlay(path: str | Path, picture: ScanPicture) -> None:
    """Write the picture of draw_overlay as PNG."""
    save_png(draw_overlay(picture), path)


def draw_overlay(picture: ScanPicture) -> Figure:
    """Draw a scan's views side by side, hot black, with the lesions outlined.

    Inverse grey, equal scale in mm in both directions, R and L on both views, a scale bar, and a
    caption that says what was assessed and whether the scan is simulated.
    """
    count, rows, columns = picture.counts.shape
    width_px = columns * picture.spacing_mm[1] * PIXELS_PER_MM
    height_px = rows * picture.spacing_mm[0] * PIXELS_PER_MM
    figure_px = (count * width_px, HEADER_PX + height_px + FOOTER_PX)
    figure = new_figure(*figure_px)
    for number, view in enumerate(picture.views):
        axes = figure.add_axes(
            (number / count, FOOTER_PX / figure_px[1], 1 / count, height_px / figure_px[1])
        )
        _draw_view(axes, picture, number)
        axes.set_title(view.capitalize(), size=10, pad=4)
    write_caption(figure, _caption(picture), has_truth=picture.truth_mask is not None)
    return figure


def _draw_view(axes: Axes, picture: ScanPicture, number: int) -> None:
    """Draw one view of a scan with its outlines and the numbers of its findings."""
    view, counts = picture.views[number], picture.counts[number]
    draw_counts(axes, counts, picture.spacing_mm)
    truth_mask = None if picture.truth_mask is None else picture.truth_mask[number]
    draw_outlines(axes, picture.pred_mask[number], truth_mask)
    for finding in picture.findings:
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
    draw_scale_bar(axes, counts.shape, picture.spacing_mm)


def _caption(picture: ScanPicture) -> list[str]:
    """Write the lines under a scan: which it is, what was found and where it was looked for."""
    lesions = ", ".join(
        f"{sum(finding.view == view for finding in picture.findings)} {view}"
        for view in picture.views
    )
    return [
        f"Scan {picture.scan_id}, {name_origin(simulated=picture.simulated)}",
        f"Assessed: {picture.assessed}. Lesions: {lesions}",
        RESEARCH_USE,
    ]
