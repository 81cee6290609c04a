"""From primary photons to counts: scatter, background, the scanned strip and Poisson noise."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.dicom.scan import View
from bonescan.phantom.anatomy.voxels import Body
from bonescan.phantom.cameras import CameraPreset
from bonescan.phantom.imaging.coarse import enlarge, shrink
from bonescan.phantom.imaging.detectors import Geometry

SCATTER_STEP = 4
"""Scatter is smooth: it is computed on pixels this many times larger."""

BACKGROUND_COUNTS = (0.1, 0.3)
"""Counts per pixel beside the body, inside the scanned strip, as measured on real scans."""
SCATTER_LENGTH_MM = (30.0, 60.0)
SCATTER_FRACTION = (0.3, 0.6)
"""Scatter per primary photon in a 20 % window, by the body and the window's width."""
SCATTER_REACH = 7.0
"""Lengths of the kernel beyond which it is nothing: 0.1 % of its peak."""
SCATTER_BLUR_PX = 2.0
"""The camera blurs scattered photons too."""
DETECTOR_GAIN_SIGMA = 0.02
"""The two detectors' sensitivities agree within a few per cent; a default of ours."""


@dataclass(frozen=True)
class ScanSettings:
    """How a body under the camera is scanned.

    Attributes:
        total_counts: of the anterior view; the posterior follows from the physics.
        scatter_length_mm: of the exponential kernel.
        scatter_fraction: scattered photons per primary photon.
        background: counts per pixel inside the scanned strip.
        posterior_gain: sensitivity of the posterior detector relative to the anterior one.
    """

    total_counts: float
    scatter_length_mm: float
    scatter_fraction: float
    background: float
    posterior_gain: float


def draw_scan(total_counts: tuple[float, float], rng: np.random.Generator) -> ScanSettings:
    """Draw how long and with how much scatter is scanned.

    The counts are log-uniform in the range `total_counts`.
    """
    return ScanSettings(
        total_counts=float(np.exp(rng.uniform(*np.log(total_counts)))),
        scatter_length_mm=rng.uniform(*SCATTER_LENGTH_MM),
        scatter_fraction=rng.uniform(*SCATTER_FRACTION),
        background=rng.uniform(*BACKGROUND_COUNTS),
        posterior_gain=rng.normal(1.0, DETECTOR_GAIN_SIGMA),
    )


def thickness_mm(body: Body) -> NDArray[np.float32]:
    """Return how much body there is along each ray, (row, column)."""
    coarse = body.outline.values.sum(axis=1, dtype=np.float32) * np.float32(body.spacing_mm[1])
    rows, _, columns = body.shape
    return enlarge(coarse, 2)[:rows, :columns]


def scatter(
    photons: NDArray[np.float32],
    thickness: NDArray[np.float32],
    pixel_mm: float,
    scan: ScanSettings,
) -> NDArray[np.float32]:
    """Return the scattered photons that go with an image of primary photons.

    The kernel falls off mono-exponentially, exp(-r / length), as in Axelsson et al. 1984, J Nucl
    Med 25:490. Photons scatter in tissue, not in air: a pixel receives them in proportion to the
    thickness of the body there, so the gap between the legs stays empty.
    """
    step = SCATTER_STEP
    coarse = shrink(photons, step)
    length_px = scan.scatter_length_mm / pixel_mm / step
    room = int(SCATTER_REACH * length_px)
    padded = [scipy.fft.next_fast_len(size + room, real=True) for size in coarse.shape]
    spectrum = scipy.fft.rfft2(coarse, padded)
    frequency = np.hypot(np.fft.fftfreq(padded[0])[:, None], np.fft.rfftfreq(padded[1]))
    frequency = frequency.astype(np.float32)
    passed = 1 + (2 * np.pi * frequency * length_px) ** 2
    spectrum /= passed * np.sqrt(passed)
    spread = scipy.fft.irfft2(spectrum, padded)[: coarse.shape[0], : coarse.shape[1]]
    # Scatter is smooth, the edge of the body is not: it is taken in at half the final pixels.
    received = enlarge(np.maximum(spread, 0), step // 2) * shrink(thickness, 2)
    scattered = enlarge(ndimage.gaussian_filter(received, 0.5 * SCATTER_BLUR_PX), 2)
    wanted = scan.scatter_fraction * float(photons.sum())
    return scattered * np.float32(wanted / float(scattered.sum()))


def strip_mask(
    shape: tuple[int, int], camera: CameraPreset, geometry: Geometry
) -> NDArray[np.bool]:
    """Return the pixels that the detector passes over, (row, column)."""
    mask = np.zeros(shape, bool)
    mask[
        geometry.first_row : geometry.last_row + 1, camera.first_column : camera.last_column + 1
    ] = 1
    return mask


def expected_counts(
    photons: Mapping[View, NDArray[np.float32]],
    thickness: NDArray[np.float32],
    strip: NDArray[np.bool],
    pixel_mm: float,
    scan: ScanSettings,
) -> tuple[dict[View, NDArray[np.float32]], dict[View, float]]:
    """Return the expected counts of both views, and how many each makes of a primary photon.

    Adds scatter and background, cuts to the scanned `strip` and scales both views by one factor, so
    that the anterior view expects `scan.total_counts`.
    """
    seen = {
        view: (image + scatter(image, thickness, pixel_mm, scan)) * strip
        for view, image in photons.items()
    }
    background = np.float32(scan.background) * strip
    scale = (scan.total_counts - float(background.sum())) / float(seen[View.ANTERIOR].sum())
    scales = {View.ANTERIOR: scale, View.POSTERIOR: scale * scan.posterior_gain}
    expected = {view: image * np.float32(scales[view]) + background for view, image in seen.items()}
    return expected, scales


def draw_counts(expected: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint16]:
    """Draw the counts of a view: pure Poisson noise on whole numbers, and nothing else."""
    return np.minimum(rng.poisson(expected), np.iinfo(np.uint16).max).astype(np.uint16)
