"""What a collimator lets through besides photons along its holes."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from bonescan.phantom.imaging.coarse import enlarge, shrink

PENETRATION = 0.01
"""Counts far from their source, per count. The photons of 140.5 keV that pass through walls or are
scattered by them make up about 5 % (Cot et al. 2002, IEEE Trans Nucl Sci 49:12, of fan-beam
collimators); most of them stay within the point spread. What goes far is a default of ours.

Photons of 99Mo (740 keV) add an even haze: at the most that is allowed, 0.15 kBq per MBq, some
0.1 % of the counts by our reckoning. It is part of the measured counts beside the body."""
SOURCE_MM = 130.0
"""Typical distance of the activity from the collimator."""
WALL_LENGTHS = 10.0
"""Lead that a ray across the walls passes at least, in mean free paths: 35 mm of hole with 0.2 mm
of wall every 1.7 mm are 4.1 mm, at 2.7 per mm (NIST XCOM) 11; other collimators have 8 to 10."""
STAR = 0.08
"""By how much that path is shorter along the six rows of hexagonal holes, and longer between: what
makes the star's six rays. A default of ours."""
STEP = 4
"""The haze is smooth: it is computed on pixels this many times larger."""
REACH_MM = 150.0


def add_penetration(counts: NDArray[np.float32], pixel_mm: float) -> NDArray[np.float32]:
    """Return expected counts with the haze and star that surround what is very hot.

    Args:
        counts: (row, column); both multiples of STEP.
        pixel_mm: size of a pixel.
    """
    coarse = shrink(counts, STEP)
    rows, columns = coarse.shape
    kernel = star_kernel(pixel_mm * STEP)
    shape = [fft.next_fast_len(n + len(kernel), real=True) for n in (rows, columns)]
    spectrum = fft.rfft2(coarse, shape)
    spectrum *= fft.rfft2(kernel, shape)
    room = len(kernel) // 2
    haze = fft.irfft2(spectrum, shape)[room : room + rows, room : room + columns]
    # Rounding leaves values just below 0, which no Poisson variable can have.
    seen = enlarge(np.float32(PENETRATION) * np.maximum(haze, 0), STEP)
    seen += np.float32(1 - PENETRATION) * counts
    return seen


def star_kernel(pixel_mm: float) -> NDArray[np.float32]:
    """Return the haze round a point, of sum 1, on pixels of a size; its middle is the point.

    A ray at an angle to the holes passes the walls on a path longer by one over the cosine, from
    farther away, and meets the crystal aslant.
    """
    reach = int(REACH_MM / pixel_mm)
    place_mm = np.arange(-reach, reach + 1) * pixel_mm
    row_mm, column_mm = np.meshgrid(place_mm, place_mm, indexing="ij")
    cosine = 1 / np.sqrt(1 + (row_mm**2 + column_mm**2) / SOURCE_MM**2)
    ray = 1 - STAR * np.cos(6 * np.arctan2(row_mm, column_mm)) * (1 - cosine**2)
    haze = cosine**3 * np.exp(-WALL_LENGTHS * (ray / cosine - 1))
    return (haze / haze.sum()).astype(np.float32)
