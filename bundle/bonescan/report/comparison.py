"""Pictures that compare systems: on the same images, over the epochs, over a number."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from bonescan.notice import RESEARCH_USE
from bonescan.report.curves import CURVES, EPOCH, LOSS, tidy
from bonescan.report.drawing import (
    COLOURS,
    draw_counts,
    draw_outlines,
    draw_scale_bar,
    draw_sides,
    draw_zoomed_part,
    find_zoom,
    new_figure,
    save_png,
    zoom,
)
from bonescan.report.evaluated_images import EvaluatedImage

SIDE_PX = 380
TITLE_PX = 34
FOOTER_PX = 24
STYLES = ("-", "--", ":")
LEGEND_WIDTH = 34
"""Characters of a line that the place beside the curves of a training has room for."""

History = Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Curve:
    """A metric over a number, such as the number of clusters.

    Attributes:
        positions: on the horizontal axis, ascending.
        values: at these positions.
        lower: bounds of their intervals.
        upper: bounds of their intervals.
    """

    positions: Sequence[float]
    values: Sequence[float]
    lower: Sequence[float]
    upper: Sequence[float]


def write_systems(
    path: str | Path, images: Mapping[str, Sequence[EvaluatedImage]], *, origin: str
) -> None:
    """Write the picture of draw_systems as PNG."""
    save_png(draw_systems(images, origin=origin), path)


def draw_systems(images: Mapping[str, Sequence[EvaluatedImage]], *, origin: str) -> Figure:
    """Draw images from top to bottom, plain and then zoomed with the outlines of each system.

    Args:
        images: by name of the system, for each system the same ones.
        origin: what the images are, for the caption, such as "simulated scans".

    Raises:
        ValueError: if there is nothing to draw, or the systems have other numbers of images.
    """
    numbers = {len(shown) for shown in images.values()}
    if len(numbers) != 1 or not min(numbers):
        raise ValueError(f"systems must have the same images, got numbers {sorted(numbers)}")
    first = next(iter(images.values()))
    rows, columns = first[0].uptake.shape
    spacing_mm = first[0].spacing_mm
    height_px = SIDE_PX * rows * spacing_mm[0] / (columns * spacing_mm[1])
    size_px = (SIDE_PX * (1 + len(images)), TITLE_PX + len(first) * height_px + FOOTER_PX)
    figure = new_figure(*size_px)
    width, height = 1 / (1 + len(images)), height_px / size_px[1]
    for row in range(len(first)):
        bottom = 1 - TITLE_PX / size_px[1] - (row + 1) * height
        shown = [images[name][row] for name in images]
        part = find_zoom(np.any([each.pred_mask | each.truth_mask for each in shown], axis=0))
        for column, name in enumerate([None, *images]):
            axes = figure.add_axes((column * width, bottom, width, height))
            image = first[row] if name is None else images[name][row]
            draw_counts(axes, image.uptake.astype(np.float32), image.spacing_mm)
            if name is None:
                draw_zoomed_part(axes, part)
                axes.text(0.5, 0.99, image.caption, transform=axes.transAxes, ha="center", va="top")
            else:
                zoom(axes, part)
                draw_outlines(axes, image.pred_mask, image.truth_mask)
            draw_sides(axes, image.sides)
            draw_scale_bar(axes, image.spacing_mm)
            if row == 0:
                axes.set_title(_wrapped(name or "Scan"), size=9, pad=3)
    figure.text(
        0.005,
        6 / size_px[1],
        f"{origin}; green: true lesion, red: predicted lesion. {RESEARCH_USE}",
        size=8,
    )
    return figure


def write_histories(
    path: str | Path, histories: Mapping[str, Sequence[History]], *, origin: str
) -> None:
    """Draw loss and validation Dice of several systems over the epochs, averaged over the runs.

    Losses of different systems do not compare: each is drawn over its own in the first epoch.

    Args:
        path: PNG to write.
        histories: of the runs of each system, rows of bonescan.report.curves.read_history.
        origin: what was trained on, for the title.
    """
    figure = new_figure(860, 720)
    panels = figure.subplots(len(CURVES), 1, sharex=True)
    for axes, (key, title) in zip(panels, CURVES.items(), strict=True):
        for number, (name, runs) in enumerate(histories.items()):
            epochs, means = _average(runs, key)
            if key == LOSS:
                means = [mean / means[0] for mean in means]
            axes.plot(
                epochs, means, **line_style(number), lw=1.3, label=_wrapped(name, LEGEND_WIDTH)
            )
        axes.set_ylabel(f"{title},\nover that of the first epoch" if key == LOSS else title)
        tidy(axes)
    if not any(np.isfinite(line.get_ydata()).any() for line in panels[-1].lines):
        panels[-1].text(
            0.5, 0.5, "nothing was validated", transform=panels[-1].transAxes, ha="center"
        )
    panels[0].set_yscale("log")
    panels[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panels[0].yaxis.set_major_formatter("{x:g}")
    panels[0].yaxis.set_minor_formatter(NullFormatter())
    panels[-1].set_ylim(0, 1)
    panels[-1].set_xlabel("epoch")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(f"Training on {origin}", size=11)
    figure.tight_layout(rect=(0, 0, 0.72, 1))
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="center right", fontsize=8, frameon=False
    )
    save_png(figure, path)


def write_sweep(
    path: str | Path,
    curves: Mapping[str, Curve],
    *,
    axis: str,
    metric: str,
    published: Mapping[float, float],
    origin: str,
) -> None:
    """Draw a metric over a number for several systems, with intervals and published points.

    Args:
        path: PNG to write.
        curves: by name of the system.
        axis: title of the horizontal axis.
        metric: title of the vertical axis.
        published: published values by position.
        origin: what was evaluated, for the title.
    """
    figure = new_figure(760, 520)
    axes = figure.add_subplot()
    for number, (name, curve) in enumerate(curves.items()):
        # another style for each, so that lines are seen where they meet
        style = {**line_style(number), "linestyle": STYLES[number % len(STYLES)]}
        axes.plot(curve.positions, curve.values, marker=".", label=f"{name}, {origin}", **style)
        axes.fill_between(
            curve.positions, curve.lower, curve.upper, color=style["color"], alpha=0.12, lw=0
        )
    if published:
        axes.plot([*published], [*published.values()], "k*", ms=11, ls="", label="published")
    axes.set_xlabel(axis)
    axes.set_ylabel(metric)
    axes.set_ylim(0, 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    tidy(axes)
    axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    save_png(figure, path)


def _average(runs: Sequence[History], key: str) -> tuple[list[float], list[float]]:
    """Average a column over the runs that measured it in an epoch."""
    by_epoch: dict[float, list[float]] = {}
    for history in runs:
        for row in history:
            if key in row:
                by_epoch.setdefault(row[EPOCH], []).append(row[key])
    epochs = sorted(by_epoch)
    return epochs, [float(np.mean(by_epoch[epoch])) for epoch in epochs]


def line_style(number: int) -> dict[str, Any]:
    """Return colour and dashes of a line by its number; the first 21 differ."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": STYLES[number // len(COLOURS) % len(STYLES)],
    }


def _wrapped(name: str, width: int = 56) -> str:
    """Break a long name over lines of so many characters."""
    return textwrap.fill(name, width, break_long_words=False)
