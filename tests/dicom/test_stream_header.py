import struct

import pytest

from bonescan.dicom.stream_header import StreamHeader, jpeg_segments, read_stream_header

SEGMENT = b"\xff\xe0\x00\x06abcd"  # application data before the frame header


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC3, 0xF7])
def test_header_of_a_jpeg_stream(marker):
    header = struct.pack(">BBHBHHB", 0xFF, marker, 11, 12, 1024, 256, 3)
    expected = StreamHeader(1024, 256, 12, 3, process=marker)
    assert read_stream_header(b"\xff\xd8" + SEGMENT + header) == expected
    assert read_stream_header(b"\xff\xd8" + SEGMENT + b"\xff" + header) == expected
    assert expected.text == "1024 x 256 pixels of 3 values of 12 bits"


@pytest.mark.parametrize("signed", [0, 0x80])
def test_header_of_a_jpeg_2000_stream(signed):
    size = struct.pack(">HHHIIII", 0xFF51, 41, 0, 256 + 3, 1024 + 7, 3, 7)
    components = struct.pack(">IIIIHB", 128, 128, 0, 0, 3, signed | 15)
    stream = b"\xff\x4f" + size + components
    expected = StreamHeader(1024, 256, 16, 3)
    assert read_stream_header(stream) == expected
    assert read_stream_header(b"\x00\x00\x00\x0cjP  \r\n\x87\n" + stream) == expected


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8" + SEGMENT,
        b"RIFF1234",
        b"\xff\x4f\xff\x51",
        b"\xff\xd8\xff\xc2\x00\x0b\x0c\x04\x00\x01\x00\x01",  # progressive, which DICOM has not
        b"\xff\xd8\xff\xc1\x00\x05\x0c\x04\x00",
    ],
)
def test_no_header(stream):
    assert read_stream_header(stream) is None


def test_segments_of_impossible_length_come_to_an_end():
    stream = b"\xff\xd8\xff\xe0\x00\x00\xff\xe1\x00\x04ab\x00\x00\xff\xe2\x00\x02"
    assert list(jpeg_segments(stream)) == [(0xE0, b""), (0xE1, b"ab")]
