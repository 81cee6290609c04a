"""What the header of a compressed stream says of itself, before a decoder believes it.

A decoder makes room for what the stream says: a few bytes can ask for gigabytes, and some decoders
do not survive a stream that does not fit the DICOM header.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

_JPEG, _JPEG_2000 = b"\xff\xd8", b"\xff\x4f\xff\x51"
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "


class Process(IntEnum):
    """Processes of JPEG that DICOM has, by the marker of their frame header.

    ISO/IEC 10918-1 table B.1, and for JPEG-LS ISO/IEC 14495-1 C.2.2.
    """

    BASELINE = 0xC0
    EXTENDED = 0xC1
    LOSSLESS = 0xC3
    JPEG_LS = 0xF7


@dataclass(frozen=True)
class StreamHeader:
    """What a stream says that it holds.

    Attributes:
        rows: rows of the image.
        columns: columns of the image.
        precision_bits: bits of a value.
        components: values of a pixel, 1 for a grey image.
        process: process of JPEG; None for JPEG 2000.
    """

    rows: int
    columns: int
    precision_bits: int
    components: int
    process: Process | None = None

    @property
    def text(self) -> str:
        """What it says, for a message."""
        size = f"{self.rows} x {self.columns}"
        return f"{size} pixels of {self.components} values of {self.precision_bits} bits"


def read_stream_header(frame: bytes) -> StreamHeader | None:
    """Return what a JPEG, JPEG-LS or JPEG 2000 stream says that it holds.

    Returns:
        None where it does not say it where it should.
    """
    if frame.startswith(_JP2_SIGNATURE):
        frame = frame[max(frame.find(_JPEG_2000), 0) :]
    if frame.startswith(_JPEG_2000):
        return _header_2000(frame)
    return _header_jpeg(frame) if frame.startswith(_JPEG) else None


def _header_2000(frame: bytes) -> StreamHeader | None:
    """Read image and component sizes (ISO/IEC 15444-1 A.5.1), columns first."""
    if len(frame) < 43:
        return None
    columns, rows, left, top = (
        int.from_bytes(frame[start : start + 4]) for start in (8, 12, 16, 20)
    )
    components, precision_bits = int.from_bytes(frame[40:42]), (frame[42] & 0x7F) + 1
    return StreamHeader(rows - top, columns - left, precision_bits, components)


def _header_jpeg(frame: bytes) -> StreamHeader | None:
    """Find the frame header (ISO/IEC 10918-1 B.2.2): precision, rows, columns, components."""
    for marker, content in jpeg_segments(frame):
        if marker in set(Process) and len(content) >= 6:
            rows, columns = int.from_bytes(content[1:3]), int.from_bytes(content[3:5])
            return StreamHeader(rows, columns, content[0], content[5], Process(marker))
    return None


def jpeg_segments(frame: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the second byte of each marker of a JPEG stream, and what its segment holds.

    It ends where something else begins than a marker, as behind the header of a scan.
    """
    position = len(_JPEG)
    while position + 4 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        end = position + 2 + max(int.from_bytes(frame[position + 2 : position + 4]), 2)
        yield marker, frame[position + 4 : end]
        position = end
