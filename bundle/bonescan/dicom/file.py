"""A DICOM file, opened."""

import zlib
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_preamble
from pydicom.uid import (
    PYDICOM_ROOT_UID,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
)

from bonescan.dicom.guard import as_scan_error
from bonescan.errors import ScanError

_META_GROUP = 0x0002
_MOST_INFLATED_BYTES = 64 * 2**20
"""Twice the pixel data of the two largest views that are read (see bonescan.dicom.pixels)."""


def load(path: Path, *, pixels: bool) -> Dataset:
    """Read a DICOM file.

    Raises:
        ScanError: if there is no such file, it cannot be opened, is not DICOM, or is cut short.
    """
    if not path.is_file():
        raise ScanError(f"{path.name}: no such file in {path.parent}")
    with as_scan_error(path, "reading the file"):
        try:
            _check_inflated(path)
            dataset = pydicom.dcmread(path, stop_before_pixels=not pixels)
        except InvalidDicomError:
            raise ScanError(
                f"{path.name}: not a DICOM file (no 'DICM' after a 128-byte preamble)"
            ) from None
        except PermissionError:
            raise ScanError(f"{path.name}: may not be read; check its permissions") from None
    if not len(dataset):  # what pydicom makes of compressed pixel data that end too early
        raise ScanError(f"{path.name}: the file is cut short; copy it again")
    return dataset


def make_file_meta(dataset: Dataset) -> FileMetaDataset:
    """Return the file meta information (PS3.10 7.1) of an object that is to be written.

    The implementation is named as ours: pydicom would write its own version and change the bytes
    with it.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(f"{PYDICOM_ROOT_UID}1")
    meta.ImplementationVersionName = "BONESCANBUNDLE"
    return meta


def _check_inflated(path: Path) -> None:
    """Check that a file of the deflated transfer syntax (PS3.5 A.5) does not grow without bounds.

    pydicom inflates such a file at once and whole: a megabyte can stand for a thousand.

    Raises:
        ScanError: if it would be larger than any scan.
    """
    with path.open("rb") as file:
        if not read_preamble(file, force=False):
            return
        meta = read_dataset(
            file,
            is_implicit_VR=False,
            is_little_endian=True,
            stop_when=lambda tag, _vr, _length: tag.group != _META_GROUP,
        )
        if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            return
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        if len(stream.decompress(file.read(), _MOST_INFLATED_BYTES)) == _MOST_INFLATED_BYTES:
            raise ScanError(
                f"{path.name}: must have up to {_MOST_INFLATED_BYTES // 2**20} MB when it is "
                "inflated, got more"
            )
