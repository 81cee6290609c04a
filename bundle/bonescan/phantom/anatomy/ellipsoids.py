"""Ellipsoids as voxels: hot spots, lesions and metal are made of them."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit

from bonescan.phantom.anatomy.voxels import Point, VoxelBlock, VoxelEllipsoid

GAUSSIAN_REACH = 2.5
"""Where a Gaussian is cut off, in standard deviations: at 4 % of its peak."""
EDGE_SHARE = 0.12
"""Width of the soft edge of a solid ellipsoid, as a share of its radius."""
ROUGHNESS = 0.22
ROUGHNESS_LENGTH = 0.4
"""Standard deviation of an irregular surface, and the length over which it changes, both as a share
of the radius."""


def gaussian_block(
    ellipsoid: VoxelEllipsoid, shape: tuple[int, int, int], spacing_mm: Point
) -> VoxelBlock | None:
    """Return a Gaussian with the radii as standard deviations, 1 at its centre.

    None where it lies outside a grid of that shape.
    """
    reached = _distance(ellipsoid, shape, spacing_mm, GAUSSIAN_REACH)
    if reached is None:
        return None
    start, distance = reached
    values = np.exp(-0.5 * distance**2)
    values[distance > GAUSSIAN_REACH] = 0
    return VoxelBlock(start, values)


def solid_block(
    ellipsoid: VoxelEllipsoid, shape: tuple[int, int, int], spacing_mm: Point
) -> VoxelBlock | None:
    """Return a solid ellipsoid, 1 inside with a soft edge; None outside a grid of that shape."""
    reached = _distance(ellipsoid, shape, spacing_mm, 1 + 3 * EDGE_SHARE)
    if reached is None:
        return None
    start, distance = reached
    return VoxelBlock(start, expit((1 - distance) / np.float32(0.5 * EDGE_SHARE)))


def rough_block(
    ellipsoid: VoxelEllipsoid,
    shape: tuple[int, int, int],
    spacing_mm: Point,
    rng: np.random.Generator,
) -> VoxelBlock | None:
    """Return a solid ellipsoid with an irregular surface; None outside a grid of that shape."""
    reached = _distance(ellipsoid, shape, spacing_mm, 1.6)
    if reached is None:
        return None
    start, distance = reached
    radius_mm = float(np.prod(ellipsoid.radii_mm)) ** (1 / 3)
    sigma = ROUGHNESS_LENGTH * radius_mm / np.asarray(spacing_mm)
    noise = ndimage.gaussian_filter(
        rng.standard_normal(distance.shape, np.float32), sigma, truncate=2.5
    )
    noise *= np.float32(ROUGHNESS / max(float(noise.std()), 1e-6))
    return VoxelBlock(start, expit((1 + noise - distance) / np.float32(0.5 * EDGE_SHARE)))


def _distance(
    ellipsoid: VoxelEllipsoid, shape: tuple[int, int, int], spacing_mm: Point, reach: float
) -> tuple[tuple[int, int, int], NDArray[np.float32]] | None:
    """Return the first voxel within reach, and the distance of each, both in units of the radii."""
    axes = np.asarray(ellipsoid.axes)
    radii = np.asarray(ellipsoid.radii_mm)
    half = reach * np.sqrt(((axes * radii[:, None]) ** 2).sum(axis=0)) / spacing_mm
    centre = np.asarray(ellipsoid.centre)
    low = np.maximum(np.ceil(centre - half), 0).astype(int)
    high = np.minimum(np.floor(centre + half) + 1, shape).astype(int)
    if (low >= high).any():
        return None
    offsets = [
        (np.arange(low[i], high[i]) - centre[i]) * spacing_mm[i] for i in range(3)
    ]  # mm from the centre
    rows, depths, columns = np.ix_(*offsets)
    squared = np.zeros(tuple(high - low), np.float32)
    for axis, radius in zip(axes, radii, strict=True):
        along = (axis[0] * rows + axis[1] * depths + axis[2] * columns) / radius
        squared += np.asarray(along**2, np.float32)
    start = (int(low[0]), int(low[1]), int(low[2]))
    return start, np.sqrt(squared)
