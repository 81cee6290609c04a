"""Drawing images of a scan as physicians look at them: the parts that pictures share."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as DrawnPath
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bonescan.files import write_whole
from bonescan.image_form import Sides
from bonescan.labels import LABEL_COLOURS, Label

Colour = str | tuple[float, ...]
Part = tuple[tuple[float, float], tuple[float, float]]
"""Where rows and columns of a part of an image begin and end; pixel 0 lies between 0 and 1."""

DPI = 100
HEADER_PX = 26
FOOTER_PX = 52
"""Room above a picture for titles, and below it for the caption."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Of lines, in this order: colour-blind readers tell them apart (Okabe and Ito)."""

PRED_COLOUR = tuple(part / 255 for part in LABEL_COLOURS[Label.METASTASIS])
TRUTH_COLOUR = COLOURS[2]
"""Bluish green: apart from the prediction's red for colour-blind readers too."""

PRED_WIDTH_PT, TRUTH_WIDTH_PT = 1.5, 2.0
HALO_COLOUR = "white"
HALO_PT = 0.6
"""A rim on both sides of an outline, so that it is seen on light and on dark."""

FIELD_COLOUR = COLOURS[0]
FIELD_WIDTH_PT = 1.2
SHADE_COLOUR = (0.72, 0.72, 0.72, 0.6)
"""Of what was not assessed: anatomy stays visible, and looks as if behind glass."""

WINDOW_PERCENTILE = 99.0
"""Of the pixels that hold counts: shows ribs and vertebrae; bladder and hot lesions saturate."""

LEAST_ZOOM = 0.3
ZOOM_ROOM = 1.3
"""Length of a zoomed part over that of what it shows."""

SCALE_BAR_STEPS_MM = (10, 20, 50, 100, 200)


class Raster(Artist):
    """Values of pixels behind all else in its axes, where the limits of the axes show them.

    Pillow enlarges them and numpy puts them into Agg's canvas: matplotlib's own images, which are
    blended pixel by pixel, take ten times as long.

    Args:
        axes: that show them.
        values: float32 or uint8 (row, column), pixel centres at whole numbers.
        resample: how they are enlarged.
        paint: from the RGB that is there (height, width, 3) and the enlarged values (height, width)
            to the RGB that is to be, 0..255.
    """

    def __init__(
        self,
        axes: Axes,
        values: NDArray[np.float32] | NDArray[np.uint8],
        resample: Image.Resampling,
        paint: Callable[[NDArray[np.uint8], NDArray[np.number]], NDArray[np.number]],
    ) -> None:
        super().__init__()
        self._view, self._values = axes, values
        self._resample, self._paint = resample, paint
        axes.add_artist(self)

    def draw(self, renderer: RendererAgg) -> None:
        """Paint the part of the canvas where the axes show the pixels."""
        rows, columns = self._values.shape
        left, right = np.clip(self._view.get_xlim(), -0.5, columns - 0.5)
        bottom, top = np.clip(self._view.get_ylim(), -0.5, rows - 0.5)
        corners = self._view.transData.transform([(left, bottom), (right, top)])
        canvas = np.asarray(renderer.buffer_rgba())[::-1]  # row 0 at the bottom, as in corners
        (x, y), (stop_x, stop_y) = np.clip(np.rint(corners).astype(int), 0, canvas.shape[1::-1])
        part = canvas[y:stop_y, x:stop_x, :3][::-1]
        if part.size:
            shown = Image.fromarray(self._values).resize(
                part.shape[1::-1],
                self._resample,
                box=(left + 0.5, top + 0.5, right + 0.5, bottom + 0.5),
            )
            part[...] = self._paint(part, np.asarray(shown))


