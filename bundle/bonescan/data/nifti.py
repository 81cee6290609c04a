"""View stacks as NIfTI files: the one place that knows the layout on disk.

On disk: array (columns, rows, views), voxel size (column spacing, row spacing, VIEW_DISTANCE_MM),
and the header's `descrip` naming the views ("views=anterior+posterior"). There is no affine:
qform_code and sform_code are 0. Columns run to the patient's left in an anterior view and to the
right in a posterior one as acquired, so by no affine would R and L be printed rightly on both.

A file that another program has saved again has an affine, which says where its axes are now: what
runs along the world's x, y and z are the columns, rows and views. Programs built on ITK take the
first pixel for the world's origin; nibabel takes the centre, and lets columns run to the left. Axes
that were flipped or exchanged are put back; any other affine is refused.
"""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from bonescan.data.nifti_file import open_nifti
from bonescan.dicom.grid import ViewGrid
from bonescan.dicom.header import is_plausible_spacing
from bonescan.dicom.scan import Source, View, ViewSource
from bonescan.dicom.volume import LPS_TO_RAS, Volume
from bonescan.errors import ScanError
from bonescan.files import write_whole
from bonescan.keys import join_view_names, split_view_names

NIFTI_SUFFIXES = (".nii", ".nii.gz")

VIEW_DISTANCE_MM = 999.0
"""Between the views in a file. They are no neighbouring slices: software that plans by the voxel
size, such as nnU-Net's, must not mix them."""

_ALONG_AXIS = 0.999
"""Cosine of the angle between an axis of a file and one of the world, up to which they are one."""

_NIBABEL_SIGNS = np.array([-1, 1, 1])
"""Ways that nibabel lets columns, rows and slices run where a file does not say it."""

_COMMENT = 6
"""Code of a header extension that holds text (nifti.nimh.nih.gov/nifti-1/documentation)."""

_DESCRIP_PREFIX = "views="
_DTYPES = ("uint8", "uint16", "int16", "int32", "int64", "float32", "float64")
_READ_ERRORS = (OSError, EOFError, ValueError, TypeError, OverflowError, MemoryError)


