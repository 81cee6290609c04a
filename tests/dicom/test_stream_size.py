import struct

import pytest

from bonescan.dicom.stream_size import stream_size

SEGMENT = b"\xff\xe0\x00\x06abcd"  # application data before the frame header


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC3, 0xF7])
def test_size_of_a_jpeg_stream(marker):
    header = struct.pack(">BBHBHHB", 0xFF, marker, 11, 12, 1024, 256, 1)
    assert stream_size(b"\xff\xd8" + SEGMENT + header) == (1024, 256)
    assert stream_size(b"\xff\xd8" + SEGMENT + b"\xff" + header) == (1024, 256)


def test_size_of_a_jpeg_2000_stream():
    segment = struct.pack(">HHHIIII", 0xFF51, 41, 0, 256 + 3, 1024 + 7, 3, 7)
    stream = b"\xff\x4f" + segment
    assert stream_size(stream) == (1024, 256)
    assert stream_size(b"\x00\x00\x00\x0cjP  \r\n\x87\n" + stream) == (1024, 256)


@pytest.mark.parametrize(
    "stream", [b"", b"\xff\xd8", b"\xff\xd8" + SEGMENT, b"RIFF1234", b"\xff\x4f\xff\x51"]
)
def test_no_size(stream):
    assert stream_size(stream) is None
