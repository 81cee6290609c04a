"""A NIfTI file, opened, and its header checked before its values are read."""

import gzip
import zlib
from math import prod
from pathlib import Path

import nibabel as nib
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from bonescan.errors import ScanError

_MOST_VALUES = 2 * 4096 * 1024
"""Of the two largest views that are read (see bonescan.dicom.pixels)."""
_MOST_BYTES = 8 * _MOST_VALUES + 2**20
"""Of 64 bits each, and the header; a compressed megabyte can stand for a thousand."""
_NIFTI_2_HEADER_BYTES = 540
_HEADER_ERRORS = (
    ImageFileError,
    HeaderDataError,
    WrapStructError,
    OSError,
    EOFError,
    zlib.error,
    ValueError,
    TypeError,
    OverflowError,
)


def open_nifti(path: Path) -> nib.Nifti1Image:
    """Open a NIfTI file of either version.

    Returns:
        The image; its values are still to be read.

    Raises:
        ScanError: if there is no such file, it is not NIfTI, its values are no real numbers, or
            it is larger than any scan.
    """
    try:
        content = _read_content(path)
        image = _find_version(content).from_bytes(content)
    except FileNotFoundError:
        raise ScanError(f"{path.name}: no such file") from None
    except _HEADER_ERRORS as err:
        raise ScanError(f"{path.name}: not a readable NIfTI file ({err})") from err
    if len(content) > _MOST_BYTES or prod(image.shape) > _MOST_VALUES:
        raise ScanError(
            f"{path.name}: must have up to {_MOST_VALUES} values in {_MOST_BYTES // 2**20} MB, "
            f"got more: shape {image.shape}"
        )
    if image.get_data_dtype().kind not in "uif":
        raise ScanError(
            f"{path.name}: values must be whole or floating numbers, got {image.get_data_dtype()}"
        )
    return image


def _read_content(path: Path) -> bytes:
    """Read a file, and a byte too many where it is too long."""
    is_packed = path.suffix.lower() == ".gz"
    with gzip.open(path) if is_packed else path.open("rb") as file:
        return file.read(_MOST_BYTES + 1)


def _find_version(content: bytes) -> type[nib.Nifti1Image]:
    """Return the version by the length of its header, the first field, in either byte order."""
    first = content[:4]
    is_second = _NIFTI_2_HEADER_BYTES in {int.from_bytes(first), int.from_bytes(first, "little")}
    return nib.Nifti2Image if is_second else nib.Nifti1Image
