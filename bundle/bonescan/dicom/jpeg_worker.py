"""The process that decodes JPEG streams with GDCM: a script, started by bonescan.dicom.jpeg.

Some damaged streams end the process that decodes them. It imports nothing but GDCM, so that it is
there at once, and ends when its input does.
"""

import os
import struct
import sys
from contextlib import suppress

import gdcm

REQUEST = struct.Struct(">IHHB?")
"""Bytes of the stream that follows, rows, columns, bits of a decoded value, whether JPEG-LS."""
ANSWER = struct.Struct(">I")
"""Bytes of the values that follow; none if the stream cannot be decoded."""

_MOST_BYTES = 2**30
"""Memory of this process; the largest frame that is read takes a tenth of it."""
_SIGNS_OF_DAMAGE = (b"premature end of data segment", b"bad Huffman code")
"""What libjpeg, inside GDCM, prints when it makes up values that a stream lacks."""


def decode(stream: bytes, *, rows: int, columns: int, bits: int, is_ls: bool) -> bytes:
    """Decode one frame.

    Returns:
        Values of 8 or 16 `bits`, little endian, row by row; none if the stream cannot be decoded.
    """
    codec = gdcm.JPEGLSCodec() if is_ls else gdcm.JPEGCodec()
    codec.SetNumberOfDimensions(2)
    codec.SetDimensions((columns, rows, 1))
    codec.SetPixelFormat(gdcm.PixelFormat(1, bits, bits, bits - 1, 0))
    kind = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    codec.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(stream)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    encoded, decoded = (gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010)) for _ in range(2))
    encoded.SetValue(fragments.__ref__())
    if not codec.Decode(encoded, decoded):
        return b""
    # GDCM returns char* as str.
    return decoded.GetByteValue().GetBuffer().encode("utf-8", "surrogateescape")


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):  # not every system can
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))


def _serve() -> None:
    """Answer requests until there are no more; what the libraries print is kept from the user."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    printed, to_print = os.pipe()
    for end in (printed, to_print):
        os.set_blocking(end, False)
    for stream in (1, 2):
        os.dup2(to_print, stream)
    while head := requests.read(REQUEST.size):
        length, rows, columns, bits, is_ls = REQUEST.unpack(head)
        values = decode(requests.read(length), rows=rows, columns=columns, bits=bits, is_ls=is_ls)
        with suppress(BlockingIOError):  # nothing was printed
            words = os.read(printed, 2**16)
            if any(sign in words for sign in _SIGNS_OF_DAMAGE):
                values = b""
        answers.write(ANSWER.pack(len(values)) + values)
        answers.flush()


if __name__ == "__main__":
    _limit_memory()
    _serve()