@dataclass(frozen=True)
class ViewStack:
    """A map over the views of a scan, such as its label map.

    Attributes:
        array: (view, row, column), in the geometry of the acquisition.
        spacing_mm: (row, column) pixel spacing in mm.
        views: the views along the first axis, anterior first.
        sources: the file and frame of each view, where the map was read from a file.
        view_source: what told which view is which.
        comment: text of the file's header extension (code 6), such as what made the array.
    """

    array: NDArray
    spacing_mm: tuple[float, float]
    views: tuple[View, ...]
    sources: Mapping[View, Source] = field(default_factory=dict)
    view_source: ViewSource = ViewSource.ORDER
    comment: str = ""

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
    image = nib.Nifti1Image(array.transpose(2, 1, 0), None, dtype=array.dtype)
    image.header.set_zooms((column_mm, row_mm, VIEW_DISTANCE_MM))
    image.header["descrip"] = (_DESCRIP_PREFIX + join_view_names(ordered)).encode()
    image.header.set_xyzt_units("mm")
    if comment:
        image.header.extensions.append(nib.nifti1.Nifti1Extension(_COMMENT, comment.encode()))
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
        path: a NIfTI file, (columns, rows, views), (columns, rows, 1, views) or (columns, rows);
            flipped and exchanged axes are put back where its affine tells them.
        view: the view of the first frame, where the file does not name it.
        spacing_mm: (row, column) in mm, in place of the file's own.

    Returns:
        The stack in the dtype of the file (float64 where the file scales its values), anterior
        first. Two frames without names are [anterior, posterior] by order.

    Raises:
        ScanError: if the file cannot be read as one or two views, its values are not finite, or its
            axes or pixel spacing are not those of a planar scan.
    """
    path = Path(path)
    image = open_nifti(path)
    try:
        array = np.asanyarray(image.dataobj)
        comment = _read_comment(image.header)
    except _READ_ERRORS as err:
        raise ScanError(f"{path.name}: not a readable NIfTI file ({err})") from err
    affine = _read_affine(image)
    descrip = _read_descrip(image)
    array, column_and_row_mm = _lay_out(array, affine, path.name)
    frames = _frames_first(array, path.name)
    views, view_source = _name_views(descrip, len(frames), view, path.name)
    order = [views.index(member) for member in View if member in views]
    spacing = _check_spacing(spacing_mm or column_and_row_mm[::-1], path.name)
    sources = {views[frame]: Source(path, frame) for frame in order}
    return ViewStack(frames[order], spacing, tuple(sources), sources, view_source, comment)


def read_nifti_volume(path: str | Path) -> Volume:
    """Read where ITK puts the voxels of a view stack.

    Raises:
        ScanError: if the file cannot be read, does not have three axes, or has other axes than the
            acquisition's.
    """
    path = Path(path)
    image = open_nifti(path)
    affine = _read_affine(image)
    voxels = np.arange(prod(image.shape)).reshape(image.shape)
    laid, _ = _lay_out(voxels, affine, path.name)
    if laid.ndim != 3 or not np.array_equal(laid.reshape(voxels.shape), voxels):
        raise _refuse_axes(path.name, "flipped, exchanged or four ones")
    columns, rows, frames = laid.shape
    return Volume((columns, rows, frames), LPS_TO_RAS @ affine if _is_unplaced(image) else affine)


def names_views(path: str | Path) -> bool:
    """Say whether a file's header names its views, as those that this module writes do.

    Raises:
        ScanError: if it cannot be read.
    """
    return _read_descrip(open_nifti(Path(path))).startswith(_DESCRIP_PREFIX)


def read_map_on(path: str | Path, volume: Volume) -> NDArray:
    """Read a map that another program drew on a scan's file, voxel by voxel.

    Args:
        path: a NIfTI file.
        volume: where the voxels of the scan's file lie.

    Returns:
        (frame, row, column) in the dtype of the file.

    Raises:
        ScanError: if the file cannot be read, or its voxels are not those of the scan's file.
    """
    path = Path(path)
    image = open_nifti(path)
    array = np.asanyarray(image.dataobj)
    array = array[..., None] if array.ndim == 2 else array
    if array.shape != volume.size or not (_is_unplaced(image) or volume.lies_at(image.affine)):
        raise ScanError(
            f"{path.name}: map must have the {volume.size} columns, rows and frames of its scan's "
            f"file, in the same places, got {array.shape}; save it on the scan's own grid"
        )
    return array.transpose(2, 1, 0)


def _read_comment(header: nib.Nifti1Header) -> str:
    """Return the text of the first header extension of code 6; empty where there is none."""
    contents = [each.get_content() for each in header.extensions if each.get_code() == _COMMENT]
    if not contents:
        return ""
    content = contents[0]
    text = content if isinstance(content, str) else bytes(content).decode("utf-8", "replace")
    return text.rstrip("\0")


def _read_affine(image: nib.Nifti1Image) -> NDArray[np.float64]:
    """Return the affine (4, 4) that a file states; where it states none, its voxels as they lie."""
    if not _is_unplaced(image):
        return np.asarray(image.affine, dtype=float)
    zooms = [*map(float, image.header.get_zooms()), 1.0, 1.0]
    return np.diag([*zooms[:3], 1.0])


def _is_unplaced(image: nib.Nifti1Image) -> bool:
    """Say whether a file states no affine."""
    return not (image.header["qform_code"] or image.header["sform_code"])


def _read_descrip(image: nib.Nifti1Image) -> str:
    return bytes(image.header["descrip"].item()).decode("ascii", "replace")


def _lay_out(
    array: NDArray, affine: NDArray[np.float64], name: str
) -> tuple[NDArray, tuple[float, float]]:
    """Put the axes of a file as they were acquired.

    Returns:
        The array with columns and rows first, and (column, row) spacing in mm.
    """
    if array.ndim == 2:
        array = array[..., None]
    lengths_mm = np.linalg.norm(affine[:3, :3], axis=0)
    if array.ndim < 3 or not (np.isfinite(affine).all() and lengths_mm.all()):
        raise ScanError(f"{name}: must have two or three axes in mm, got shape {array.shape}")
    cosines = affine[:3, :3] / lengths_mm
    world = np.abs(cosines).argmax(axis=0)  # the axis of the world that each axis of the file is
    if sorted(world) != [0, 1, 2] or np.abs(cosines).max(axis=0).min() < _ALONG_AXIS:
        raise _refuse_axes(name, "oblique ones")
    signs = np.sign(cosines[world, range(3)])
    is_flipped = _find_flipped(affine, array.shape[:3], signs != _NIBABEL_SIGNS[world])
    if is_flipped is None:
        raise _refuse_axes(name, "the world's origin elsewhere")
    array = np.moveaxis(np.flip(array, tuple(np.flatnonzero(is_flipped).tolist())), range(3), world)
    column_mm, row_mm, _ = lengths_mm[np.argsort(world)]
    return array, (float(column_mm), float(row_mm))


def _find_flipped(
    affine: NDArray[np.float64], shape: Sequence[int], against_nibabel: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    """Tell which axes of a file run against the acquisition; None where its origin does not say."""
    last = np.array(shape) - 1
    origin = np.linalg.inv(affine)[:3, 3]  # in voxels
    is_single = last == 0
    at_start, at_centre, at_end = (np.abs(origin - share * last) < 0.1 for share in (0.0, 0.5, 1.0))
    if (at_start | at_end | is_single).all():
        return ~at_start & ~is_single
    return against_nibabel if (at_centre | is_single).all() else None


def _refuse_axes(name: str, found: str) -> ScanError:
    return ScanError(
        f"{name}: axes must be those of the acquisition, with its first pixel at the world's "
        f"origin, got {found}; save (columns, rows, views) with qform_code and sform_code 0"
    )


def _frames_first(array: NDArray, name: str) -> NDArray:
    """Turn (columns, rows, views) or (columns, rows, 1, views) into (view, row, column)."""
    shape = array.shape
    if array.ndim == 4 and shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 3 or array.shape[2] not in {1, 2} or array.size == 0:
        raise ScanError(f"{name}: must be (columns, rows, views) with 1 or 2 views, got {shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ScanError(f"{name}: values must be finite, got NaN or infinity")
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


def _check_spacing(spacing_mm: tuple[float, ...], name: str) -> tuple[float, float]:
    if len(spacing_mm) != 2 or not all(map(is_plausible_spacing, spacing_mm)):
        raise ScanError(
            f"{name}: pixel spacing must be (row, column) of a whole-body scan in mm, got "
            f'{spacing_mm}; say the true one, such as "{name}#spacing_mm=2.4,2.4"'
        )
    return spacing_mm[0], spacing_mm[1]
