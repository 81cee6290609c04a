"""How well annotators agree: figures with intervals, and pictures of where they do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.data.annotation.annotators import AnnotatedScan
from bonescan.data.load import load_scan
from bonescan.dicom.scan import View
from bonescan.image_form import ImageForm
from bonescan.keys import IMAGE, MIRRORED, PATIENT
from bonescan.labels import EIGHT_NEIGHBOURS, Label
from bonescan.metrics.bootstrap import RESAMPLES
from bonescan.metrics.lesion import MIN_IOU, lesion_f, match_lesions
from bonescan.metrics.pixel import cohen_kappa, confusion, score
from bonescan.notice import RESEARCH_USE
from bonescan.report.drawing import (
    COLOURS,
    draw_counts,
    draw_outline,
    draw_sides,
    new_figure,
    save_png,
)
from bonescan.report.image_results import describe_interval, with_interval
from bonescan.report.tables import format_interval, markdown_table, plain_markdown

FIGURES = {"dsc": "Dice", "iou": "IoU", "kappa": "Cohen's kappa", "lesions": "lesions in common"}
"""Figures of a pair, in the order in which they are computed."""

PICTURES = 8
"""Disagreements that are shown: the largest."""
COLUMNS = 4
SIDE_PX = 300
CAPTION_PX = 40
HALF_WINDOW_PX = 32


@dataclass(frozen=True)
class Disagreement:
    """One piece of a view that some annotators marked and others did not.

    Attributes:
        pixels: number of its pixels.
        centre: its (row, column).
        view: the view.
        scan: the scan with what was marked.
    """

    pixels: int
    centre: tuple[int, int]
    view: View
    scan: AnnotatedScan


@dataclass
class Agreement:
    """Agreement on metastases over a series of scans, gathered scan by scan.

    Attributes:
        annotators: their names.
        patients: the patient of each view.
        pairs: per pair of annotators and view: TP, FP, FN, TN and the lesions of both, of the
            second alone and of the first alone, as if the second were the truth.
        seen_by: number of lesions that so many annotators marked.
        worst: the largest disagreements.
    """

    annotators: tuple[str, ...]
    patients: list[str] = field(default_factory=list)
    pairs: dict[tuple[str, str], list[NDArray[np.int64]]] = field(default_factory=dict)
    seen_by: dict[int, int] = field(default_factory=dict)
    worst: list[Disagreement] = field(default_factory=list)

    def add(self, scan: AnnotatedScan) -> None:
        """Take in a scan."""
        masks = scan.stack() == Label.METASTASIS
        for index, view in enumerate(scan.views):
            self.patients.append(str(scan.entry.get(PATIENT, scan.key)))
            mask_of = dict(zip(self.annotators, masks[:, index], strict=True))
            for first, second in combinations(self.annotators, 2):
                row = _compare(mask_of[first], mask_of[second])
                self.pairs.setdefault((first, second), []).append(row)
            self._count_lesions(masks[:, index])
            self.worst += _disagreements(masks[:, index], view, scan)
        self.worst = sorted(self.worst, key=lambda disagreement: -disagreement.pixels)[:PICTURES]

    def _count_lesions(self, masks: NDArray[np.bool_]) -> None:
        """Count the components of what anyone marked by the number of who did."""
        lesions, count = ndimage.label(masks.any(axis=0), EIGHT_NEIGHBOURS)
        for number in range(1, count + 1):
            seen = int((masks & (lesions == number)).any(axis=(1, 2)).sum())
            self.seen_by[seen] = self.seen_by.get(seen, 0) + 1


def summarise(agreement: Agreement, *, resamples: int = RESAMPLES) -> dict[str, Any]:
    """Compute the figures of every pair of annotators, with their intervals.

    Args:
        agreement: what was gathered.
        resamples: draws of the bootstrap over patients.

    Returns:
        A JSON-ready document; pixels and lesions of all views are pooled. Undefined figures are
        None.

    Raises:
        ValueError: if nothing was gathered.
    """
    if not agreement.patients:
        raise ValueError("agreement must hold at least one view, got none")
    return {
        "annotators": list(agreement.annotators),
        "views": len(agreement.patients),
        "patients": len(set(agreement.patients)),
        "interval": describe_interval(resamples),
        "lesion_rule": f"paired one to one, with an intersection over union above {MIN_IOU}",
        "pairs": [
            {"annotators": list(pair), **_figures(np.stack(rows), agreement.patients, resamples)}
            for pair, rows in agreement.pairs.items()
        ],
        "lesions_seen_by": {str(n): agreement.seen_by[n] for n in sorted(agreement.seen_by)},
    }


def to_markdown(document: Mapping[str, Any]) -> str:
    """Lay out the document of `summarise` as Markdown."""
    rows = [
        [
            " and ".join(map(plain_markdown, pair["annotators"])),
            *(format_interval(pair[name]) for name in FIGURES),
        ]
        for pair in document["pairs"]
    ]
    annotators = len(document["annotators"])
    seen = [
        f"- {count} by {number} of {annotators}"
        for number, count in document["lesions_seen_by"].items()
    ]
    lines = [
        f"Agreement of {annotators} annotators on metastases in {document['views']} views of "
        f"{document['patients']} patients; all views pooled. In brackets: {document['interval']}.",
        "",
        markdown_table(["Annotators", *FIGURES.values()], rows),
        "",
        f"Lesions in common: the share of both annotators' lesions that the other one has too, "
        f"{document['lesion_rule']}.",
        "",
        "Lesions that were marked (components of what anyone marked):",
        "",
        *seen,
        "",
        f"{RESEARCH_USE}.",
    ]
    return "\n".join(lines) + "\n"


def write_disagreements(path: str | Path, agreement: Agreement) -> None:
    """Draw the largest disagreements, each annotator in a colour and line width of their own.

    Args:
        path: PNG file.
        agreement: what was gathered.

    Raises:
        ValueError: if there is no disagreement, or a scan cannot be read.
    """
    if not agreement.worst:
        raise ValueError("agreement must hold a disagreement to draw, got none")
    columns = min(COLUMNS, len(agreement.worst))
    rows = -(-len(agreement.worst) // columns)
    height_px = rows * SIDE_PX + CAPTION_PX
    figure = new_figure(columns * SIDE_PX, height_px)
    for number, disagreement in enumerate(agreement.worst):
        row, column = divmod(number, columns)
        bottom = (CAPTION_PX + (rows - 1 - row) * SIDE_PX) / height_px
        size = (0.98 / columns, (SIDE_PX - 24) / height_px)
        _draw(figure.add_axes((column / columns, bottom, *size)), disagreement)
    styles = _styles(len(agreement.annotators))
    handles = [
        Line2D([], [], color=colour, lw=width, label=annotator)
        for annotator, (colour, width) in zip(agreement.annotators, styles, strict=True)
    ]
    figure.legend(handles=handles, loc="lower right", ncols=len(handles), frameon=False, fontsize=8)
    figure.text(0.01, 0.02, RESEARCH_USE, size=8)
    save_png(figure, path)


def _draw(axes: Axes, disagreement: Disagreement) -> None:
    """Draw the surroundings of one disagreement."""
    scan, view = disagreement.scan, disagreement.view
    draw_counts(axes, load_scan(scan.entry[IMAGE]).counts[view], scan.spacing_mm)
    masks = scan.stack()[:, scan.views.index(view)] == Label.METASTASIS
    for mask, (colour, width) in zip(masks, _styles(len(masks)), strict=True):
        draw_outline(axes, mask, colour, width)
    row, column = disagreement.centre
    axes.set_xlim(column - HALF_WINDOW_PX, column + HALF_WINDOW_PX)
    axes.set_ylim(row + HALF_WINDOW_PX, row - HALF_WINDOW_PX)
    mirrored_copy = bool(scan.entry.get(MIRRORED, False))
    sides = ImageForm(view).sides(posterior_flipped=False, mirrored_copy=mirrored_copy)
    draw_sides(axes, sides)
    axes.set_title(f"{scan.key}, {view}: {disagreement.pixels} px", size=8, pad=3)


def _styles(count: int) -> list[tuple[str, float]]:
    """Return colour and width of each annotator's line; the first are broader, beneath the rest."""
    return [(COLOURS[i % len(COLOURS)], 1.0 + 0.8 * (count - 1 - i)) for i in range(count)]


