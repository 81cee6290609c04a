"""Frames of the JPEG family, decoded where a damaged one can do no harm.

GDCM decodes them all (12-bit JPEG Extended, too, which pydicom leaves to a library under the GPL;
checked on the NEMA WG04 sample of pydicom's test files). But some damaged streams end the process
that decodes them, and with it an archive of good scans. So another process decodes: started with
the first such frame, kept for the next, and replaced when a stream has ended it.
"""

import os
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from multiprocessing.util import Finalize

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom import jpeg_worker
from bonescan.dicom.jpeg_worker import ANSWER, REQUEST
from bonescan.dicom.stream_header import Process, StreamHeader, jpeg_segments

_START_OF_SCAN = 0xDA
_SEQUENTIAL = (Process.BASELINE, Process.EXTENDED)
_PRECISIONS_BITS = range(8, 17)
_LONGEST_S = 8.0
"""For one frame; a view takes some hundredths, the largest frame that is read half a second."""


class JpegError(ValueError):
    """A JPEG stream cannot be used; the message holds numbers of the stream and no text."""


class DecoderProcess:
    """A process that decodes one stream after the other, and is replaced when one ends it.

    Several threads may share it; a forked process needs one of its own.

    Args:
        command: what to start; it speaks as bonescan.dicom.jpeg_worker does.
        longest_s: time after which the process is ended that has not yet decoded a stream.
    """

    def __init__(self, command: Sequence[str], *, longest_s: float) -> None:
        self.command = list(command)
        self.longest_s = longest_s
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def decode(self, stream: bytes, size: tuple[int, int], bits: int, *, is_ls: bool) -> bytes:
        """Decode one frame.

        Args:
            stream: of JPEG or JPEG-LS.
            size: rows and columns.
            bits: 8 or 16, of a decoded value.
            is_ls: whether the stream is JPEG-LS.

        Returns:
            The values, little endian, row by row.

        Raises:
            JpegError: if the stream cannot be decoded, or ends the process.
        """
        request = REQUEST.pack(len(stream), *size, bits, is_ls) + stream
        expected = size[0] * size[1] * bits // 8
        with self._lock:
            was_used = self._process is not None
            values = self._ask(request, expected)
            if values is None and was_used:  # an earlier stream may have harmed the process
                values = self._ask(request, expected)
        if values is None:
            raise JpegError(
                f"the JPEG stream has ended its decoder, or kept it for {self.longest_s:g} s"
            )
        if not values:
            raise JpegError("the JPEG stream cannot be decoded to the size of its header")
        return values

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            with suppress(OSError), self._process:  # waits for it; what is unsent stays unsent
                pass
            self._process = None

    def _ask(self, request: bytes, expected: int) -> bytes | None:
        """Return the values that a request brings, none if refused; None if the process ended."""
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the decoder must have been started with pipes")
        alarm = threading.Timer(self.longest_s, self._process.kill)
        alarm.start()
        try:
            stdin.write(request)
            stdin.flush()
            (length,) = ANSWER.unpack(stdout.read(ANSWER.size))
            values = stdout.read(expected) if length == expected else b""
        except (OSError, struct.error):
            values = None
        finally:
            alarm.cancel()
        if not values:
            self.close()  # if it still runs: who knows what the stream has left in its memory
        return values


def decode_jpeg(stream: bytes, header: StreamHeader, *, signed: bool) -> NDArray:
    """Decode one frame of the JPEG family.

    Args:
        stream: of JPEG (ISO/IEC 10918-1) or JPEG-LS (ISO/IEC 14495-1).
        header: what the stream says that it holds.
        signed: whether its values are two's complement.

    Returns:
        (row, column) stored values.

    Raises:
        JpegError: if the stream breaks its standard, cannot be decoded, or ends its decoder.
    """
    precision_bits = header.precision_bits
    if precision_bits not in _PRECISIONS_BITS:
        raise JpegError(f"JPEG values must have 8 to 16 bits, got {precision_bits}")
    if header.process in _SEQUENTIAL:
        _check_scan_header(stream)
    size, bits = (header.rows, header.columns), 8 if precision_bits == 8 else 16
    decoder = _own_decoder(os.getpid())
    values = decoder.decode(stream, size, bits, is_ls=header.process == Process.JPEG_LS)
    decoded = np.frombuffer(values, f"<u{bits // 8}").reshape(size)
    if not signed:
        return decoded
    unused = bits - precision_bits
    return (decoded << unused).view(f"<i{bits // 8}") >> unused  # the sign goes on to the left


@lru_cache(maxsize=1)
def _own_decoder(_process_id: int) -> DecoderProcess:
    """Return the decoder of this process; a forked one must not share its parent's."""
    command = [sys.executable, "-P", jpeg_worker.__file__]
    decoder = DecoderProcess(command, longest_s=_LONGEST_S)
    Finalize(None, decoder.close, exitpriority=0)  # workers of multiprocessing run no atexit
    return decoder


def _check_scan_header(stream: bytes) -> None:
    """Check that a sequential scan covers all coefficients: Ss 0, Se 63, Ah and Al 0.

    It must (ISO/IEC 10918-1 table B.3). The sample NM1_JPLY, written with Se 0, does not; what a
    decoder makes of such a stream is not to be trusted as counts.

    Raises:
        JpegError: if it does not, or the stream holds no scan.
    """
    for marker, content in jpeg_segments(stream):
        if marker == _START_OF_SCAN:
            if content[-3:] != bytes([0, 63, 0]):
                raise JpegError(
                    "JPEG scan header must select coefficients 0..63 at full precision, "
                    f"got {list(content[-3:])}"
                )
            return
    raise JpegError("JPEG stream holds no scan")