def new_figure(width_px: float, height_px: float) -> Figure:
    """Make a figure of a size in pixels on the Agg canvas, without pyplot's global state."""
    figure = Figure(figsize=(width_px / DPI, height_px / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def render(figure: Figure) -> NDArray[np.uint8]:
    """Draw a figure, RGB (row, column, channel), then take the images out of it.

    Left there, they would stay until Python looks for cycles: 4 MB a scan in an archive run.
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))
    for axes in figure.axes:
        for artist in list(axes.artists):
            artist.remove()
    return pixels


def write_png(
    path: str | Path, pixels: NDArray[np.uint8], texts: Mapping[str, str] | None = None
) -> None:
    """Write RGB pixels (row, column, channel) as PNG, with texts by keyword beside them.

    Level 2 of zlib takes half the time of level 3, for a file a tenth larger.
    """
    info = PngInfo()
    for keyword, text in (texts or {}).items():
        info.add_text(keyword, text)
    picture = Image.fromarray(pixels)
    write_whole(
        Path(path),
        lambda partial: picture.save(
            partial, format="PNG", dpi=(DPI, DPI), pnginfo=info, compress_level=2
        ),
    )


def save_png(figure: Figure, path: str | Path) -> None:
    """Draw a figure once, and write it as PNG."""
    write_png(path, render(figure))


def display_limit(counts: NDArray[np.floating], percentile: float = WINDOW_PERCENTILE) -> float:
    """Find the count that is shown black; at least 1, so that an empty view stays white.

    Args:
        counts: of one view (row, column).
        percentile: of the pixels that hold counts.
    """
    positive = counts[counts > 0]
    return max(float(np.percentile(positive, percentile)), 1.0) if positive.size else 1.0


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


def draw_counts(
    axes: Axes,
    counts: NDArray[np.floating],
    spacing_mm: tuple[float, float],
    *,
    limit: float | None = None,
) -> None:
    """Show counts (row, column) in inverse grey, hot black, with one mm as long in both ways.

    Args:
        axes: to draw on.
        counts: the counts.
        spacing_mm: (row, column) pixel spacing.
        limit: count that is shown black; display_limit(counts) if not given.
    """
    black = np.float32(display_limit(counts) if limit is None else limit)

    def paint(_: NDArray[np.uint8], shown: NDArray[np.number]) -> NDArray[np.number]:
        return np.rint(255 * (1 - np.clip(shown / black, 0, 1)))[..., None]

    rows, columns = counts.shape
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    axes.set_aspect(spacing_mm[0] / spacing_mm[1])
    axes.set_axis_off()
    Raster(axes, counts.astype(np.float32), Image.Resampling.BILINEAR, paint)


def draw_outline(axes: Axes, mask: NDArray[np.bool_], colour: Colour, width_pt: float) -> None:
    """Draw the pixel edges between a mask (row, column) and its surroundings."""
    points = outline_segments(mask).reshape(-1, 2)
    if not len(points):
        return
    path = DrawnPath(points, codes=np.resize([DrawnPath.MOVETO, DrawnPath.LINETO], len(points)))
    patch = PathPatch(path, fill=False, edgecolor=colour, linewidth=width_pt, capstyle="projecting")
    axes.add_artist(patch)


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
        draw_outline(axes, mask, HALO_COLOUR, width_pt + 2 * HALO_PT)
        draw_outline(axes, mask, colour, width_pt)


def draw_field(axes: Axes, field_mask: NDArray[np.bool_]) -> None:
    """Frame the field that was assessed (row, column) and shade everything else."""
    *colour, alpha = SHADE_COLOUR
    shade = alpha * 255 * np.array(colour, np.float32)

    def paint(there: NDArray[np.uint8], shaded: NDArray[np.number]) -> NDArray[np.number]:
        return np.where(shaded[..., None], np.rint(np.float32(1 - alpha) * there + shade), there)

    if not field_mask.all():
        Raster(axes, (~field_mask).astype(np.uint8), Image.Resampling.NEAREST, paint)
    draw_outline(axes, field_mask, FIELD_COLOUR, FIELD_WIDTH_PT)


def draw_sides(axes: Axes, parts: Sequence[Sides]) -> None:
    """Print R and L in the upper corners of each part of an image, on the patient's sides.

    Args:
        axes: that show the image.
        parts: the sides of each part, from left to right (ImageForm.sides).
    """
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


def draw_scale_bar(axes: Axes, spacing_mm: tuple[float, float]) -> None:
    """Draw a bar of a round length, at most a quarter of what is shown, at the lower left."""
    (first_column, last_column), (last_row, first_row) = axes.get_xlim(), axes.get_ylim()
    rows, columns = last_row - first_row, last_column - first_column
    column_spacing_mm = spacing_mm[1]
    widest_mm = columns * column_spacing_mm / 4
    length_mm = max((step for step in SCALE_BAR_STEPS_MM if step <= widest_mm), default=None)
    if length_mm is None:
        return
    left, bottom = first_column + 0.04 * columns, first_row + 0.985 * rows
    right = left + length_mm / column_spacing_mm
    axes.plot([left, right], [bottom, bottom], color="black", linewidth=2, solid_capstyle="butt")
    axes.text(
        (left + right) / 2,
        bottom - 0.008 * rows,
        f"{length_mm} mm",
        ha="center",
        va="bottom",
        size=8,
    )


def name_origin(*, simulated: bool) -> str:
    """Say in a caption where scans come from."""
    return "simulated" if simulated else "acquired"


def find_zoom(mask: NDArray[np.bool_]) -> Part:
    """Find the part of an image around all of a mask, in the image's proportions.

    Args:
        mask: what must be seen (row, column).

    Returns:
        At least LEAST_ZOOM of the image's rows and columns; all of it where the mask is empty.
    """
    size = np.array(mask.shape)
    if not mask.any():
        return (0, size[0]), (0, size[1])
    spans = np.array([(places.min(), places.max() + 1) for places in np.nonzero(mask)])
    share = min(max(ZOOM_ROOM * (np.ptp(spans, axis=1) / size).max(), LEAST_ZOOM), 1.0)
    first = np.clip(spans.mean(axis=1) - share * size / 2, 0, (1 - share) * size)
    last = first + share * size
    return (first[0], last[0]), (first[1], last[1])


def zoom(axes: Axes, part: Part) -> None:
    """Show this part of an image only."""
    (top, bottom), (left, right) = part
    axes.set_xlim(left - 0.5, right - 0.5)  # pixel centres lie at whole numbers
    axes.set_ylim(bottom - 0.5, top - 0.5)


def draw_zoomed_part(axes: Axes, part: Part) -> None:
    """Draw a frame around the part of an image that another panel shows."""
    (top, bottom), (left, right) = part
    corner = (left - 0.5, top - 0.5)
    frame = Rectangle(corner, right - left, bottom - top, fill=False, edgecolor=FIELD_COLOUR)
    axes.add_patch(frame)


def outline_keys(*, has_truth: bool) -> list[Artist]:
    """Return what a legend shows of the outlines."""
    keys: list[Artist] = [Line2D([], [], color=PRED_COLOUR, lw=2, label="predicted lesion")]
    if has_truth:
        keys.append(Line2D([], [], color=TRUTH_COLOUR, lw=2, label="true lesion"))
    return keys


def write_caption(figure: Figure, lines: Sequence[str], keys: Sequence[Artist]) -> None:
    """Print lines at the lower left, and a legend at the lower right."""
    figure.text(0.01, 6 / (figure.get_figheight() * DPI), "\n".join(lines), size=9, va="bottom")
    figure.legend(handles=keys, loc="lower right", fontsize=9, frameon=False, borderaxespad=0.2)
