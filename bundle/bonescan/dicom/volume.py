"""A file's frames as the volume that programs built on ITK show: 3D Slicer, MONAI Label.

They take the frames of a planar scan for slices. A map that is to lie on the scan there needs the
same voxels in the same places.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from bonescan.dicom.elements import items_of
from bonescan.dicom.file import load
from bonescan.dicom.guard import as_scan_error
from bonescan.errors import ScanError

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM's and ITK's x and y run to the left and the back, NIfTI's and MONAI's the other way."""

_ALONG_IMAGE = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""Orientation that ITK takes where the header gives none: columns along x, rows along y."""
_UNIT = 1e-3
"""By which the lengths of direction cosines and their product may differ from 1 and 0."""


@dataclass(frozen=True)
class Volume:
    """Where the voxels of a file lie.

    Attributes:
        size: columns, rows and frames.
        affine: (4, 4) from (column, row, frame), counted from 0, to mm in NIfTI's directions.
    """

    size: tuple[int, int, int]
    affine: NDArray[np.float64]

    def lies_at(self, affine: NDArray[np.float64]) -> bool:
        """Say whether voxels of this size and that affine lie in the same places.

        Files round their affines: half of the smallest distance of two voxels tells apart.
        """
        corners = np.array([[*at, 1] for at in np.ndindex(2, 2, 2)]) * [
            *np.subtract(self.size, 1),
            1,
        ]
        distance_mm = np.linalg.norm((corners @ (affine - self.affine).T)[:, :3], axis=1).max()
        return bool(distance_mm < np.linalg.norm(self.affine[:3, :3], axis=0).min() / 2)

    def lay_out(self, stack: NDArray, frames: Sequence[int]) -> NDArray:
        """Put views into their frames.

        Args:
            stack: (view, row, column).
            frames: of each view, from 0.

        Returns:
            (column, row, frame), 0 in frames that are no view.

        Raises:
            ValueError: if the views are not of the file's size, or there is no such frame.
        """
        columns, rows, n_frames = self.size
        if stack.shape != (len(frames), rows, columns) or not set(frames) <= set(range(n_frames)):
            raise ValueError(
                f"views must lie in frames of a file of {self.size} columns, rows and frames, got "
                f"shape {stack.shape} in the frames {list(frames)}"
            )
        laid_out = np.zeros(self.size, stack.dtype)
        laid_out[..., list(frames)] = stack.transpose(2, 1, 0)
        return laid_out


def read_dicom_volume(path: Path) -> Volume:
    """Read where ITK puts the voxels of a DICOM file.

    Spacing across the frames is SpacingBetweenSlices, else 1 mm. Orientation and position are those
    of the image, else of the first detector (PS3.3 C.8.4.11), else along the image's own axes.

    Raises:
        ScanError: if the header is damaged or says nothing of the image's size.
    """
    dataset = load(path, pixels=False)
    with as_scan_error(path, "reading the place of its voxels"):
        holders = [dataset, *items_of(dataset, "DetectorInformationSequence")[:1]]
        row_mm, column_mm = _numbers([dataset], "PixelSpacing", (1.0, 1.0))
        (frame_mm,) = _numbers([dataset], "SpacingBetweenSlices", (1.0,))
        position = _numbers(holders, "ImagePositionPatient", (0.0, 0.0, 0.0))
        cosines = _numbers(holders, "ImageOrientationPatient", _ALONG_IMAGE).reshape(2, 3)
        size = [int(dataset.get(name) or 0) for name in ("Columns", "Rows")]
        frames = int(dataset.get("NumberOfFrames") or 1)
    if not np.allclose(cosines @ cosines.T, np.eye(2), atol=_UNIT):
        cosines = np.reshape(_ALONG_IMAGE, (2, 3))
    if min(*size, frames) < 1:
        raise ScanError(f"{path.name}: header must give columns, rows and frames, got {size}")
    affine = np.eye(4)
    affine[:3, :3] = np.stack([*cosines, np.cross(*cosines)], axis=1)
    affine[:3, :3] *= (column_mm, row_mm, frame_mm)
    affine[:3, 3] = position
    return Volume((size[0], size[1], frames), LPS_TO_RAS @ affine)


def _numbers(
    holders: Sequence[Dataset], keyword: str, default: Sequence[float]
) -> NDArray[np.float64]:
    """Return the numbers of an element of the first dataset that has as many as the default."""
    for holder in holders:
        values = np.atleast_1d(np.array(holder.get(keyword) or (), dtype=float))
        if len(values) == len(default) and np.isfinite(values).all():
            return values
    return np.array(default)
