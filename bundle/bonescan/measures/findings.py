"""Lesions of a scan as a list that a physician can check and a program can read."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import regionprops

from bonescan.dicom.scan import View
from bonescan.labels import EIGHT_NEIGHBOURS
from bonescan.metrics.lesion import label_components

SURROUNDINGS_MM = (6.0, 16.0)
"""How far outside a lesion its surroundings lie: beyond what the camera blurs of it (full width at
half maximum 7 to 11 mm at 10 to 20 cm), and near enough to be the same bone and soft tissue. A
default of ours."""


@dataclass(frozen=True)
class Finding:
    """One lesion in one view, in acquisition geometry.

    Attributes:
        view: the view in which it is seen.
        number: from 1 in each view, from head to foot.
        area_px: pixels.
        area_mm2: area in the plane of the view.
        max_counts: highest count of a pixel.
        mean_counts: mean count of its pixels.
        centroid_px: (row, column) of the outline's centroid, pixel centres at whole numbers.
        centroid_mm: the same in mm from the centre of the image's upper left pixel.
        box_px: first row, first column, last row and last column, all inside.
        touches_field_border: whether a pixel lies at the edge of the field that was assessed, which
            may have cut the lesion off, or the image.
        to_background: mean count over that of its surroundings: the pixels SURROUNDINGS_MM outside
            of it that are no lesion and no bladder; None where nothing was counted there.
        score: highest probability of a pixel, 0..1; None where none was given.
        probability: calibrated probability that it is a lesion, of its score; None where no
            calibration was fitted (bonescan.metrics.calibration.Calibration.lesion).
        region: name of bonescan.labels.REGION_GROUPS; None where it shows no known bone,
            or regions are not known.
        lesion: number of the lesion in its scan, from 1 from head to foot: a finding of each view
            that are one lesion share it (see bonescan.measures.pairing); 0 before they are paired.
    """

    view: View
    number: int
    area_px: int
    area_mm2: float
    max_counts: float
    mean_counts: float
    centroid_px: tuple[float, float]
    centroid_mm: tuple[float, float]
    box_px: tuple[int, int, int, int]
    touches_field_border: bool
    to_background: float | None = None
    score: float | None = None
    probability: float | None = None
    region: str | None = None
    lesion: int = 0


def find_lesions(
    pred_mask: NDArray[np.bool_],
    counts: NDArray[np.floating],
    spacing_mm: tuple[float, float],
    view: View,
    *,
    field_mask: NDArray[np.bool_],
    prob: NDArray[np.floating] | None = None,
    instances: NDArray[np.integer] | None = None,
    bladder_mask: NDArray[np.bool_] | None = None,
) -> list[Finding]:
    """Measure the lesions of a mask on the counts of one view.

    Args:
        pred_mask: lesions (row, column).
        counts: counts as acquired (row, column), neither scaled nor filtered.
        spacing_mm: (row, column) pixel spacing.
        view: the view's name.
        field_mask: field that was assessed (row, column).
        prob: probability of lesion (row, column), 0..1.
        instances: number of the instance that owns each pixel (row, column), see number_pixels.
        bladder_mask: bladder (row, column), which is no background of a lesion.

    Returns:
        One finding per lesion, by topmost row and then leftmost column; empty without lesions.

    Raises:
        ValueError: if the arrays differ in shape or are not two-dimensional.
    """
    for name, array in (("counts", counts), ("field_mask", field_mask)):
        if array.shape != pred_mask.shape:
            raise ValueError(
                f"{name} must have the mask's shape {pred_mask.shape}, got {array.shape}"
            )
    numbers = number_pixels(pred_mask, instances)
    channels = [counts, find_border(field_mask), *([] if prob is None else [prob])]
    values = np.stack(channels, axis=-1).astype(np.float64)
    other = pred_mask if bladder_mask is None else pred_mask | bladder_mask
    return [
        dataclasses.replace(
            _measure(lesion, spacing_mm, view),
            to_background=_compare_with_surroundings(lesion, counts, other, spacing_mm),
        )
        for lesion in regionprops(numbers, values)
    ]


def number_pixels(
    pred_mask: NDArray[np.bool_], instances: NDArray[np.integer] | None = None
) -> NDArray[np.int32]:
    """Number the lesions of a mask from 1, by topmost row and then leftmost column.

    They are its 8-connected components, or the instances where a system told them apart.

    Args:
        pred_mask: lesions (row, column).
        instances: number of the instance that owns each pixel (row, column); counts in the mask
            only, and the numbers need not be without gaps.

    Returns:
        Finding.number of each pixel (row, column), 0 outside.

    Raises:
        ValueError: if the arrays differ in shape or are not two-dimensional.
    """
    if instances is None:
        return label_components(pred_mask)[0]
    return _number_by_place(instances, pred_mask)


def find_border(field_mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find the outermost pixels of a field (row, column); beyond the image nothing is assessed."""
    return field_mask & ~ndimage.binary_erosion(field_mask, EIGHT_NEIGHBOURS)


def _number_by_place(instances: NDArray[np.integer], mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number instances from 1 in raster order of their first pixels in a mask; 0 outside."""
    if instances.shape != mask.shape:
        raise ValueError(
            f"instances must have the mask's shape {mask.shape}, got {instances.shape}"
        )
    inside = np.where(mask, instances, 0)
    values, first = np.unique(inside, return_index=True)
    by_place = values[np.argsort(first)]
    by_place = by_place[by_place > 0]
    number_of = np.zeros(inside.max() + 1, dtype=np.int32)
    number_of[by_place] = np.arange(1, len(by_place) + 1)
    return number_of[inside]


def _measure(region: Any, spacing_mm: tuple[float, float], view: View) -> Finding:
    """Measure one lesion; its pixels hold counts, whether on the border, and maybe probability."""
    row, column = map(float, region.centroid)
    row_mm, column_mm = spacing_mm
    top, left, row_stop, column_stop = map(int, region.bbox)
    max_counts, on_border, *score = map(float, region.intensity_max)
    return Finding(
        view=view,
        number=int(region.label),
        area_px=int(region.area),
        area_mm2=float(region.area) * row_mm * column_mm,
        max_counts=max_counts,
        mean_counts=float(region.intensity_mean[0]),
        centroid_px=(row, column),
        centroid_mm=(row * row_mm, column * column_mm),
        box_px=(top, left, row_stop - 1, column_stop - 1),
        touches_field_border=bool(on_border),
        score=score[0] if score else None,
    )


def _compare_with_surroundings(
    lesion: Any,
    counts: NDArray[np.floating],
    other_mask: NDArray[np.bool_],
    spacing_mm: tuple[float, float],
) -> float | None:
    """Return Finding.to_background of a lesion; other_mask holds what is no background."""
    near_mm, far_mm = SURROUNDINGS_MM
    box = tuple(
        slice(max(part.start - margin, 0), part.stop + margin)
        for part, margin in zip(
            lesion.slice, (int(np.ceil(far_mm / mm)) for mm in spacing_mm), strict=True
        )
    )
    inside = np.zeros(counts.shape, bool)
    inside[lesion.slice] = lesion.image
    away_mm = ndimage.distance_transform_edt(~inside[box], sampling=spacing_mm)
    around = (away_mm > near_mm) & (away_mm <= far_mm) & ~other_mask[box]
    background = float(counts[box][around].mean()) if around.any() else 0.0
    return float(lesion.intensity_mean[0]) / background if background > 0 else None
