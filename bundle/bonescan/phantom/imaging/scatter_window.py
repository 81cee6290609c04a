"""The energy window below the photopeak, which some departments store beside it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bonescan.dicom.codes import PHOTOPEAK_KEV
from bonescan.phantom.cameras import PHOTOPEAK_WINDOW_KEV, CameraPreset
from bonescan.phantom.imaging.camera import ScanSettings, scatter

SCATTER_WINDOW_SHARE = 0.1
"""Share of scans that store it: planar bone scans need none. A default of ours."""
ENERGY_SIGMA_KEV = 5.9
"""Energy resolution: 9.9 % full width at half maximum at 140.5 keV, as cameras are specified."""
WIDER = 1.3
"""Photons in the lower window turned by a larger angle: length of their spread over that of those
in the photopeak. A default of ours."""


def expect_scatter_window(
    expected: NDArray[np.float32],
    thickness: NDArray[np.float32],
    camera: CameraPreset,
    scan: ScanSettings,
) -> NDArray[np.float32]:
    """Return the expected counts of the scatter window of a view, also beyond the scanned strip.

    The scatter is that of which the triple-energy-window method (Ogawa et al. 1991, IEEE Trans Med
    Imaging 10:408) would find the photopeak's share: a spectrum that falls in a straight line from
    its height in the scatter window to nothing at the photopeak's upper limit. What is counted
    beside the body is taken to be as much per keV in both windows.

    Args:
        expected: counts in the photopeak's window, (row, column).
        thickness: of the body along each ray in mm.
        camera: whose windows.
        scan: the scatter in the photopeak.
    """
    primary = expected / np.float32(1 + scan.scatter_fraction)
    wide = replace(scan, scatter_length_mm=WIDER * scan.scatter_length_mm)
    scattered = scatter(primary, thickness, camera.pixel_mm, wide)
    low, high = camera.scatter_window_kev
    peak_low, peak_high = PHOTOPEAK_WINDOW_KEV
    breadth = (high - low) / (peak_high - peak_low)
    spill = _in_window(low, high) / _in_window(peak_low, peak_high)
    counts = np.float32(2 * breadth) * scattered + np.float32(spill) * primary
    return counts + np.float32(breadth * scan.background)


def _in_window(low_kev: float, high_kev: float) -> float:
    """Return the share of the photons of the photopeak that are measured in a window."""
    low, high = ((kev - PHOTOPEAK_KEV) / ENERGY_SIGMA_KEV for kev in (low_kev, high_kev))
    return float(ndtr(high) - ndtr(low))
