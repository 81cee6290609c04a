"""How several physicians would outline the hot spots of one view, as LabelMe 5 files.

Annotators differ in where they put the edge, in how steady their hand is, in the faint lesions that
they miss and in the benign hot spots that they take for metastases. All rates are defaults of ours,
chosen so that two of them agree about as well as two physicians do (Dice about 0.7 over all lesions
of simulated cohorts); they say nothing about real annotators.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.measure import find_contours

from bonescan.data.annotation.labelme import POLYGON, LabelMeShape, make_content
from bonescan.labels import EIGHT_NEIGHBOURS, LABEL_NAMES, Label
from bonescan.phantom.patient import SimulatedView

FALSE_RADIUS_MM = (4.0, 9.0)
"""Range of the radius of a benign hot spot that an annotator takes for a metastasis."""

HARMONICS = 4
"""Waves around an outline that make up the unsteadiness of a hand."""

MARGIN_PX = 6
"""Width of the surroundings that a hot spot is compared with; more than the ring taken."""

LEAST_PIECE_PX = 4
"""Smaller pieces, left over where lesions overlap, are not outlined; 4 pixels have 8 edges."""

CLICK_EVERY = 3
"""An outline has a point about every 0.7 pixels; a hand clicks one in so many."""

Outline = NDArray[np.float64]
"""Closed polygon (point, 2) of row and column, in pixels; pixel centres are whole numbers."""


@dataclass(frozen=True)
class SimulatedAnnotator:
    """Habits of one physician.

    Attributes:
        name: used in file names.
        bias_mm: how far outside the true edge this annotator draws; negative is inside.
        jitter_mm: standard deviation of the smooth deviation along an outline.
        shift_mm: standard deviation of the displacement of a whole outline.
        miss_rate: chance of missing a lesion that does not stand out from its surroundings.
        added_rate: chance, per view, of taking one benign hot spot for a metastasis.
    """

    name: str
    bias_mm: float
    jitter_mm: float
    shift_mm: float
    miss_rate: float
    added_rate: float


ANNOTATORS = (
    SimulatedAnnotator(
        "reader1", bias_mm=0.0, jitter_mm=0.5, shift_mm=0.4, miss_rate=0.20, added_rate=0.08
    ),
    SimulatedAnnotator(
        "reader2", bias_mm=1.0, jitter_mm=0.6, shift_mm=0.5, miss_rate=0.15, added_rate=0.15
    ),
    SimulatedAnnotator(
        "reader3", bias_mm=-0.6, jitter_mm=0.5, shift_mm=0.4, miss_rate=0.30, added_rate=0.04
    ),
)
"""One outlines what is there, one draws larger and adds more, one draws smaller and misses more."""


@dataclass(frozen=True)
class VisibleSpot:
    """One connected piece of a lesion or of the bladder.

    Attributes:
        label: metastasis or bladder.
        outline: its true edge.
        radius_px: radius of the largest disc inside.
        excess: mean counts inside over median counts around, minus one; 0 does not stand out.
    """

    label: Label
    outline: Outline
    radius_px: float
    excess: float


def annotate(
    view: SimulatedView,
    spots: Sequence[VisibleSpot],
    *,
    annotator: SimulatedAnnotator,
    pixel_mm: float,
    rng: np.random.Generator,
    image_path: str,
) -> dict[str, Any]:
    """Return what an annotator draws on one view, as the content of a LabelMe 5 file.

    Args:
        view: counts and truth, in the geometry of the acquisition.
        spots: those of the view, see `find_visible_spots`.
        annotator: whose hand it is.
        pixel_mm: pixel spacing.
        rng: source of all chance.
        image_path: path of the scan, relative to the folder of the LabelMe file.
    """
    drawn = [
        (spot.label, redraw(spot.outline, spot.radius_px, annotator, pixel_mm=pixel_mm, rng=rng))
        for spot in spots
        if not _is_missed(spot, annotator, rng)
    ]
    if rng.random() < annotator.added_rate:
        drawn += [
            (Label.METASTASIS, redraw(outline, radius_px, annotator, pixel_mm=pixel_mm, rng=rng))
            for outline, radius_px in _false_lesions(view, pixel_mm, rng)
        ]
    rows, columns = view.counts.shape
    shapes = [
        _shape(number, label, outline, (rows, columns))
        for number, (label, outline) in enumerate(drawn, start=1)
    ]
    return make_content(shapes, image_path, (rows, columns), flags={"simulated": True})


def find_visible_spots(view: SimulatedView) -> list[VisibleSpot]:
    """Return the connected pieces of each lesion, by number, then those of the bladder.

    Pieces of fewer than LEAST_PIECE_PX pixels are left out. Lesions that touch are outlined one by
    one, as a physician does in confluent disease; taken together, ribs would enclose the lung.
    """
    spots = []
    for numbers, label in (
        (view.instances, Label.METASTASIS),
        ((view.label == Label.BLADDER).astype(np.uint8), Label.BLADDER),
    ):
        for number, window in enumerate(ndimage.find_objects(numbers), start=1):
            if window is None:  # this lesion does not show in this view
                continue
            pieces, count = ndimage.label(numbers[window] == number, EIGHT_NEIGHBOURS)
            masks = [pieces == piece for piece in range(1, count + 1)]
            spots += [
                _visible_spot(view, mask, window, label)
                for mask in masks
                if mask.sum() >= LEAST_PIECE_PX
            ]
    return spots


def _visible_spot(
    view: SimulatedView, piece: NDArray[np.bool_], window: tuple[slice, slice], label: Label
) -> VisibleSpot:
    """Measure one piece, a mask of a window of the view, against its surroundings."""
    wide = tuple(
        slice(max(0, part.start - MARGIN_PX), min(length, part.stop + MARGIN_PX))
        for part, length in zip(window, view.counts.shape, strict=True)
    )
    margins = [
        (inner.start - outer.start, outer.stop - inner.stop)
        for inner, outer in zip(window, wide, strict=True)
    ]
    mask, counts = np.pad(piece, margins), view.counts[wide]
    near = ndimage.binary_dilation(mask, EIGHT_NEIGHBOURS, iterations=4)
    ring = near & (view.label[wide] == Label.BACKGROUND)
    background = float(np.median(counts[ring])) if ring.any() else 0.0
    return VisibleSpot(
        label=label,
        outline=_outline(mask) + [part.start for part in wide],
        radius_px=float(ndimage.distance_transform_edt(np.pad(mask, 1)).max()),
        excess=float(counts[mask].mean()) / max(background, 1.0) - 1,
    )


def _outline(mask: NDArray[np.bool_]) -> Outline:
    """Return the outer edge of a mask of one component, a point about every 0.7 pixels."""
    contours = find_contours(np.pad(mask, 1).astype(float), 0.5, fully_connected="high")
    edge = max(contours, key=len)[:-1] - 1  # the last point repeats the first
    return ndimage.gaussian_filter1d(edge, 1.0, axis=0, mode="wrap")


def _is_missed(spot: VisibleSpot, annotator: SimulatedAnnotator, rng: np.random.Generator) -> bool:
    """Draw whether the annotator overlooks a lesion: the less it stands out, the likelier."""
    faintness = np.exp(-max(0.0, spot.excess) / 0.5)
    return bool(rng.random() < annotator.miss_rate * faintness) and spot.label is Label.METASTASIS


def redraw(
    outline: Outline,
    radius_px: float,
    annotator: SimulatedAnnotator,
    *,
    pixel_mm: float,
    rng: np.random.Generator,
) -> Outline:
    """Return an outline as this annotator's hand would draw it, with the points that it clicks.

    Args:
        outline: the true edge, (point, 2).
        radius_px: radius of the largest disc inside; the edge moves inwards by half of it at most.
        annotator: whose hand it is.
        pixel_mm: pixel spacing.
        rng: source of all chance.
    """
    count = len(outline)
    angle = 2 * np.pi * np.arange(count) / count
    orders = np.arange(1, HARMONICS + 1)[:, None]
    # Each harmonic has variance 1/2 per unit amplitude: the sum has the standard deviation wanted.
    amplitude = rng.normal(0, annotator.jitter_mm * np.sqrt(2 / HARMONICS), (HARMONICS, 1))
    waves = np.cos(orders * angle + rng.uniform(0, 2 * np.pi, (HARMONICS, 1)))
    outwards_px = (annotator.bias_mm + (amplitude * waves).sum(axis=0)) / pixel_mm
    outwards_px = np.maximum(outwards_px, -radius_px / 2)
    shift_px = rng.normal(0, annotator.shift_mm / pixel_mm, 2)
    moved = outline + outwards_px[:, None] * _normals(outline) + shift_px
    return moved[:: min(CLICK_EVERY, count // 6)]


def _normals(outline: Outline) -> Outline:
    """Return the unit normals of a closed outline, pointing outwards."""
    tangent = np.roll(outline, -2, axis=0) - np.roll(outline, 2, axis=0)
    length = np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) / length
    return normal * -np.sign(_signed_area(outline))


def _signed_area(outline: Outline) -> float:
    """Return the area of a polygon in pixels (shoelace formula), its sign the sense of rotation."""
    row, column = outline.T
    return 0.5 * float(np.sum(row * np.roll(column, -1) - column * np.roll(row, -1)))


def _false_lesions(
    view: SimulatedView, pixel_mm: float, rng: np.random.Generator
) -> list[tuple[Outline, float]]:
    """Return one benign hot spot of a bone that an annotator might mark, none if there is none."""
    smooth = ndimage.gaussian_filter(view.counts.astype(np.float32), 1.5)
    surroundings = ndimage.gaussian_filter(view.counts.astype(np.float32), 8)
    labelled = ndimage.binary_dilation(view.label != Label.BACKGROUND, EIGHT_NEIGHBOURS, 8)
    allowed = (view.regions != 0) & ~labelled
    excess = np.where(allowed, smooth / (surroundings + 1), 0)
    peaks = peak_local_max(excess, min_distance=4, num_peaks=8, exclude_border=8)
    if len(peaks) == 0:
        return []
    centre = peaks[rng.integers(len(peaks))]
    radius_px = rng.uniform(*FALSE_RADIUS_MM) / pixel_mm
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    circle = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return [(centre + radius_px * circle, radius_px)]


def _shape(number: int, label: Label, outline: Outline, size: tuple[int, int]) -> LabelMeShape:
    """Return one polygon of a LabelMe file: points are [x, y], which is column and row."""
    inside = np.clip(outline, 0, np.array(size) - 1)
    return LabelMeShape(number, LABEL_NAMES[label], POLYGON, inside[:, ::-1].round(2))
