"""Drawing images of a scan as physicians look at them: the parts that pictures share."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bonescan.files import write_whole
from bonescan.image_form import ImageForm
from bonescan.labels import LABEL_COLOURS, Label

DPI = 100
HEADER_PX = 26
FOOTER_PX = 52
"""Room above a picture for titles, and below it for the caption."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Of lines, in this order: colour-blind readers tell them apart (Okabe and Ito)."""

PRED_COLOUR = tuple(part / 255 for part in LABEL_COLOURS[Label.METASTASIS])
TRUTH_COLOUR = COLOURS[2]
"""Bluish green: apart from the prediction's red for colour-blind readers too."""

PRED_WIDTH_PT, TRUTH_WIDTH_PT = 0.7, 1.7

WINDOW_PERCENTILE = 99.0
"""Of the pixels that hold counts: shows ribs and vertebrae; bladder and hot lesions saturate."""

SCALE_BAR_STEPS_MM = (10, 20, 50, 100, 200)


def new_figure(width_px: float, height_px: float) -> Figure:
    """Make a figure of a size in pixels on the Agg canvas, without pyplot's global state."""
    figure = Figure(figsize=(width_px / DPI, height_px / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save_png(figure: Figure, path: str | Path, texts: Mapping[str, str] | None = None) -> None:
    """Write a figure as PNG, with texts by keyword beside the pixels, then empty it.

    Left as it is, it would hold its pictures until Python looks for cycles: 7 MB a scan in an
    archive run. Level 3 of zlib takes half the time of matplotlib's 6, for a file a tenth larger.
    """

    def write(partial: Path) -> None:
        figure.savefig(partial, format="png", metadata=texts, pil_kwargs={"compress_level": 3})
        figure.clear()

    write_whole(Path(path), write)


def display_limit(counts: NDArray[np.floating]) -> float:
    """Find the count that is shown black; at least 1, so that an empty view stays white."""
    positive = counts[counts > 0]
    return max(float(np.percentile(positive, WINDOW_PERCENTILE)), 1.0) if positive.size else 1.0


def outline_segments(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Find the pixel edges between a mask and its surroundings.

    Exact for one-pixel masks too, where an interpolated contour all but vanishes.

    Args:
        mask: (row, column).

    Returns:
        Segments as pairs of points (column, row), pixel centres at whole numbers: (edge, 2, 2).
    """
    padded = np.pad(mask, 1)
    row, column = np.nonzero(
        padded[1:, 1:-1] != padded[:-1, 1:-1]
    )  # edge above pixel (row, column)
    across = np.stack([column - 0.5, row - 0.5, column + 0.5, row - 0.5], axis=-1)
    row, column = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])  # edge left of the pixel
    down = np.stack([column - 0.5, row - 0.5, column - 0.5, row + 0.5], axis=-1)
    return np.concatenate([across, down]).reshape(-1, 2, 2)


def draw_counts(axes: Axes, counts: NDArray[np.floating], spacing_mm: tuple[float, float]) -> None:
    """Show counts (row, column) in inverse grey, hot black, with one mm as long in both ways."""
    row_spacing_mm, column_spacing_mm = spacing_mm
    axes.imshow(
        counts,
        cmap="gray_r",
        vmin=0,
        vmax=display_limit(counts),
        aspect=row_spacing_mm / column_spacing_mm,
        interpolation="bilinear",
    )
    axes.set_axis_off()


def draw_outlines(
    axes: Axes, pred_mask: NDArray[np.bool_], truth_mask: NDArray[np.bool_] | None
) -> None:
    """Outline the prediction, over a broader outline of the truth where there is one.

    Both stay visible where they coincide, and can be told apart without colours.
    """
    layers = (
        (truth_mask, TRUTH_COLOUR, TRUTH_WIDTH_PT),
        (pred_mask, PRED_COLOUR, PRED_WIDTH_PT),
    )
    for mask, colour, width_pt in layers:
        if mask is None:
            continue
        lines = LineCollection(
            list(outline_segments(mask)),
            colors=[colour],
            linewidths=width_pt,
            capstyle="projecting",
        )
        axes.add_collection(lines, autolim=False)


def draw_sides(axes: Axes, form: ImageForm, *, mirrored: bool = False) -> None:
    """Print R and L in the upper corners of each part of an image, on the patient's sides.

    Args:
        axes: that show the image.
        form: what the image shows of the scan.
        mirrored: whether the posterior view was flipped to lie on the anterior one.
    """
    parts = form.sides(mirrored=mirrored)
    for number, sides in enumerate(parts):
        for side, x, align in zip(sides, (0.03, 0.97), ("left", "right"), strict=True):
            axes.text(
                (number + x) / len(parts),
                0.99,
                side,
                transform=axes.transAxes,
                ha=align,
                va="top",
                weight="bold",
                color="black",
            )


def draw_scale_bar(axes: Axes, shape: tuple[int, int], spacing_mm: tuple[float, float]) -> None:
    """Draw a bar of a round length, at most a quarter of the width, into the lower left corner."""
    rows, columns = shape
    column_spacing_mm = spacing_mm[1]
    widest_mm = columns * column_spacing_mm / 4
    length_mm = max((step for step in SCALE_BAR_STEPS_MM if step <= widest_mm), default=None)
    if length_mm is None:
        return
    left, bottom = 0.04 * columns, 0.985 * rows
    right = left + length_mm / column_spacing_mm
    axes.plot([left, right], [bottom, bottom], color="black", linewidth=2, solid_capstyle="butt")
    axes.text(
        (left + right) / 2,
        bottom - 0.008 * rows,
        f"{length_mm} mm",
        ha="center",
        va="bottom",
        size=7,
    )


def name_origin(*, simulated: bool) -> str:
    """Say in a caption where scans come from."""
    return "simulated" if simulated else "acquired"


def write_caption(figure: Figure, lines: Sequence[str], *, has_truth: bool) -> None:
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
