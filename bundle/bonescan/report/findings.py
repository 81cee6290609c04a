"""Lesions of a scan as a list that a physician can check and a program can read."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.dicom.scan import View
from bonescan.metrics.lesion import label_components

RESEARCH_USE = "Research use only, not for diagnosis"


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
        score: highest probability of a pixel, 0..1; None where none was given.
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
    score: float | None = None


def find_lesions(
    pred_mask: NDArray[np.bool_],
    counts: NDArray[np.floating],
    spacing_mm: tuple[float, float],
    view: View,
    *,
    prob: NDArray[np.floating] | None = None,
    instances: NDArray[np.integer] | None = None,
) -> list[Finding]:
    """Measure the lesions of a mask on the counts of one view.

    They are its 8-connected components, or the instances where a system told them apart.

    Args:
        pred_mask: lesions (row, column).
        counts: counts as acquired (row, column), neither scaled nor filtered.
        spacing_mm: (row, column) pixel spacing.
        view: the view's name.
        prob: probability of lesion (row, column), 0..1.
        instances: number of the instance that owns each pixel (row, column); counts in the mask
            only, and the numbers need not be without gaps.

    Returns:
        One finding per lesion, by topmost row and then leftmost column; empty without lesions.

    Raises:
        ValueError: if mask, counts and instances differ in shape or are not two-dimensional.
    """
    if pred_mask.shape != counts.shape:
        raise ValueError(
            f"pred_mask must have the counts' shape {counts.shape}, got {pred_mask.shape}"
        )
    if instances is None:
        components, _ = label_components(pred_mask)
    else:
        components = _number_by_place(instances, pred_mask)
    boxes = ndimage.find_objects(components)
    findings = []
    for number, box in enumerate(boxes, start=1):
        component = components[box] == number
        finding = _measure(component, counts[box], box, spacing_mm, view=view, number=number)
        score = None if prob is None else float(prob[box][component].max())
        findings.append(replace(finding, score=score))
    return findings


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


def _measure(
    component: NDArray[np.bool_],
    counts: NDArray[np.floating],
    box: tuple[slice, slice],
    spacing_mm: tuple[float, float],
    *,
    view: View,
    number: int,
) -> Finding:
    """Measure one component inside its bounding box."""
    rows, columns = np.nonzero(component)
    values = counts[component].astype(np.float64)
    top, left = box[0].start, box[1].start
    row, column = float(rows.mean() + top), float(columns.mean() + left)
    row_spacing_mm, column_spacing_mm = spacing_mm
    return Finding(
        view=view,
        number=number,
        area_px=len(rows),
        area_mm2=len(rows) * row_spacing_mm * column_spacing_mm,
        max_counts=float(values.max()),
        mean_counts=float(values.mean()),
        centroid_px=(row, column),
        centroid_mm=(row * row_spacing_mm, column * column_spacing_mm),
        box_px=(top, left, box[0].stop - 1, box[1].stop - 1),
    )
