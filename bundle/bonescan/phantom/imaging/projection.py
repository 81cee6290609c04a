"""Project activity onto a detector: attenuation along the ray, then blur by depth.

Projecting is linear; the blur is done on the planes of equal blur, in Fourier space, by the kernel
that `scipy.ndimage.gaussian_filter` would take.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from bonescan.phantom.anatomy.voxels import VoxelBlock
from bonescan.phantom.imaging.coarse import enlarge
from bonescan.phantom.imaging.detectors import DetectorHead

TRUNCATE = 3.0
"""Where the blur is cut off, in standard deviations."""


@dataclass(frozen=True)
class Patch:
    """A part of the image plane in the geometry of the grid (patient's right at low columns).

    Attributes:
        row: of the first pixel.
        column: of the first pixel.
        values: (row, column), of any float type.
    """

    row: int
    column: int
    values: NDArray[np.floating]

    @property
    def slices(self) -> tuple[slice, slice]:
        """Where the patch lies in an array of the whole image."""
        rows, columns = self.values.shape
        return slice(self.row, self.row + rows), slice(self.column, self.column + columns)

    def times(self, factor: float) -> "Patch":
        """Return the patch with its values multiplied."""
        return Patch(self.row, self.column, self.values * np.float32(factor))


@dataclass(frozen=True)
class Voxels:
    """Some voxels of the grid, with one or more activities each.

    Attributes:
        places: row, depth and column of n voxels, (3, n).
        values: (activities, n), float32.
    """

    places: NDArray[np.intp]
    values: NDArray[np.float32]


def occupied(block: VoxelBlock) -> Voxels:
    """Return the voxels of a block that are not zero."""
    inside = np.flatnonzero(block.fraction)
    places = np.array(np.unravel_index(inside, block.fraction.shape))
    values = block.fraction.ravel()[inside]
    return Voxels(places + np.array(block.start)[:, None], values[None])


def project(
    detector: DetectorHead, voxels: Voxels, shape: tuple[int, int, int]
) -> tuple[Patch, ...]:
    """Return the primary photons of each activity of some voxels on a detector.

    Args:
        detector: which of the two.
        voxels: at least one.
        shape: of the grid.

    Returns:
        Patches of the same place, wide enough for the blur and clipped to the grid, float32.
    """
    row, depth, column = voxels.places
    seen = detector.transmission[row // 2, depth, column // 2]
    slab = detector.slab[row // 2, depth]
    first = np.array((slab.min(), row.min(), column.min()))
    size = np.array((slab.max(), row.max(), column.max())) - first + 1
    index = np.ravel_multi_index((slab - first[0], row - first[1], column - first[2]), tuple(size))
    planes = np.empty((len(voxels.values), *size), np.float32)
    for plane, values in zip(planes, voxels.values, strict=True):
        plane[:] = np.bincount(index, values * seen, minlength=int(size.prod())).reshape(size)
    sigmas = np.array(detector.sigma_px[first[0] : first[0] + size[0]])
    start = (int(first[1]), int(first[2]))
    return _blur(planes, sigmas, start, (shape[0], shape[2]))


def project_coarse(
    detector: DetectorHead, values: NDArray[np.float32], shape: tuple[int, int, int]
) -> Patch:
    """Return the primary photons of something smooth, as a patch of the whole image.

    Args:
        detector: which of the two.
        values: activity, (rows / 2, depths, columns / 2).
        shape: of the grid.
    """
    every_row = np.arange(values.shape[0])
    planes = np.zeros((1, len(detector.sigma_px), values.shape[0], values.shape[2]), np.float32)
    for depth in range(values.shape[1]):
        seen = values[:, depth] * detector.transmission[:, depth]
        planes[0, detector.slab[:, depth], every_row] += seen
    sigmas = 0.5 * np.array(detector.sigma_px)
    (patch,) = _blur(planes, sigmas, (0, 0), planes.shape[2:])
    return Patch(0, 0, enlarge(patch.values, 2)[: shape[0], : shape[2]])


def _blur(
    planes: NDArray[np.float32],
    sigmas: NDArray[np.float64],
    start: tuple[int, int],
    image: tuple[int, ...],
) -> tuple[Patch, ...]:
    """Blur the planes (activity, plane, row, column) and add those of each activity up."""
    size = planes.shape[2:]
    room = int(TRUNCATE * sigmas.max() + 0.5)
    padded = [scipy.fft.next_fast_len(length + 2 * room, real=True) for length in size]
    spectra = scipy.fft.rfft2(planes, padded)
    rows, columns = (_responses(sigmas, length) for length in padded)
    columns = columns[:, : padded[1] // 2 + 1]
    total = np.zeros((len(planes), *spectra.shape[2:]), np.complex64)
    for plane, row_response, column_response in zip(range(len(sigmas)), rows, columns, strict=True):
        total += spectra[:, plane] * (row_response[:, None] * column_response)
    blurred = scipy.fft.irfft2(total, padded)
    # The circle is wide enough: what is blurred over an edge comes back on its far side.
    first = [max(begin - room, 0) for begin in start]
    last = [
        min(begin + length + room, whole)
        for begin, length, whole in zip(start, size, image, strict=True)
    ]
    rows_at, columns_at = (
        np.arange(low, high) - begin for low, high, begin in zip(first, last, start, strict=True)
    )
    parts = blurred[:, rows_at % padded[0]][:, :, columns_at % padded[1]]
    return tuple(Patch(first[0], first[1], part) for part in parts)


def _responses(sigmas: NDArray[np.float64], length: int) -> NDArray[np.float32]:
    """Return what the blurs multiply each frequency of a line by, (blur, frequency)."""
    offset = np.arange(length)
    offset = np.minimum(offset, length - offset)
    kernels = np.exp(-0.5 * (offset / sigmas[:, None]) ** 2)
    kernels[offset > np.floor(TRUNCATE * sigmas + 0.5)[:, None]] = 0
    kernels /= kernels.sum(axis=1, keepdims=True)
    return scipy.fft.fft(kernels, axis=1).real.astype(np.float32)
