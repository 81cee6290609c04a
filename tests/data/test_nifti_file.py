import gzip
import resource
import struct

import nibabel as nib
import numpy as np
import pytest

from bonescan.data.nifti_file import open_nifti
from bonescan.errors import ScanError

VALUES = np.arange(5 * 4 * 2, dtype=np.uint16).reshape(5, 4, 2)
DIM, DATATYPE, OFFSET = 40, 70, 108
"""First bytes of fields of the header of NIfTI-1."""


def write(path, *edits, version=nib.Nifti1Image):
    """Write an image with bytes of its header changed."""
    content = bytearray(version(VALUES, np.eye(4)).to_bytes())
    for start, form, *values in edits:
        struct.pack_into(form, content, start, *values)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("version", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("name", ["a.nii", "a.NII.GZ", "a.nii.gz"])
def test_both_versions_packed_or_not(tmp_path, version, name):
    path = tmp_path / name
    content = version(VALUES, np.eye(4)).to_bytes()
    path.write_bytes(gzip.compress(content) if name.lower().endswith("gz") else content)
    image = open_nifti(path)
    assert type(image) is version
    np.testing.assert_array_equal(image.dataobj, VALUES)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ((DIM, "<8h", 3, 32767, 32767, 2, 1, 1, 1, 1), r"must have up to 8388608 values in 65 MB"),
        ((DATATYPE, "<h", 9999), "not a readable NIfTI file"),
        ((DATATYPE, "<hh", 32, 64), "values must be whole or floating numbers, got complex64"),
        ((DATATYPE, "<hh", 128, 24), "values must be whole or floating numbers, got"),
        ((DATATYPE, "<h", 0), "not a readable NIfTI file"),
        ((OFFSET, "<f", 4), "not a readable NIfTI file"),
        ((OFFSET, "<f", np.nan), "not a readable NIfTI file"),
        ((344, "4s", b"abcd"), "not a readable NIfTI file"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_headers_that_cannot_be(tmp_path, edit, reason):
    path = write(tmp_path / "a.nii.gz", edit)
    with pytest.raises(ScanError, match=rf"^a\.nii\.gz: {reason}"):
        open_nifti(path)


def test_a_file_that_grows_without_bounds(tmp_path):
    path = tmp_path / "a.nii.gz"
    content = nib.Nifti1Image(VALUES, np.eye(4)).to_bytes()
    path.write_bytes(gzip.compress(content + bytes(300 * 2**20), compresslevel=1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ScanError, match=r"^a\.nii\.gz: must have up to .* shape \(5, 4, 2\)"):
        open_nifti(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250 * 2**10  # KiB


@pytest.mark.parametrize("content", [b"", b"x", b"\x1f\x8b\x08", bytes(400)])
def test_files_that_are_something_else(tmp_path, content):
    (tmp_path / "a.nii.gz").write_bytes(content)
    with pytest.raises(ScanError, match=r"^a\.nii\.gz: not a readable NIfTI file"):
        open_nifti(tmp_path / "a.nii.gz")
    with pytest.raises(ScanError, match=r"^b\.nii: no such file"):
        open_nifti(tmp_path / "b.nii")
