"""From activity in the body to the counts of two conjugate planar views.

Everything before the Poisson draw is linear in activity. One detector looks at the body from the
front and one from behind; rows and columns are the detector's, so projecting is summing over depth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.dicom.scan import View
from bonescan.phantom.anatomy.voxels import Body
from bonescan.phantom.presets import FWHM_DISTANCES_MM, CameraPreset
from bonescan.phantom.tracer.ellipsoids import solid_block
from bonescan.phantom.tracer.uptake import Metal

SOFT_MU_PER_MM = 0.0154
LUNG_MU_PER_MM = 0.0043
BONE_MU_PER_MM = 0.022
"""Linear attenuation at 140.5 keV (NIST XCOM with ICRU 44 tissues); bone means bone with marrow."""

FWHM_PER_SIGMA = 2.3548
SLAB_MM = 25.0
"""Depth that shares one blur: the resolution changes by less than 1.1 mm FWHM across it."""
FRONT_GAP_MM = (15.0, 50.0)
"""Anterior detector above the skin."""
TABLE_GAP_MM = 45.0
"""Posterior detector below the back: table, mattress and clearance."""
CONTOUR_SHARE = 0.5
"""Share of scans whose anterior detector follows the body; else it stays above its highest part."""
CONTOUR_SMOOTHING_MM = 150.0
"""The detector cannot follow the contour more closely than its own size allows."""
TABLE_TRANSMISSION = 0.75
"""Share of photons that pass table and mattress, about 16 mm of water. Not measured but
fitted, so that posterior over anterior counts come near the 0.85 to 1.1 of real scans."""

SCATTER_STEP = 4
"""Scatter is smooth: it is computed on pixels this many times larger."""

BACKGROUND_COUNTS = (0.1, 0.3)
"""Counts per pixel beside the body, inside the scanned strip, as measured on real scans."""
SCATTER_LENGTH_MM = (30.0, 60.0)
SCATTER_FRACTION = (0.3, 0.6)
"""Scatter per primary photon in a 20 % window, by the body and the window's width."""
SCATTER_BLUR_PX = 2.0
"""The camera blurs scattered photons too."""
DETECTOR_GAIN_SIGMA = 0.02
"""The two detectors' sensitivities agree within a few per cent; a default of ours."""
ABOVE_HEAD_MM = (30.0, 120.0)
BELOW_FEET_MM = (10.0, 90.0)
"""Bed that is scanned above the patient's head and below the toes."""


@dataclass(frozen=True)
class DetectorHead:
    """One detector head with one body in front of it.

    Attributes:
        transmission: share of the photons of each voxel that arrive, (row, depth, column).
        slab: number of the slab of equal blur, (row, depth).
        sigma_px: blur of each slab.
    """

    transmission: NDArray[np.float32]
    slab: NDArray[np.intp]
    sigma_px: tuple[float, ...]


@dataclass(frozen=True)
class Patch:
    """A part of the image plane in the geometry of the grid (patient's right at low columns)."""

    row: int
    column: int
    values: NDArray[np.float32]

    @property
    def slices(self) -> tuple[slice, slice]:
        """Where the patch lies in an array of the whole image."""
        rows, columns = self.values.shape
        return slice(self.row, self.row + rows), slice(self.column, self.column + columns)


@dataclass(frozen=True)
class AcquisitionSettings:
    """How one scan is acquired.

    Attributes:
        total_counts: of the anterior view; the posterior follows from the physics.
        scatter_length_mm: of the exponential kernel.
        scatter_fraction: scattered photons per primary photon.
        background: counts per pixel inside the scanned strip.
        front_gap_mm: from the anterior detector to the skin below it.
        follows_contour: whether the anterior detector follows the body's contour.
        posterior_gain: sensitivity of the posterior detector relative to the anterior one.
        first_row: first scanned row.
        last_row: last scanned row.
    """

    total_counts: float
    scatter_length_mm: float
    scatter_fraction: float
    background: float
    front_gap_mm: float
    follows_contour: bool
    posterior_gain: float
    first_row: int
    last_row: int


def draw_settings(
    body: Body, total_counts: tuple[float, float], rng: np.random.Generator
) -> AcquisitionSettings:
    """Draw how long, over which rows and with how much scatter a body is scanned.

    The counts are log-uniform in the range `total_counts`.
    """
    pixel_mm = body.spacing_mm[0]
    rows = np.flatnonzero(body.outline.any(axis=(1, 2)))
    above, below = rng.uniform(*ABOVE_HEAD_MM), rng.uniform(*BELOW_FEET_MM)
    return AcquisitionSettings(
        total_counts=float(np.exp(rng.uniform(*np.log(total_counts)))),
        scatter_length_mm=rng.uniform(*SCATTER_LENGTH_MM),
        scatter_fraction=rng.uniform(*SCATTER_FRACTION),
        background=rng.uniform(*BACKGROUND_COUNTS),
        front_gap_mm=rng.uniform(*FRONT_GAP_MM),
        follows_contour=rng.random() < CONTOUR_SHARE,
        posterior_gain=rng.normal(1.0, DETECTOR_GAIN_SIGMA),
        first_row=max(int(rows[0] - above / pixel_mm), 0),
        last_row=min(int(rows[-1] + below / pixel_mm), body.shape[0] - 1),
    )


