"""Evaluated images next to each other, with prediction and truth outlined."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bonescan.notice import RESEARCH_USE
from bonescan.report.drawing import (
    FOOTER_PX,
    HEADER_PX,
    draw_counts,
    draw_outlines,
    draw_scale_bar,
    draw_sides,
    draw_zoomed_part,
    find_zoom,
    name_origin,
    new_figure,
    outline_keys,
    save_png,
    write_caption,
    zoom,
)
from bonescan.report.evaluated_images import EvaluatedImage

PANEL_SIDE_PX = 420


def write_panels(
    path: str | Path, images: Mapping[str, EvaluatedImage], *, simulated: bool
) -> None:
    """Write the picture of draw_panels as PNG."""
    save_png(draw_panels(images, simulated=simulated), path)


def draw_panels(images: Mapping[str, EvaluatedImage], *, simulated: bool) -> Figure:
    """Draw images from left to right: above as they are, below zoomed to the outlined lesions.

    Args:
        images: by title, which says what the image is an example of.
        simulated: whether the scans are simulated.

    Raises:
        ValueError: if there is no image.
    """
    if not images:
        raise ValueError("images must hold at least one image, got none")
    width_px, height_px = len(images) * PANEL_SIDE_PX, 2 * PANEL_SIDE_PX + HEADER_PX + FOOTER_PX
    figure = new_figure(width_px, height_px)
    side = (1 / len(images), PANEL_SIDE_PX / height_px)
    for number, (title, image) in enumerate(images.items()):
        for level in (1, 0):  # the upper row is drawn without outlines
            bottom = FOOTER_PX / height_px + level * side[1]
            axes = figure.add_axes((number * side[0], bottom, *side))
            _draw_panel(axes, image, outlined=level == 0)
            if level:
                axes.set_title(title, size=10, pad=4)
    lines = [name_origin(simulated=simulated), RESEARCH_USE]
    write_caption(figure, lines, outline_keys(has_truth=True))
    return figure


def _draw_panel(axes: Axes, image: EvaluatedImage, *, outlined: bool) -> None:
    draw_counts(axes, image.uptake.astype(np.float32), image.spacing_mm)
    part = find_zoom(image.pred_mask | image.truth_mask)
    if outlined:
        zoom(axes, part)
        draw_outlines(axes, image.pred_mask, image.truth_mask)
    else:
        draw_zoomed_part(axes, part)
    draw_sides(axes, image.sides)
    draw_scale_bar(axes, image.spacing_mm)