def _compare(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the row of one view in Agreement.pairs."""
    return np.concatenate([confusion(first, second), match_lesions(first, second)])


def _figures(
    rows: NDArray[np.int64], patients: Sequence[str], resamples: int
) -> dict[str, dict[str, float | None]]:
    """Compute FIGURES of a pair with intervals."""

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        total = weights @ rows
        pixels = total[..., :4]
        figures = [
            score(pixels, "dsc"),
            score(pixels, "iou"),
            cohen_kappa(pixels),
            lesion_f(total[..., 4:]),
        ]
        return np.stack(figures, axis=-1)

    return with_interval(statistic, patients, names=tuple(FIGURES), resamples=resamples)


def _disagreements(masks: NDArray[np.bool_], view: View, scan: AnnotatedScan) -> list[Disagreement]:
    """List the pieces that some annotators marked and others did not, the largest of a view."""
    pieces, count = ndimage.label(masks.any(axis=0) & ~masks.all(axis=0), EIGHT_NEIGHBOURS)
    if not count:
        return []
    pixels = np.bincount(pieces.ravel())[1:]
    largest = int(pixels.argmax())
    row, column = ndimage.center_of_mass(pieces == largest + 1)
    return [Disagreement(int(pixels[largest]), (round(row), round(column)), view, scan)]
