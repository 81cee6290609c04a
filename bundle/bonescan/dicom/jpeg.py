"""12-bit JPEG Extended frames (transfer syntax 1.2.840.10008.1.2.4.51), which pydicom refuses.

pydicom 3 hands 12-bit JPEG Extended to pylibjpeg-libjpeg alone, whose licence is the GPL. GDCM
decodes it right (checked on the NEMA WG04 sample of pydicom's test files), so it is called here.
Can go when pydicom's GDCM plugin takes 12 bits.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import gdcm
import numpy as np
from numpy.typing import NDArray

_START_OF_IMAGE = b"\xff\xd8"
_START_OF_SCAN = 0xDA


class JpegError(ValueError):
    """A JPEG stream cannot be used; the message holds numbers of the stream and no text."""


def decode_extended(frame: bytes, size: tuple[int, int], bits_stored: int) -> NDArray[np.uint16]:
    """Decode one frame.

    Args:
        frame: a JPEG stream.
        size: rows and columns that it must have.
        bits_stored: 9 to 12.

    Returns:
        (row, column) stored values.

    Raises:
        JpegError: if the stream breaks ISO/IEC 10918-1 or does not decode to that size.
    """
    _check_scan_header(frame)
    rows, columns = size
    codec = gdcm.JPEGCodec()
    codec.SetNumberOfDimensions(2)
    codec.SetDimensions((columns, rows, 1))
    codec.SetPixelFormat(gdcm.PixelFormat(1, 16, bits_stored, bits_stored - 1, 0))
    kind = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    codec.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    decoded = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    with _muted():
        done = codec.Decode(_as_element(frame), decoded)
    if not done:
        raise JpegError("GDCM cannot decode the JPEG stream")
    # GDCM returns char* as str.
    values = decoded.GetByteValue().GetBuffer().encode("utf-8", "surrogateescape")
    if len(values) != rows * columns * 2:
        raise JpegError(f"JPEG stream must hold {rows} x {columns} pixels, got another size")
    return np.frombuffer(values, dtype="<u2").reshape(rows, columns)


def _as_element(frame: bytes) -> gdcm.DataElement:
    """Wrap a frame as encapsulated pixel data."""
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    return element


def _check_scan_header(frame: bytes) -> None:
    """Check that the scan covers all coefficients: Ss 0, Se 63, Ah and Al 0.

    A sequential scan must (ISO/IEC 10918-1 table B.3). The sample NM1_JPLY, written with Se 0,
    does not; what a decoder makes of such a stream is not to be trusted as counts.

    Raises:
        JpegError: if it does not, or the stream holds no scan.
    """
    if not frame.startswith(_START_OF_IMAGE):
        raise JpegError("JPEG stream does not begin with a start-of-image marker")
    position = len(_START_OF_IMAGE)
    while position + 4 <= len(frame):
        marker, length = frame[position + 1], int.from_bytes(frame[position + 2 : position + 4])
        if marker == _START_OF_SCAN:
            spectral = frame[position + 2 + length - 3 : position + 2 + length]
            if spectral != bytes([0, 63, 0]):
                raise JpegError(
                    "JPEG scan header must select coefficients 0..63 at full precision, "
                    f"got {list(spectral)}"
                )
            return
        position += 2 + length
    raise JpegError("JPEG stream holds no scan")


@contextmanager
def _muted() -> Iterator[None]:
    """Keep GDCM's C library from writing "Unsupported JPEG data precision 12" to stderr.

    It tries its 8-bit decoder first, says so, and then succeeds with the 12-bit one.
    """
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
