"""View stacks as NIfTI files: the one place that knows the layout on disk.

On disk: array (columns, rows, views), affine diag(column spacing, row spacing, 1, 1) in mm, and the
header's `descrip` naming the views ("views=anterior+posterior"). MONAI Label hands over the same
axes without `descrip` and with an affine that may hold signs; both are read.
"""

import gzip
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from bonescan.dicom.grid import ViewGrid
from bonescan.dicom.scan import Source, View, ViewSource
from bonescan.errors import ScanError
from bonescan.files import write_whole
from bonescan.keys import join_view_names, split_view_names

NIFTI_SUFFIXES = (".nii", ".nii.gz")

_DESCRIP_PREFIX = "views="
_DTYPES = ("uint8", "uint16", "int16", "int32", "int64", "float32", "float64")
_READ_ERRORS = (OSError, EOFError, zlib.error, ValueError, TypeError, OverflowError, MemoryError)


@dataclass(frozen=True)
class ViewStack:
    """A map over the views of a scan, such as its label map.

    Attributes:
        array: (view, row, column), in the geometry of the acquisition.
        spacing_mm: (row, column) pixel spacing in mm.
        views: the views along the first axis, anterior first.
        sources: the file and frame of each view, where the map was read from a file.
        view_source: what told which view is which.
    """

    array: NDArray
    spacing_mm: tuple[float, float]
    views: tuple[View, ...]
    sources: Mapping[View, Source] = field(default_factory=dict)
    view_source: ViewSource = ViewSource.ORDER

    @property
    def grid(self) -> ViewGrid:
        """Views and pixels."""
        _, rows, columns = self.array.shape
        return ViewGrid(self.views, (rows, columns), self.spacing_mm)


def is_nifti(path: str | Path) -> bool:
    """Say whether a file's name is that of a NIfTI file."""
    return str(path).lower().endswith(NIFTI_SUFFIXES)


def write_view_stack(
    path: str | Path,
    array: NDArray,
    spacing_mm: tuple[float, float],
    views: Sequence[View],
    *,
    comment: str = "",
) -> None:
    """Write a view stack; the same content gives the same bytes.

    Args:
        path: ends in `.nii` or `.nii.gz`; its folder exists.
        array: (view, row, column), uint8, uint16, int16, int32, int64, float32 or float64.
        spacing_mm: (row, column) pixel spacing in mm.
        views: the views along the first axis, anterior first.
        comment: text of a header extension (code 6), such as what made the array; empty for none.

    Raises:
        ValueError: if the name, the dtype, the shape or the views do not fit.
    """
    path = Path(path)
    if not is_nifti(path):
        raise ValueError(f"file name must end in {' or '.join(NIFTI_SUFFIXES)}, got {path.name!r}")
    if array.dtype.name not in _DTYPES:
        raise ValueError(f"array must have one of the dtypes {_DTYPES}, got {array.dtype}")
    ordered = tuple(view for view in View if view in views)
    if array.ndim != 3 or tuple(views) != ordered or len(ordered) != len(array):
        raise ValueError(
            "array must be (view, row, column) with its views named, anterior first, "
            f"got shape {array.shape} and views {tuple(map(str, views))}"
        )
    row_mm, column_mm = spacing_mm
    affine = np.diag([column_mm, row_mm, 1.0, 1.0])
    image = nib.Nifti1Image(array.transpose(2, 1, 0), affine, dtype=array.dtype)
    image.header["descrip"] = (_DESCRIP_PREFIX + join_view_names(ordered)).encode()
    image.header.set_xyzt_units("mm")
    if comment:
        image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", comment.encode()))
    content = image.to_bytes()
    if path.suffix.lower() == ".gz":
        # No name and no time in the gzip header: equal content, equal bytes.
        content = gzip.compress(content, compresslevel=6, mtime=0)
    write_whole(path, lambda partial: partial.write_bytes(content))


def read_view_stack(
    path: str | Path,
    *,
    view: View | None = None,
    spacing_mm: tuple[float, float] | None = None,
) -> ViewStack:
    """Read a view stack.

    Args:
        path: a NIfTI file, (columns, rows, views), (columns, rows, 1, views) or (columns, rows).
        view: the view of the first frame, where the file does not name it.
        spacing_mm: (row, column) in mm, in place of the file's own.

    Returns:
        The stack in the dtype of the file (float64 where the file scales its values), anterior
        first. Two frames without names are [anterior, posterior] by order.

    Raises:
        ScanError: if the file cannot be read as one or two views.
    """
    path = Path(path)
    try:
        image = nib.load(path)
        array = np.asanyarray(image.dataobj)
        affine = np.asarray(image.affine, dtype=float)
        descrip = bytes(image.header["descrip"].item()).decode("ascii", "replace")
    except FileNotFoundError:
        raise ScanError(f"{path.name}: no such file") from None
    except (*_READ_ERRORS, ImageFileError, KeyError) as err:
        raise ScanError(f"{path.name}: not a readable NIfTI file ({err})") from err
    frames = _frames_first(array, path.name)
    views, view_source = _name_views(descrip, len(frames), view, path.name)
    order = [views.index(member) for member in View if member in views]
    spacing = spacing_mm or _spacing_of(affine, path.name)
    sources = {views[frame]: Source(path, frame) for frame in order}
    return ViewStack(frames[order], spacing, tuple(sources), sources, view_source)


def _frames_first(array: NDArray, name: str) -> NDArray:
    """Turn (columns, rows[, 1][, views]) into (view, row, column)."""
    shape = array.shape
    if array.ndim == 4 and shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in {1, 2} or array.size == 0:
        raise ScanError(f"{name}: must be (columns, rows, views) with 1 or 2 views, got {shape}")
    return np.ascontiguousarray(array.transpose(2, 1, 0))


def _name_views(
    descrip: str, count: int, view: View | None, name: str
) -> tuple[list[View], ViewSource]:
    """Name the frames: by hand, else by the header, else two by their order."""
    if view is not None:
        return [view, view.other][:count], ViewSource.BY_HAND
    if descrip.startswith(_DESCRIP_PREFIX):
        named = split_view_names(descrip.removeprefix(_DESCRIP_PREFIX))
        if len(named) == count == len(set(named)) and set(named) <= set(View):
            return [View(member) for member in named], ViewSource.TEXT
        raise ScanError(
            f"{name}: header names the views {list(named)}, but the file has {count} frames"
        )
    if count == 2:
        return list(View), ViewSource.ORDER
    raise ScanError(
        f"{name}: one frame, and the header does not say which view it is; say it with "
        f"view=, a datalist field 'view', or the name {name}#view=anterior"
    )


def _spacing_of(affine: NDArray[np.float64], name: str) -> tuple[float, float]:
    """Read (row, column) spacing in mm off an affine of (columns, rows, views) voxels."""
    column_mm, row_mm = (float(length) for length in np.linalg.norm(affine[:3, :2], axis=0))
    if not (np.isfinite([row_mm, column_mm]).all() and min(row_mm, column_mm) > 0):
        raise ScanError(f"{name}: pixel spacing must be positive, got {(row_mm, column_mm)} mm")
    return row_mm, column_mm
