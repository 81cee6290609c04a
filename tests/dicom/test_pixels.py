import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from bundle.dicom.errors import ScanError
from bundle.dicom.read import read_scan
from bundle.dicom.scan import View
from tests.factories import BOTH, make_scan_file, set_pixels

A, P = View.ANTERIOR, View.POSTERIOR
STACK = np.stack(list(BOTH.values())).astype(np.int64)


def read_stack(tmp_path, edit):
    return read_scan(make_scan_file(tmp_path / "scan.dcm", edit=edit)).stack()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.uint32, np.int32])
def test_dtypes(tmp_path, dtype):
    values = (STACK // 4).astype(dtype)
    stack = read_stack(tmp_path, lambda image: set_pixels(image, values))
    np.testing.assert_array_equal(stack, values)


def test_rescale(tmp_path):
    def edit(image: Dataset) -> None:
        image.RescaleSlope, image.RescaleIntercept = 0.5, 3

    np.testing.assert_array_equal(read_stack(tmp_path, edit), STACK * 0.5 + 3)


@pytest.mark.parametrize("top", [STACK.max(), 2**16 - 1])
def test_monochrome1_counts_down_from_the_largest_value(tmp_path, top):
    def edit(image: Dataset) -> None:
        image.PhotometricInterpretation = "MONOCHROME1"
        set_pixels(image, (top - STACK).astype(np.uint16))

    np.testing.assert_array_equal(read_stack(tmp_path, edit), STACK)


def test_negative_values_become_zero_with_a_warning(tmp_path, caplog):
    stack = read_stack(tmp_path, lambda image: set_pixels(image, (STACK - 200).astype(np.int16)))
    np.testing.assert_array_equal(stack, np.maximum(STACK - 200, 0))
    assert f"scan.dcm: {(STACK < 200).sum()} negative values set to 0 counts" in caplog.text


def test_padding_after_the_pixels_is_no_matter(tmp_path):
    def edit(image: Dataset) -> None:
        image.PixelData += b"\0" * 64

    np.testing.assert_array_equal(read_stack(tmp_path, edit), STACK)


def test_rle(tmp_path):
    plain = read_scan(make_scan_file(tmp_path / "plain.dcm"))
    packed = read_scan(make_scan_file(tmp_path / "rle.dcm", syntax=RLELossless))
    np.testing.assert_array_equal(plain.stack(), packed.stack())
    assert plain.scan_id == packed.scan_id


def test_broken_compressed_data(tmp_path):
    path = make_scan_file(tmp_path / "rle.dcm", syntax=RLELossless)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 400])
    with pytest.raises(ScanError, match=r"^rle\.dcm: .* failed, the file is damaged"):
        read_scan(path)
