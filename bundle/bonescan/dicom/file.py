"""A DICOM file, opened."""

from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from bonescan.dicom.guard import as_scan_error
from bonescan.errors import ScanError


def load(path: Path, *, pixels: bool) -> Dataset:
    """Read a DICOM file.

    Raises:
        ScanError: if there is no such file, it cannot be opened, is not DICOM, or is cut short.
    """
    if not path.is_file():
        raise ScanError(f"{path.name}: no such file in {path.parent}")
    with as_scan_error(path, "reading the file"):
        try:
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
