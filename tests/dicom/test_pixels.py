import struct

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from bonescan.dicom.read import read_header, read_scan
from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from tests.factories import BOTH, make_scan_file, make_window, set_pixels

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
def test_monochrome1_counts_down_from_the_largest_value(tmp_path, caplog, top):
    def edit(image: Dataset) -> None:
        image.PhotometricInterpretation = "MONOCHROME1"
        set_pixels(image, (top - STACK).astype(np.uint16))

    np.testing.assert_array_equal(read_stack(tmp_path, edit), STACK)
    assert "MONOCHROME1; by its border, its values are inverted, and are" in caplog.text


def test_monochrome1_with_an_empty_border_holds_plain_counts(tmp_path, caplog):
    def edit(image: Dataset) -> None:
        image.PhotometricInterpretation = "MONOCHROME1"

    np.testing.assert_array_equal(read_stack(tmp_path, edit), STACK)
    assert "MONOCHROME1; by its border, its values are plain counts" in caplog.text


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
@pytest.mark.parametrize("said", [None, 1])
def test_more_frames_than_the_header_says_are_refused(tmp_path, syntax, said):
    path = make_scan_file(tmp_path / "scan.dcm", syntax=syntax)
    image = dcmread(path)
    del image.EnergyWindowVector, image.DetectorVector
    image.NumberOfFrames = said
    if said is None:
        del image.NumberOfFrames
    image.save_as(path)
    with pytest.raises(ScanError, match="NumberOfFrames is wrong or missing"):
        read_scan(path)


def test_values_behind_the_frames_are_no_padding(tmp_path):
    def edit(image: Dataset) -> None:
        image.PixelData += b"\0\1" * 8

    with pytest.raises(ScanError, match="more pixel data than 2 x 60 x 26 pixels: 6256 bytes"):
        read_stack(tmp_path, edit)


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


@pytest.mark.parametrize(
    ("syntax", "reason"),
    [(RLELossless, "the file is cut short"), (ExplicitVRLittleEndian, "pixel data are cut short")],
)
def test_file_cut_short(tmp_path, syntax, reason):
    path = make_scan_file(tmp_path / "scan.dcm", syntax=syntax)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 400])
    with pytest.raises(ScanError, match=rf"^scan\.dcm: {reason}.*; copy (it|the file) again$"):
        read_scan(path)


def test_broken_stream(tmp_path):
    path = make_scan_file(tmp_path / "scan.dcm", syntax=RLELossless)
    data = bytearray(path.read_bytes())
    at = data.index(b"\xfe\xff\x00\xe0", data.index(b"\xe0\x7f\x10\x00") + 20)  # the first frame
    data[at + 8] = 99  # number of RLE segments
    path.write_bytes(bytes(data))
    expected = r"^scan\.dcm: decoding the pixel data failed, the file is damaged \("
    with pytest.raises(ScanError, match=expected):
        read_scan(path)


def test_more_pixels_than_any_scan_has(tmp_path):
    def edit(image: Dataset) -> None:
        image.Rows, image.Columns = 8192, 4096

    path = make_scan_file(tmp_path / "scan.dcm", syntax=RLELossless)
    image = dcmread(path)
    edit(image)
    image.save_as(path)
    with pytest.raises(ScanError, match="a view must have up to 4194304 pixels, got 8192 x 4096"):
        read_scan(path)


def test_a_deflated_scan_is_read(tmp_path):
    path = make_scan_file(tmp_path / "scan.dcm", syntax=DeflatedExplicitVRLittleEndian)
    np.testing.assert_array_equal(read_scan(path).stack(), STACK)


def test_a_deflated_file_that_grows_without_bounds(tmp_path):
    def edit(image: Dataset) -> None:
        image.PixelData += b"\0" * (70 * 2**20)

    path = make_scan_file(tmp_path / "scan.dcm", syntax=DeflatedExplicitVRLittleEndian, edit=edit)
    assert path.stat().st_size < 2**20
    for read in (read_scan, read_header):
        with pytest.raises(ScanError, match=r"^scan\.dcm: must have up to 64 MB when it is infl"):
            read(path)


@pytest.mark.parametrize(
    ("stream", "told"),
    [
        (struct.pack(">HBHHB", 11, 12, 8192, 26, 1), "8192 x 26 pixels of 1 values of 12 bits"),
        (struct.pack(">HBHHB", 11, 12, 60, 26, 3), "60 x 26 pixels of 3 values of 12 bits"),
        (struct.pack(">HBHHB", 11, 17, 60, 26, 1), "60 x 26 pixels of 1 values of 17 bits"),
        (b"", "nothing"),
    ],
)
def test_a_stream_with_another_header_is_refused_before_it_is_decoded(
    tmp_path, monkeypatch, stream, told
):
    path = make_scan_file(tmp_path / "scan.dcm", {A: BOTH[A]})
    image = dcmread(path)
    image.PixelData = encapsulate([b"\xff\xd8\xff\xf7" + stream])
    image["PixelData"].is_undefined_length = True
    image.file_meta.TransferSyntaxUID = JPEGLSLossless
    image.save_as(path)
    monkeypatch.delattr("bonescan.dicom.pixels.decode_jpeg")
    expected = (
        r"^scan\.dcm: compressed frames must have the header's 60 x 26 pixels of one value of up "
        f"to 16 bits, got {told};"
    )
    with pytest.raises(ScanError, match=expected):
        read_scan(path)


def test_frames_that_are_no_view_are_not_decoded(tmp_path):
    def edit(image: Dataset) -> None:
        of_scatter = np.full((18, *STACK.shape[1:]), 7)
        set_pixels(image, np.concatenate([STACK[:1], of_scatter, STACK[1:]]).astype(np.uint16))
        image.EnergyWindowVector = [1, *([2] * 18), 1]
        image.DetectorVector = [1, *([1, 2] * 9), 2]
        image.NumberOfEnergyWindows = 2
        image.EnergyWindowInformationSequence.append(make_window(90.0, 110.0, "scatter"))

    path = make_scan_file(tmp_path / "scan.dcm", syntax=RLELossless, edit=edit)
    whole = read_scan(path)
    np.testing.assert_array_equal(whole.stack(), STACK)
    image = dcmread(path)
    streams = list(generate_frames(image.PixelData, number_of_frames=20))
    image.PixelData = encapsulate([streams[0], *([b"\x63" * 64] * 18), streams[19]])
    image.save_as(path)
    assert read_scan(path).scan_id == whole.scan_id


def test_a_frame_in_rle_that_stands_for_more_than_the_matrix(tmp_path, monkeypatch):
    path = make_scan_file(tmp_path / "scan.dcm", syntax=RLELossless)
    image = dcmread(path)
    streams = list(generate_frames(image.PixelData, number_of_frames=2))
    image.PixelData = encapsulate([streams[0], streams[1] + b"\x81\x05" * 2000])
    image.save_as(path)
    expected = r"^scan\.dcm: a frame in RLE must have up to 4808 bytes, got \d{4,};"
    with pytest.raises(ScanError, match=expected):
        read_scan(path)
