"""Two detectors around a body: attenuation along the ray, and a blur that grows with the distance.

One detector looks at the body from the front and one from behind; rows and columns are the
detector's, so projecting is summing over depth. All of it is linear in activity.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.dicom.scan import View
from bonescan.phantom.anatomy.implants import metal_blocks
from bonescan.phantom.anatomy.voxels import Body, add_coarsely
from bonescan.phantom.cameras import FWHM_DISTANCES_MM, CameraPreset

SOFT_MU_PER_MM = 0.0154
FAT_MU_PER_MM = 0.0144
LUNG_MU_PER_MM = 0.0043
BONE_MU_PER_MM = 0.022
"""Linear attenuation at 140.5 keV (NIST XCOM with ICRU 44 tissues); bone means bone with marrow."""
METAL_MU_PER_MM = 0.15
"""The same of implants, between those of titanium and of steel; added to what lies there."""

FWHM_PER_SIGMA = 2.3548
SLAB_MM = 25.0
"""Depth that shares one blur: the resolution changes by less than 1.1 mm FWHM across it."""
FRONT_GAP_MM = (15.0, 50.0)
"""Anterior detector above the skin."""
TABLE_GAP_MM = 45.0
"""Posterior detector below the back: table, mattress and clearance."""
CONTOUR_SHARE = 0.8
"""Share of scans whose anterior detector follows the body; else it stays above its highest part.
Most cameras find the contour by themselves; the share is a default of ours."""
CONTOUR_SMOOTHING_MM = 150.0
"""The detector cannot follow the contour more closely than its own size allows."""
TABLE_TRANSMISSION = 0.75
"""Share of photons that pass table and mattress, about 16 mm of water. Not measured but
fitted, so that posterior over anterior counts come near the 0.85 to 1.1 of real scans."""


ABOVE_HEAD_MM = (30.0, 120.0)
BELOW_FEET_MM = (10.0, 90.0)
"""Bed that is scanned above the patient's head and below the toes."""


@dataclass(frozen=True)
class Geometry:
    """How a body lies under the camera.

    Attributes:
        front_gap_mm: from the anterior detector to the skin below it.
        follows_contour: whether the anterior detector follows the body's contour.
        first_row: first scanned row.
        last_row: last scanned row.
    """

    front_gap_mm: float
    follows_contour: bool
    first_row: int
    last_row: int


def draw_geometry(body: Body, rng: np.random.Generator) -> Geometry:
    """Draw how close the detector comes to a body and over which rows it is scanned."""
    pixel_mm = body.spacing_mm[0]
    rows = 2 * np.flatnonzero(body.outline.values.any(axis=(1, 2)))
    above, below = rng.uniform(*ABOVE_HEAD_MM), rng.uniform(*BELOW_FEET_MM)
    return Geometry(
        front_gap_mm=rng.uniform(*FRONT_GAP_MM),
        follows_contour=bool(rng.random() < CONTOUR_SHARE),
        first_row=max(int(rows[0] - above / pixel_mm), 0),
        last_row=min(int(rows[-1] + 1 + below / pixel_mm), body.shape[0] - 1),
    )


@dataclass(frozen=True)
class DetectorHead:
    """One detector head with one body in front of it.

    Transmission and distance are smooth: they are known on rows and columns twice as large as the
    grid's.

    Attributes:
        transmission: share of the photons of each voxel that arrive, of any float type, (rows / 2,
            depths, columns / 2).
        slab: number of the slab of equal blur, (rows / 2, depths).
        sigma_px: blur of each slab.
    """

    transmission: NDArray[np.floating]
    slab: NDArray[np.integer]
    sigma_px: tuple[float, ...]


def attenuation_map(body: Body) -> NDArray[np.float32]:
    """Return the linear attenuation per mm, (rows / 2, depths, columns / 2)."""
    mu = body.outline.values * np.float32(SOFT_MU_PER_MM)
    mu += body.fat.values * np.float32(FAT_MU_PER_MM - SOFT_MU_PER_MM)
    for name in ("lung_left", "lung_right"):
        add_coarsely(mu, body.organs[name], LUNG_MU_PER_MM - SOFT_MU_PER_MM)
    for bone in body.bones.values():
        add_coarsely(mu, bone.block, BONE_MU_PER_MM - SOFT_MU_PER_MM)
    for metal in metal_blocks(body):
        add_coarsely(mu, metal, METAL_MU_PER_MM)
    return mu


def place_detectors(
    body: Body, camera: CameraPreset, geometry: Geometry
) -> dict[View, DetectorHead]:
    """Return both detectors around a body."""
    depth_mm = body.spacing_mm[1]
    skin_mm, back_mm = _skin_mm(body)
    if not geometry.follows_contour:
        skin_mm = np.full_like(skin_mm, skin_mm.min())
    centre_mm = (np.arange(body.shape[1]) + 0.5) * depth_mm
    to_front = centre_mm - skin_mm[:, None] + geometry.front_gap_mm
    to_back = np.broadcast_to(back_mm - centre_mm + TABLE_GAP_MM, to_front.shape)
    front, back = _transmissions(attenuation_map(body), depth_mm)
    back *= np.float32(TABLE_TRANSMISSION)
    return {
        View.ANTERIOR: _detector_head(front, to_front, camera),
        View.POSTERIOR: _detector_head(back, to_back, camera),
    }


def _skin_mm(body: Body) -> tuple[NDArray[np.float64], float]:
    """Return the depth of the front skin per coarse row, smoothed, and of the deepest skin."""
    depth_mm = body.spacing_mm[1]
    inside = np.any(body.outline.values > 0.5, axis=2)  # (row, depth)
    depths = inside.shape[1]
    rows = np.flatnonzero(inside.any(axis=1))
    first = np.argmax(inside, axis=1)
    front = np.interp(np.arange(inside.shape[0]), rows, first[rows] * depth_mm)
    reach = int(CONTOUR_SMOOTHING_MM / body.spacing_mm[0] / 2)
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
