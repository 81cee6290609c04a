"""The truth of each view: lesions that show in it, the bladder, and bone regions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.labels import Label, region_bit
from bonescan.phantom.anatomy.voxels import Body
from bonescan.phantom.imaging.detectors import FWHM_PER_SIGMA
from bonescan.phantom.imaging.projection import Patch

PEAK_SHARE = 0.35
"""A structure is outlined where the counts that it alone adds reach this share of their peak: a
little outside the 40 to 50 % that are usual for SPECT and PET, as annotators draw."""
LEAST_CONTRAST = 0.25
"""At its outline, counts with and without a lesion must differ by this share of the lower of the
two: what adds less is not seen to belong to it. A default of ours, chosen by looking at outlines
on simulated scans."""
LEAST_CNR = 1.8
"""Contrast-to-noise ratio from which a reader sees a lesion; see `contrast_to_noise`. A default of
ours: 3 to 5 is usual for flat backgrounds (Rose), and ours counts uneven bone as noise, too."""
RING_MM = (6.0, 16.0)
"""How far outside its outline the surroundings of a lesion lie."""
LEAST_AREA_MM2 = 20.0
"""Nobody would outline smaller remains."""
BONE_SHARE = 0.3
"""A pixel belongs to a bone where it fills this share of at least one voxel along the ray."""


def outline(added: NDArray[np.float32]) -> NDArray[np.bool]:
    """Return where the counts that a structure alone adds reach PEAK_SHARE of their peak."""
    return added >= PEAK_SHARE * added.max()


def ring(mask: NDArray[np.bool], pixel_mm: float) -> NDArray[np.bool]:
    """Return the surroundings of a mask, RING_MM outside it, (row, column)."""
    distance_mm = ndimage.distance_transform_edt(~mask) * pixel_mm
    return (distance_mm > RING_MM[0]) & (distance_mm <= RING_MM[1])


def contrast_to_noise(
    lesion: Patch, mask: NDArray[np.bool], normal: NDArray[np.float32], pixel_mm: float
) -> float:
    """Return how well a model observer who knows where to look sees a lesion.

    He compares the mean of the lesion's outline with what it would be without the lesion. His noise
    is that of the counts in the outline, and the unevenness of the normal surroundings, smoothed as
    far as the outline is wide.

    Args:
        lesion: expected counts of the lesion alone.
        mask: its outline, of the patch's shape.
        normal: expected counts of the whole view without any lesion, in the geometry of the grid.
        pixel_mm: pixel size.

    Returns:
        0 or more; 0 for an empty mask.
    """
    if not mask.any():
        return 0.0
    margin = int(np.ceil(RING_MM[1] / pixel_mm))
    rows, columns = lesion.slices
    wide = (
        slice(max(rows.start - margin, 0), rows.stop + margin),
        slice(max(columns.start - margin, 0), columns.stop + margin),
    )
    inside = np.zeros(normal.shape, bool)
    inside[lesion.slices] = mask
    width_px = float(np.sqrt(4 * mask.sum() / np.pi)) / FWHM_PER_SIGMA
    smooth = ndimage.gaussian_filter(normal[wide], width_px)
    uneven = float(smooth[ring(inside[wide], pixel_mm)].std())
    counts = float((normal[lesion.slices] + np.abs(lesion.values))[mask].mean())
    return float(abs(lesion.values[mask].mean()) / np.sqrt(counts / mask.sum() + uneven**2))


def visible_mask(lesion: Patch, normal: NDArray[np.float32], pixel_mm: float) -> NDArray[np.bool]:
    """Return where a lesion shows in a view, on its patch.

    Args:
        lesion: expected counts of the lesion alone.
        normal: expected counts of the whole view without any lesion, in the geometry of the grid.
        pixel_mm: pixel size.

    Returns:
        mask of the patch's shape, empty where the lesion is hidden in this view.
    """
    local = normal[lesion.slices]
    added = np.abs(lesion.values)
    mask = outline(added) & (added > LEAST_CONTRAST * np.minimum(local, local + lesion.values))
    small = mask.sum() * pixel_mm**2 < LEAST_AREA_MM2
    if small or contrast_to_noise(lesion, mask, normal, pixel_mm) < LEAST_CNR:
        mask[:] = False
    return mask


@dataclass(frozen=True)
class ViewTruth:
    """What one view shows, in the grid's geometry, each (row, column).

    Attributes:
        label: values of `bonescan.labels.Label`, uint8.
        instances: number of the lesion, uint16.
        benign: number of the benign focus, uint16.
    """

    label: NDArray[np.uint8]
    instances: NDArray[np.uint16]
    benign: NDArray[np.uint16]


def mark_truth(
    lesions: Sequence[Patch],
    foci: Sequence[Patch],
    bladder: Patch | None,
    expected: NDArray[np.float32],
    pixel_mm: float,
) -> ViewTruth:
    """Mark lesions, benign foci and the bladder where one view shows them.

    Where lesions overlap the one that adds more counts there wins; a lesion wins over the bladder.

    Args:
        lesions: expected counts of each lesion alone.
        foci: those of each benign focus alone.
        bladder: those of the bladder, None where there is none.
        expected: expected counts of the whole view.
        pixel_mm: pixel size.
    """
    label = np.zeros(expected.shape, np.uint8)
    normal = expected.copy()
    for lesion in lesions:
        normal[lesion.slices] -= lesion.values
    if bladder is not None:
        mask = visible_mask(bladder, _without(normal, bladder), pixel_mm)
        label[bladder.slices][mask] = Label.BLADDER
    instances = _number(lesions, lambda _: normal, expected.shape, pixel_mm)
    label[instances > 0] = Label.METASTASIS
    benign = _number(foci, partial(_without, normal), expected.shape, pixel_mm)
    return ViewTruth(label, instances, benign)


def _without(normal: NDArray[np.float32], patch: Patch) -> NDArray[np.float32]:
    rest = normal.copy()
    rest[patch.slices] -= patch.values
    return rest


def _number(
    patches: Sequence[Patch],
    normal_for: Callable[[Patch], NDArray[np.float32]],
    shape: tuple[int, ...],
    pixel_mm: float,
) -> NDArray[np.uint16]:
    """Number the structures from 1 where they are seen, each against the view that it changes."""
    instances = np.zeros(shape, np.uint16)
    strongest = np.zeros(shape, np.float32)
    for number, patch in enumerate(patches, start=1):
        added = np.abs(patch.values)
        best = strongest[patch.slices]
        mask = visible_mask(patch, normal_for(patch), pixel_mm) & (added > best)
        best[mask] = added[mask]
        instances[patch.slices][mask] = number
    return instances


def region_map(body: Body) -> NDArray[np.int64]:
    """Return the regions of the bones, one bit each, (row, column) in the grid's geometry."""
    regions = np.zeros((body.shape[0], body.shape[2]), np.int64)
    for bone in body.bones.values():
        rows, _, columns = bone.block.slices
        shadow = bone.block.fraction.max(axis=1) >= BONE_SHARE
        regions[rows, columns] |= np.where(shadow, region_bit(bone.region), 0)
    return regions
