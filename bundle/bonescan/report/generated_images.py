"""What generated images are worth: a sheet of samples, the closest pairs, a page of measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bonescan.files import write_text
from bonescan.metrics.likeness import BLOCK_PX, Difference, Neighbours
from bonescan.notice import RESEARCH_USE
from bonescan.report.drawing import HEADER_PX, name_origin, new_figure, save_png

Images = NDArray[np.floating]
"""(image, row, column), scaled to 0..1."""

CELL_PX = 116
FOOTER_PX = 24
ON_A_SIDE = 6
"""Rows and columns of images on each side of the sheet of samples."""
PAIRS = 10
QUANTILES = (0.05, 0.5, 0.95)
NEAR = 0.05
"""Share of the images left out below whose value an image counts as near: what is expected."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Images, and the training image nearest to each.

    Attributes:
        images: the images.
        neighbours: in the training images.
    """

    images: Images
    neighbours: Neighbours


def write_samples(path: Path, generated: Images, real: Images, *, simulated: bool) -> None:
    """Draw generated images on the left and training images on the right, as PNG."""
    titles = ("generated", f"trained on, {name_origin(simulated=simulated)}")
    figure = new_figure(2 * ON_A_SIDE * CELL_PX, ON_A_SIDE * CELL_PX + HEADER_PX + FOOTER_PX)
    for place, (images, title) in enumerate(zip((generated, real), titles, strict=True)):
        chosen = np.linspace(0, len(images) - 1, min(len(images), ON_A_SIDE**2)).astype(int)
        shown = [images[chosen[row : row + ON_A_SIDE]] for row in range(0, len(chosen), ON_A_SIDE)]
        _draw_mosaic(figure, shown, (place / 2, 0.5), title)
    _write_footer(figure, "Scaled to 0..1, 1 black.")
    save_png(figure, path)


def write_closest(path: Path, training: Images, generated: Compared, left_out: Compared) -> None:
    """Draw the images that lie nearest to a training image above it, as PNG.

    On the left generated ones, on the right those that the generator never saw.
    """
    figure = new_figure(PAIRS * CELL_PX, 2 * 2 * CELL_PX + 2 * HEADER_PX + FOOTER_PX)
    for place, (compared, name) in enumerate(
        ((generated, "Generated"), (left_out, "Left out of the training"))
    ):
        order = compared.neighbours.distance.argsort()[:PAIRS]
        rows = [compared.images[order], training[compared.neighbours.index[order]]]
        title = f"{name}, above the nearest training image; the {len(order)} closest pairs"
        _draw_mosaic(figure, rows, (0, 1), title, band=(place, 2))
    _write_footer(figure, "Nearest first.")
    save_png(figure, path)


def _draw_mosaic(
    figure: Figure,
    rows: Sequence[Images],
    span: tuple[float, float],
    title: str,
    *,
    band: tuple[int, int] = (0, 1),
) -> None:
    """Draw rows of images between the left and the width of a span, in one of several bands."""
    height_px = figure.get_figheight() * figure.dpi
    left, width = span
    number, bands = band
    high = (height_px - FOOTER_PX) / bands
    bottom = (FOOTER_PX + (bands - 1 - number) * high) / height_px
    axes = figure.add_axes((left + 0.002, bottom, width - 0.004, (high - HEADER_PX) / height_px))
    columns = max(map(len, rows))
    blank = np.zeros((columns, *rows[0].shape[1:]))
    lines = [np.concatenate([*row, *blank[len(row) :]], axis=1) for row in rows]
    axes.imshow(np.concatenate(lines), cmap="gray_r", vmin=0, vmax=1)
    axes.set_anchor("NW")
    axes.set_axis_off()
    axes.set_title(title, size=10, pad=4, loc="left")


def _write_footer(figure: Figure, line: str) -> None:
    figure.text(0.005, 6 / (figure.get_figheight() * figure.dpi), f"{line} {RESEARCH_USE}", size=8)


def write_quality(
    path: Path,
    *,
    head: str,
    generated: Neighbours,
    left_out: Neighbours,
    differences: Mapping[int, Difference],
    pictures: Mapping[str, str],
) -> None:
    """Write the page of measures as Markdown.

    Args:
        path: file to write.
        head: what was generated, from what, with which seed.
        generated: training images nearest to the generated ones.
        left_out: training images nearest to real ones that the generator never saw.
        differences: of the distributions, by side of the level in pixels.
        pictures: names of the files by what they show.
    """
    lines = [
        "# What these generated images are worth",
        head,
        "",
        "## Are they copies?",
        f"Distance: root mean square difference of the means over {BLOCK_PX} x {BLOCK_PX} pixels, "
        "values scaled to 0..1, to the nearest training image. Ratio: that distance over the one "
        "to the nearest training image of another patient: near 0 for a copy, near 1 where no "
        "patient stands out. A blurred image lies near to everything, but does not stand out. "
        "Images left out of the training say what to expect of new patients: "
        f"{NEAR:.0%} of them are near by definition.",
        "",
        "| images | number | measure | 5 % | median | 95 % | near |",
        "|---|---|---|---|---|---|---|",
        *_tell_neighbours(generated, left_out),
        "",
        "## Are they alike?",
        "Sliced Wasserstein distance (Karras 2018, times 1000) of patches of 7 x 7 pixels at each "
        "level of a Laplacian pyramid, to half of the training patients: of as many generated "
        "images, and of as many real ones of the other patients, which is the least that can be "
        f"reached. Mean and range of {len(next(iter(differences.values())).real)} such halvings. "
        "It sees texture and contrast, not whether a body is whole: look at the samples.",
        "",
        "| level, pixels | generated | real | times |",
        "|---|---|---|---|",
        *(
            f"| {side} | {_tell_range(each.generated)} | {_tell_range(each.real)} "
            f"| {each.times:.1f} |"
            for side, each in differences.items()
        ),
        "",
        *(f"![{title}]({name})" for title, name in pictures.items()),
        "",
        f"Generated images are of no patient; which view one shows is not known. {RESEARCH_USE}",
    ]
    write_text(path, "\n".join(lines) + "\n")


def _tell_neighbours(generated: Neighbours, left_out: Neighbours) -> list[str]:
    rows = []
    for measure in ("distance", "ratio"):
        limit = np.quantile(getattr(left_out, measure), NEAR)
        for name, neighbours in (("generated", generated), ("left out", left_out)):
            values = getattr(neighbours, measure)
            shown = " | ".join(f"{value:.3f}" for value in np.quantile(values, QUANTILES))
            near = np.count_nonzero(values <= limit)
            rows.append(
                f"| {name} | {len(values)} | {measure} | {shown} "
                f"| {near} of {len(values)} ({near / len(values):.0%}) |"
            )
    return rows


def _tell_range(values: Sequence[float]) -> str:
    return f"{np.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})"
