"""What an image itself says: from which side it was taken, and which way up it lies.

A small network looks at the body laid on a coarse grid: at face, sternum, bladder and knees against
skull, spine, sacrum and scapulae. It sees local contrast alone, no counts and no left or right: an
image and its mirror image look the same. Two views of one acquisition are compared with each other:
what is not symmetric must lie at opposite sides of the two images.

The weights were trained on simulated scans (`scripts/train_content_check.py`); they lie beside this
file with the record of the training.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.dicom.scan import View

Grid = NDArray[np.float64]

WEIGHTS = "content.npz"
"""Name of the weights, beside this file."""

GRID = (64, 24)
"""Rows from head to toes, and columns over GRID_WIDTH_MM, of the grid on which a body is laid."""
GRID_WIDTH_MM = 480.0
"""Width of the trunk with the arms beside it."""

LIKELY, CERTAIN = 0.9, 0.999
"""Probabilities from which a look is believed against a guess, and against a header."""

_CELL_MM = 8.0
"""Pixels are summed to cells of about this size before anything else: noise sinks, bones remain."""
_BODY_MM = (900.0, 2300.0)
"""Length of what can be a body; less is a part of one, a heart, or no image of a person."""
_LEAST_SHARE = 0.7
"""Share of the bright cells that must hang together; less are two bodies or none."""
_CLIP = 3.0


@dataclass(frozen=True)
class Look:
    """What one image looks like.

    Attributes:
        view: the likelier view, None where the image shows no body.
        upside_down: whether the feet are likelier at the top.
        prob: probability of both together, 0..1; 0 where the image shows no body.
        asymmetry: grid of what differs between the halves of the body; None where there is none.
    """

    view: View | None = None
    upside_down: bool = False
    prob: float = 0.0
    asymmetry: Grid | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.view}{', upside down' if self.upside_down else ''}"


@dataclass(frozen=True)
class Weights:
    """A network with one hidden layer, and how it was trained.

    Attributes:
        hidden: (cells of the grid, units) and hidden_bias (units,), of rectified units.
        hidden_bias: see hidden.
        output: (units, 3) and output_bias (3,): anterior, posterior, anything else.
        output_bias: see output.
        record: how the weights were made.
    """

    hidden: Grid
    hidden_bias: Grid
    output: Grid
    output_bias: Grid
    record: dict[str, Any] = field(repr=False)


@cache
def load_weights() -> Weights:
    """Return the weights of the package."""
    with (files("bonescan.dicom") / WEIGHTS).open("rb") as file, np.load(file) as stored:
        arrays = {
            name: stored[name].astype(np.float64) for name in stored.files if name != "record"
        }
        return Weights(**arrays, record=json.loads(str(stored["record"])))


def look_at(
    counts: NDArray[Any], spacing_mm: tuple[float, float], weights: Weights | None = None
) -> Look:
    """Tell the side and the way up of one image.

    Mirrored along its columns an image looks the same, and along its rows the same upside down; the
    level of the counts does not matter.

    Args:
        counts: (row, column) counts of one view.
        spacing_mm: (row, column) pixel spacing.
        weights: of the network; those of the package by default.
    """
    grid = lay_on_grid(counts, spacing_mm)
    if grid is None:
        return Look()
    contrast = find_contrast(grid)
    odds = [_odds(turned, weights or load_weights()) for turned in (contrast, contrast[::-1])]
    exps = np.exp(np.array([*odds[0], *odds[1], 0.0]) - max(*odds[0], *odds[1], 0.0))
    best = int(exps[:-1].argmax())
    levels = np.minimum(np.sqrt(grid / grid.mean()), _CLIP)
    return Look(
        view=tuple(View)[best % 2],
        upside_down=best >= 2,
        prob=float(exps[best] / exps.sum()),
        asymmetry=levels - levels[:, ::-1],
    )


def correlate_sides(first: Look, second: Look) -> float:
    """Correlate what is not symmetric in two views of one acquisition.

    Returns:
        -1..1: 1 where it lies at opposite sides of the images, as in an anterior and a posterior
        view; -1 where it lies at the same side, so that one image is mirrored; 0 where an image
        shows no body, or no asymmetry.
    """
    if first.asymmetry is None or second.asymmetry is None:
        return 0.0
    norm = float(np.linalg.norm(first.asymmetry) * np.linalg.norm(second.asymmetry))
    return -float((first.asymmetry * second.asymmetry).sum()) / norm if norm else 0.0


def lay_on_grid(counts: NDArray[Any], spacing_mm: tuple[float, float]) -> Grid | None:
    """Lay a body on the grid: its length fills the rows, its midline is the middle column.

    Args:
        counts: (row, column) counts of one view.
        spacing_mm: (row, column) pixel spacing.

    Returns:
        Mean counts of the cells; None where the image shows no body along its rows, or holds values
        that are no finite numbers.
    """
    if not np.isfinite(counts).all():
        return None
    image, (row_mm, column_mm) = _sum_cells(counts, spacing_mm)
    mask = _find_body(image)
    rows = np.flatnonzero(mask.sum(axis=1) >= 2)
    if not rows.size:
        return None
    first, last = int(rows[0]), int(rows[-1]) + 1
    shortest, longest = _BODY_MM
    if not shortest <= (last - first) * row_mm <= longest:
        return None
    columns = np.arange(mask.shape[1]) + 0.5
    midline = float(np.median((mask[rows] @ columns) / mask[rows].sum(axis=1)))
    half = GRID_WIDTH_MM / column_mm / 2
    across = _mean_weights(image.shape[1], midline - half, midline + half, GRID[1])
    return np.asarray(_mean_weights(image.shape[0], first, last, GRID[0]) @ image @ across.T)


def find_contrast(grid: Grid) -> Grid:
    """Return how the cells of a grid stand out from what is around them, in local deviations."""
    levels = np.sqrt(grid / grid.mean())
    detail = levels - ndimage.gaussian_filter(levels, 3.0, mode="nearest")
    deviation = np.sqrt(ndimage.gaussian_filter(detail**2, 5.0, mode="nearest"))
    return np.asarray(np.clip(detail / (deviation + 0.05), -_CLIP, _CLIP))


def _odds(contrast: Grid, weights: Weights) -> Grid:
    """Return the log odds of an upright anterior and posterior view over anything else (2,)."""
    cells = np.stack([contrast.ravel(), contrast[:, ::-1].ravel()])
    hidden = np.maximum(cells @ weights.hidden + weights.hidden_bias, 0.0)
    output = (hidden @ weights.output + weights.output_bias).mean(axis=0)
    return np.asarray(output[:2] - output[2])


def _sum_cells(
    counts: NDArray[Any], spacing_mm: tuple[float, float]
) -> tuple[Grid, tuple[float, float]]:
    """Sum pixels to cells of about 8 mm; return these, and their (row, column) size in mm."""
    down, across = (max(round(_CELL_MM / mm), 1) for mm in spacing_mm)
    rows, columns = (size // step for size, step in zip(counts.shape, (down, across), strict=True))
    blocks = counts[: rows * down, : columns * across].reshape(rows, down, columns, across)
    image = np.maximum(blocks.sum(axis=1, dtype=np.float64).sum(axis=2), 0.0)
    return image, (down * spacing_mm[0], across * spacing_mm[1])


def _find_body(image: Grid) -> NDArray[np.bool_]:
    """Return the largest piece brighter than the air; all False unless it is most of what is."""
    nothing = np.zeros(image.shape, dtype=bool)
    if not image.any():
        return nothing
    smooth = ndimage.gaussian_filter(image, 0.6)
    smooth -= np.median(smooth)  # lossy files lift the air by a pedestal
    tissue = smooth[smooth > 0.02 * np.percentile(smooth, 99.5)]
    if not tissue.size:
        return nothing
    pieces, _ = ndimage.label(ndimage.binary_closing(smooth > 0.12 * np.median(tissue)))
    sizes = np.bincount(pieces.ravel())[1:]
    if not sizes.size or sizes.max() < _LEAST_SHARE * sizes.sum():
        return nothing
    return np.asarray(pieces == sizes.argmax() + 1)


def _mean_weights(pixels: int, first: float, last: float, cells: int) -> Grid:
    """Return weights (cell, pixel) that average pixels over equal parts of first..last."""
    edges = np.linspace(first, last, cells + 1)[:, None]
    pixel = np.arange(pixels)
    overlap = np.minimum(pixel + 1, edges[1:]) - np.maximum(pixel, edges[:-1])
    return np.asarray(np.clip(overlap, 0.0, None) / np.diff(edges, axis=0))