def attenuation_map(body: Body, metal: Sequence[Metal] = ()) -> NDArray[np.float32]:
    """Return the linear attenuation per mm of each voxel of the grid, (row, depth, column)."""
    mu = body.outline * np.float32(SOFT_MU_PER_MM)
    for name in ("lung_left", "lung_right"):
        lung = body.organs[name]
        mu[lung.slices] -= np.float32(SOFT_MU_PER_MM - LUNG_MU_PER_MM) * lung.fraction
    for bone in body.bones.values():
        mu[bone.block.slices] += np.float32(BONE_MU_PER_MM - SOFT_MU_PER_MM) * bone.block.fraction
    for implant in metal:
        solid = solid_block(implant.ellipsoid, body.shape, body.spacing_mm)
        if solid is not None:
            mu[solid.slices] += np.float32(implant.mu_per_mm) * solid.fraction
    return mu


def place_detectors(
    body: Body, mu: NDArray[np.float32], camera: CameraPreset, settings: AcquisitionSettings
) -> dict[View, DetectorHead]:
    """Return both detectors around a body with the attenuation `mu` per mm."""
    depth_mm = body.spacing_mm[1]
    skin_mm, back_mm = _skin_mm(body)
    if not settings.follows_contour:
        skin_mm = np.full_like(skin_mm, skin_mm.min())
    centre_mm = (np.arange(mu.shape[1]) + 0.5) * depth_mm
    to_front = centre_mm - skin_mm[:, None] + settings.front_gap_mm
    to_back = np.broadcast_to(back_mm - centre_mm + TABLE_GAP_MM, to_front.shape)
    front, back = _transmissions(mu, depth_mm)
    back *= np.float32(TABLE_TRANSMISSION)
    return {
        View.ANTERIOR: _detector_head(front, to_front, camera),
        View.POSTERIOR: _detector_head(back, to_back, camera),
    }


def _skin_mm(body: Body) -> tuple[NDArray[np.float64], float]:
    """Return the depth of the front skin per row, smoothed, and of the deepest skin."""
    depth_mm = body.spacing_mm[1]
    inside = np.any(body.outline > 0.5, axis=2)  # (row, depth)
    depths = inside.shape[1]
    rows = np.flatnonzero(inside.any(axis=1))
    first = np.argmax(inside, axis=1)
    front = np.interp(np.arange(inside.shape[0]), rows, first[rows] * depth_mm)
    reach = int(CONTOUR_SMOOTHING_MM / body.spacing_mm[0])
    front = ndimage.uniform_filter1d(ndimage.minimum_filter1d(front, reach), reach)
    back = (depths - np.argmax(inside.any(axis=0)[::-1])) * depth_mm
    return front, float(back)


