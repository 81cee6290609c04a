"""What the header of a compressed stream says of its size, before a decoder believes it.

A decoder makes room for what the stream says: a few bytes can ask for gigabytes, and GDCM ends the
whole process at some streams that do not fit the DICOM header.
"""

_JPEG, _JPEG_2000 = b"\xff\xd8", b"\xff\x4f\xff\x51"
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_START_OF_FRAME = {
    0xC0,
    0xC1,
    0xC2,
    0xC3,
    0xC5,
    0xC6,
    0xC7,
    0xC9,
    0xCA,
    0xCB,
    0xCD,
    0xCE,
    0xCF,
    0xF7,
}
"""Markers of a frame header (ISO/IEC 10918-1 table B.1; 0xF7: JPEG-LS, ISO/IEC 14495-1 C.2.2)."""


def stream_size(frame: bytes) -> tuple[int, int] | None:
    """Return the (rows, columns) that a JPEG, JPEG-LS or JPEG 2000 stream says it has.

    Returns:
        None where it does not say it where it should.
    """
    if frame.startswith(_JP2_SIGNATURE):
        frame = frame[max(frame.find(_JPEG_2000), 0) :]
    if frame.startswith(_JPEG_2000):
        return _size_2000(frame)
    return _size_jpeg(frame) if frame.startswith(_JPEG) else None


def _size_2000(frame: bytes) -> tuple[int, int] | None:
    """Read the image's extent less its offset (ISO/IEC 15444-1 A.5.1), columns first."""
    if len(frame) < 24:
        return None
    columns, rows, left, top = (
        int.from_bytes(frame[start : start + 4]) for start in (8, 12, 16, 20)
    )
    return rows - top, columns - left


def _size_jpeg(frame: bytes) -> tuple[int, int] | None:
    """Find the frame header (ISO/IEC 10918-1 B.2.2): length, precision, rows, columns."""
    position = len(_JPEG)
    while position + 9 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
        elif marker in _START_OF_FRAME:
            rows, columns = frame[position + 5 : position + 7], frame[position + 7 : position + 9]
            return int.from_bytes(rows), int.from_bytes(columns)
        else:
            position += 2 + int.from_bytes(frame[position + 2 : position + 4])
    return None
