"""How hot a lesion or a benign focus must be to stand out in the image as far as it should."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import View
from bonescan.phantom.imaging.projection import Patch
from bonescan.phantom.imaging.truth import outline, ring

LEAST_RISE = 0.5
LEAST_BENIGN_RISE = 0.45
"""Share of the counts at its place that a metastasis or a benign focus adds at least, however
bright its surroundings. Of what adds less nobody would say that it is there; defaults of ours."""
MOST_RISE = 60.0
"""The same at most, in front of next to nothing."""
STEPS = 13
"""Halvings of that range, on a logarithmic scale: exact to 0.1 %."""


def peak_over_ring(counts: NDArray[np.floating], mask: NDArray[np.bool], pixel_mm: float) -> float:
    """Return the highest counts inside a mask over the median of its surroundings."""
    around = counts[ring(mask, pixel_mm)]
    return float(counts[mask].max() / max(float(np.median(around)), 1e-6))


def scale_to_stand_out(
    lesion: Mapping[View, Patch],
    normal: Mapping[View, NDArray[np.float32]],
    wanted: float,
    pixel_mm: float,
    *,
    least_rise: float = LEAST_RISE,
) -> float:
    """Return by how much to multiply a lesion so that its peak over its surroundings is as wanted.

    That is so in the view that shows it best; in the others it stands out less.

    Args:
        lesion: by view the counts that the lesion alone adds, in any unit.
        normal: by view the counts of the whole view without it, in the same unit.
        wanted: peak over the median of the surroundings.
        pixel_mm: pixel size.
        least_rise: share of the counts at its peak that it adds at least.

    Returns:
        The factor; 1 where no view shows anything of the lesion. It lets the lesion add at least
        `least_rise` and at most MOST_RISE of the counts at its peak in that view.
    """
    factor = min(
        _scale_in_view(patch, normal[view], wanted, pixel_mm, least_rise)
        for view, patch in lesion.items()
    )
    return factor if np.isfinite(factor) else 1.0


def _scale_in_view(
    lesion: Patch, normal: NDArray[np.float32], wanted: float, pixel_mm: float, least_rise: float
) -> float:
    """Return the factor for one view; inf where it shows nothing of the lesion."""
    peak = float(lesion.values.max())
    if peak <= 0:
        return float("inf")
    local, mask = normal[lesion.slices], outline(lesion.values)
    below = max(float(local.ravel()[int(lesion.values.argmax())]), 1e-6)
    low, high = least_rise * below / peak, MOST_RISE * below / peak
    around = ring(mask, pixel_mm)
    if not around.any():
        return low
    within, beside = ((local[place], lesion.values[place]) for place in (mask, around))
    half = len(beside[0]) // 2
    for _ in range(STEPS):
        middle = float(np.sqrt(low * high))
        inside, outside = (there + np.float32(middle) * added for there, added in (within, beside))
        if inside.max() < wanted * np.partition(outside, half)[half]:
            low = middle
        else:
            high = middle
    return high