def _transmissions(
    mu: NDArray[np.float32], depth_mm: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the transmission of every voxel's centre to the front and to the back."""
    front = np.empty_like(mu)
    path = np.zeros((mu.shape[0], mu.shape[2]), np.float32)
    for layer in range(mu.shape[1]):
        half = mu[:, layer] * np.float32(0.5 * depth_mm)
        path += half
        np.negative(path, out=front[:, layer])
        path += half
    np.exp(front, out=front)
    back = np.divide(np.exp(-path)[:, None], front, dtype=np.float32)
    return front, back


def _detector_head(
    transmission: NDArray[np.float32], distance_mm: NDArray[np.float64], camera: CameraPreset
) -> DetectorHead:
    slab = np.maximum(distance_mm / SLAB_MM, 0).astype(np.intp)
    middle = (np.arange(int(slab.max()) + 1) + 0.5) * SLAB_MM
    return DetectorHead(transmission, slab, tuple(sigma_px(camera, middle).tolist()))


def sigma_px(camera: CameraPreset, distance_mm: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the standard deviation of the point spread at a distance from the collimator.

    Beyond the table it grows in proportion to the distance, as a parallel-hole collimator's does.
    """
    fwhm = np.interp(distance_mm, FWHM_DISTANCES_MM, camera.fwhm_mm)
    beyond = np.maximum(distance_mm / FWHM_DISTANCES_MM[-1], 1.0)
    return fwhm * beyond / FWHM_PER_SIGMA / camera.pixel_mm


def project(
    detector: DetectorHead, activity: NDArray[np.float32], start: tuple[int, int, int] = (0, 0, 0)
) -> Patch:
    """Project a block of activity onto a detector: attenuation along the ray, then blur by depth.

    Args:
        detector: which of the two.
        activity: (row, depth, column), any unit per voxel.
        start: the block's first voxel in the grid.

    Returns:
        The primary photons, as a patch wide enough for the blur and clipped to the grid.
    """
    rows, depths, columns = activity.shape
    row, depth, column = start
    slab = detector.slab[row : row + rows, depth : depth + depths]
    first = int(slab.min())
    planes = np.zeros((int(slab.max()) - first + 1, rows, columns), np.float32)
    every_row = np.arange(rows)
    transmission = detector.transmission[row : row + rows, depth:, column : column + columns]
    for layer in range(depths):
        seen = activity[:, layer] * transmission[:, layer]
        plane = slab[:, layer] - first
        if plane.min() == plane.max():
            planes[plane[0]] += seen
        else:
            planes[plane, every_row] += seen
    return _blur(planes, detector.sigma_px[first:], (row, column), detector.transmission.shape)


def _blur(
    planes: NDArray[np.float32],
    sigma_px: tuple[float, ...],
    start: tuple[int, int],
    grid: tuple[int, ...],
) -> Patch:
    """Blur the plane of each slab and add them up on a patch with room for the blur."""
    _, rows, columns = planes.shape
    room = int(np.ceil(3 * max(sigma_px[: len(planes)])))
    row, column = max(start[0] - room, 0), max(start[1] - room, 0)
    bottom = min(start[0] + rows + room, grid[0])
    right = min(start[1] + columns + room, grid[2])
    before = (start[0] - row, start[1] - column)
    after = (bottom - start[0] - rows, right - start[1] - columns)
    total = np.zeros((bottom - row, right - column), np.float32)
    for plane, sigma in zip(planes, sigma_px, strict=False):
        if plane.any():
            padded = np.pad(plane, tuple(zip(before, after, strict=True)))
            total += ndimage.gaussian_filter(padded, sigma, mode="constant", truncate=3.0)
    return Patch(row, column, total)


def thickness_mm(body: Body) -> NDArray[np.float32]:
    """Return how much body there is along each ray, (row, column)."""
    return body.outline.sum(axis=1) * np.float32(body.spacing_mm[1])


def scatter(
    photons: NDArray[np.float32],
    thickness: NDArray[np.float32],
    pixel_mm: float,
    settings: AcquisitionSettings,
) -> NDArray[np.float32]:
    """Return the scattered photons that go with an image of primary photons.

    The kernel falls off mono-exponentially, exp(-r / length), as in Axelsson et al. 1984, J Nucl
    Med 25:490. Photons scatter in tissue, not in air: a pixel receives them in proportion to the
    thickness of the body there, so the gap between the legs stays empty.
    """
    rows, columns = photons.shape
    step = SCATTER_STEP
    coarse = photons.reshape(rows // step, step, columns // step, step).mean(axis=(1, 3))
    padded = (2 * coarse.shape[0], 2 * coarse.shape[1])
    spectrum = np.fft.rfft2(coarse, padded)
    frequency = np.hypot(np.fft.fftfreq(padded[0])[:, None], np.fft.rfftfreq(padded[1]))
    length_px = settings.scatter_length_mm / pixel_mm / step
    spectrum *= (1 + (2 * np.pi * frequency * length_px) ** 2) ** -1.5
    spread = np.fft.irfft2(spectrum, padded)[: coarse.shape[0], : coarse.shape[1]]
    spread = ndimage.zoom(np.maximum(spread, 0), step, order=1, mode="nearest", grid_mode=True)
    scattered = ndimage.gaussian_filter(spread.astype(np.float32) * thickness, SCATTER_BLUR_PX)
    wanted = settings.scatter_fraction * float(photons.sum())
    return scattered * np.float32(wanted / float(scattered.sum()))


def strip_mask(
    shape: tuple[int, int], camera: CameraPreset, settings: AcquisitionSettings
) -> NDArray[np.bool]:
    """Return the pixels that the detector passes over, (row, column)."""
    mask = np.zeros(shape, bool)
    mask[
        settings.first_row : settings.last_row + 1, camera.first_column : camera.last_column + 1
    ] = 1
    return mask


def expected_counts(
    photons: Mapping[View, NDArray[np.float32]],
    thickness: NDArray[np.float32],
    camera: CameraPreset,
    settings: AcquisitionSettings,
) -> tuple[dict[View, NDArray[np.float32]], dict[View, float]]:
    """Return the expected counts of both views, and how many each makes of a primary photon.

    Adds scatter and background, cuts to the scanned strip and scales both views by one factor, so
    that the anterior view expects `settings.total_counts`.
    """
    strip = strip_mask(thickness.shape, camera, settings)
    seen = {
        view: (image + scatter(image, thickness, camera.pixel_mm, settings)) * strip
        for view, image in photons.items()
    }
    background = np.float32(settings.background) * strip
    scale = (settings.total_counts - float(background.sum())) / float(seen[View.ANTERIOR].sum())
    scales = {View.ANTERIOR: scale, View.POSTERIOR: scale * settings.posterior_gain}
    expected = {view: image * np.float32(scales[view]) + background for view, image in seen.items()}
    return expected, scales


def draw_counts(expected: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint16]:
    """Draw the counts of a view: pure Poisson noise on whole numbers, and nothing else."""
    return np.minimum(rng.poisson(expected), np.iinfo(np.uint16).max).astype(np.uint16)
