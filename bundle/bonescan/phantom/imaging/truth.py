"""The truth of each view: lesions that show in it, the bladder, and bone regions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bonescan.labels import Label, region_bit
from bonescan.phantom.anatomy.voxels import Body
from bonescan.phantom.imaging.camera import FWHM_PER_SIGMA, Patch

PEAK_SHARE = 0.45
"""A structure is outlined where the counts that it alone adds reach this share of their peak:
between the 40 and 50 % that are usual for SPECT and PET."""
NOISE_FACTOR = 3.0
"""A lesion must add this many standard deviations of the local Poisson noise.

The noise is that of a resolution element, not of one pixel: eye and network add up neighbouring
pixels. A Gaussian of standard deviation s pixels adds up 4 pi s^2 of them, so the noise of their
mean is sqrt(counts / (4 pi s^2)).
"""
READING_FWHM_MM = 8.0
"""Resolution element: the camera's resolution at 10 cm, a little smoothed."""
LEAST_CONTRAST = 0.4
"""At its outline, counts with and without a lesion must differ by this share of the lower of the
two: less is lost in the unevenness of normal bone, however many counts there are. A default of
ours, chosen by looking at outlines on simulated scans."""
LEAST_AREA_MM2 = 20.0
"""Nobody would outline smaller remains."""
BONE_SHARE = 0.3
"""A pixel belongs to a bone where it fills this share of at least one voxel along the ray."""


def noise_counts(expected: NDArray[np.float32], pixel_mm: float) -> NDArray[np.float32]:
    """Return the standard deviation of the mean of a resolution element, (row, column)."""
    sigma = READING_FWHM_MM / FWHM_PER_SIGMA / pixel_mm
    return np.sqrt(expected / (4 * np.pi * sigma**2))


def visible_mask(lesion: Patch, expected: NDArray[np.float32], pixel_mm: float) -> NDArray[np.bool]:
    """Return where a lesion shows in a view, on its patch.

    Args:
        lesion: expected counts of the lesion alone.
        expected: expected counts of the whole view in the geometry of the grid.
        pixel_mm: pixel size.

    Returns:
        mask of the patch's shape, empty where the lesion is hidden in this view.
    """
    local = expected[lesion.slices]
    added = np.abs(lesion.values)
    mask = added >= PEAK_SHARE * added.max()
    mask &= added > NOISE_FACTOR * noise_counts(local, pixel_mm)
    mask &= added > LEAST_CONTRAST * np.minimum(local, local - lesion.values)
    if mask.sum() * pixel_mm**2 < LEAST_AREA_MM2:
        mask[:] = False
    return mask


def mark_truth(
    lesions: Sequence[Patch],
    bladder: Patch | None,
    expected: NDArray[np.float32],
    pixel_mm: float,
) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Return the label map and the map of lesion numbers of one view, in the grid's geometry.

    Where lesions overlap the one that adds more counts there wins; a lesion wins over the bladder.
    """
    label = np.zeros(expected.shape, np.uint8)
    instances = np.zeros(expected.shape, np.uint16)
    strongest = np.zeros(expected.shape, np.float32)
    if bladder is not None:
        mask = visible_mask(bladder, expected, pixel_mm)
        label[bladder.slices][mask] = Label.BLADDER
    for number, lesion in enumerate(lesions, start=1):
        added = np.abs(lesion.values)
        best = strongest[lesion.slices]
        mask = visible_mask(lesion, expected, pixel_mm) & (added > best)
        best[mask] = added[mask]
        instances[lesion.slices][mask] = number
        label[lesion.slices][mask] = Label.METASTASIS
    return label, instances


def region_map(body: Body) -> NDArray[np.int64]:
    """Return the regions of the bones, one bit each, (row, column) in the grid's geometry."""
    regions = np.zeros((body.shape[0], body.shape[2]), np.int64)
    for bone in body.bones.values():
        rows, _, columns = bone.block.slices
        shadow = bone.block.fraction.max(axis=1) >= BONE_SHARE
        regions[rows, columns] |= np.where(shadow, region_bit(bone.region), 0)
    return regions
