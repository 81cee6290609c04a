"""Pictures of scans with outlines, as physicians look at scans."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bonescan.dicom.scan import View
from bonescan.report.drawing import (
    PRED_COLOUR,
    PRED_WIDTH_PT,
    TRUTH_COLOUR,
    TRUTH_WIDTH_PT,
    draw_counts,
    draw_outlines,
    draw_scale_bar,
    draw_sides,
    new_figure,
    save_png,
)
from bonescan.report.evaluated_images import EvaluatedImage
from bonescan.report.findings import RESEARCH_USE, Finding

PIXELS_PER_MM = 0.65
"""A little more than one pixel of the picture for each pixel of the camera's matrix."""

CASE_SIDE_PX = 420
HEADER_PX = 26
FOOTER_PX = 52


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


@dataclass(frozen=True)
class ImagePanel:
    """One view of an evaluated scan, for the panel of cases.

    Attributes:
        title: what the case stands for, such as "median, DSC 0.71".
        counts: counts or scaled uptake (row, column).
        view: the view's name.
        spacing_mm: (row, column) pixel spacing.
        pred_mask: predicted lesions (row, column).
        truth_mask: true lesions (row, column).
        mirrored: whether the posterior view was flipped to lie on the anterior one.
    """

    title: str
    counts: NDArray[np.floating]
    view: View
    spacing_mm: tuple[float, float]
    pred_mask: NDArray[np.bool_]
    truth_mask: NDArray[np.bool_]
    mirrored: bool = False


def make_panel(case: EvaluatedImage, title: str) -> ImagePanel:
    """Return the panel of a stored case."""
    return ImagePanel(
        title=title,
        counts=case.uptake.astype(np.float32),
        view=case.view,
        spacing_mm=case.spacing_mm,
        pred_mask=case.pred_mask,
        truth_mask=case.truth_mask,
        mirrored=case.mirrored,
    )


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
    _write_caption(figure, _caption(picture), has_truth=picture.truth_mask is not None)
    return figure


def write_panels(path: str | Path, cases: Sequence[ImagePanel], *, simulated: bool) -> None:
    """Write the panel of draw_panels as PNG."""
    save_png(draw_panels(cases, simulated=simulated), path)


def draw_panels(cases: Sequence[ImagePanel], *, simulated: bool) -> Figure:
    """Draw a panel of cases: above as they are, below with prediction and truth outlined.

    Args:
        cases: cases from left to right.
        simulated: whether the scans are simulated.

    Raises:
        ValueError: if there is no case.
    """
    if not cases:
        raise ValueError("cases must hold at least one case, got none")
    width_px, height_px = len(cases) * CASE_SIDE_PX, 2 * CASE_SIDE_PX + HEADER_PX + FOOTER_PX
    figure = new_figure(width_px, height_px)
    side = (1 / len(cases), CASE_SIDE_PX / height_px)
    for number, case in enumerate(cases):
        for level in (1, 0):  # the upper row is drawn without outlines
            bottom = FOOTER_PX / height_px + level * side[1]
            axes = figure.add_axes((number * side[0], bottom, *side))
            _draw_panel(axes, case, outlined=level == 0)
    lines = [_origin(simulated=simulated), RESEARCH_USE]
    _write_caption(figure, lines, has_truth=True)
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
    draw_sides(axes, view)
    draw_scale_bar(axes, counts.shape, picture.spacing_mm)


def _draw_panel(axes: Axes, case: ImagePanel, *, outlined: bool) -> None:
    """Draw one case, with its title when it is the plain picture."""
    draw_counts(axes, case.counts, case.spacing_mm)
    draw_sides(axes, case.view, mirrored=case.mirrored)
    if not outlined:
        axes.set_title(case.title, size=10, pad=4)
        return
    draw_outlines(axes, case.pred_mask, case.truth_mask)
    draw_scale_bar(axes, case.counts.shape, case.spacing_mm)


def _caption(picture: ScanPicture) -> list[str]:
    """Write the lines under a scan: which it is, what was found and where it was looked for."""
    lesions = ", ".join(
        f"{sum(finding.view == view for finding in picture.findings)} {view}"
        for view in picture.views
    )
    return [
        f"Scan {picture.scan_id}, {_origin(simulated=picture.simulated)}",
        f"Assessed: {picture.assessed}. Lesions: {lesions}",
        RESEARCH_USE,
    ]


def _origin(*, simulated: bool) -> str:
    return "simulated" if simulated else "acquired"


def _write_caption(figure: Figure, lines: Sequence[str], *, has_truth: bool) -> None:
    """Print the lines at the lower left and the meaning of the outlines at the lower right."""
    height_px = figure.get_figheight() * figure.dpi
    figure.text(0.01, (FOOTER_PX - 6) / height_px, "\n".join(lines), size=7.5, va="top")
    handles = [Line2D([], [], color=PRED_COLOUR, lw=PRED_WIDTH_PT, label="predicted lesion")]
    if has_truth:
        truth = Line2D([], [], color=TRUTH_COLOUR, lw=TRUTH_WIDTH_PT, label="true lesion")
        handles.append(truth)
    figure.legend(
        handles=handles, loc="lower right", fontsize=7.5, frameon=False, borderaxespad=0.2
    )
