import contextlib
import dataclasses
import io
import multiprocessing
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import get_frame
from pydicom.pixels import pixel_array

from bonescan.dicom import jpeg_worker
from bonescan.dicom.jpeg import DecoderProcess, JpegError, decode_jpeg
from bonescan.dicom.stream_header import read_stream_header

FAKE = """
import os, sys, time
sys.path.insert(0, {folder!r})
from jpeg_worker import ANSWER, REQUEST
decoded = 0
while head := sys.stdin.buffer.read(REQUEST.size):
    length, rows, columns, bits, is_ls = REQUEST.unpack(head)
    stream = sys.stdin.buffer.read(length)
    if stream == b"die" or (stream == b"die late" and decoded):
        os.abort()
    if stream == b"hang":
        time.sleep(60)
    decoded += 1
    values = b"" if stream == b"bad" else bytes([decoded]) * (rows * columns * bits // 8)
    sys.stdout.buffer.write(ANSWER.pack(len(values)) + values)
    sys.stdout.buffer.flush()
"""
"""A worker that does as a stream says, and answers with how many it has answered."""


def read_stream(name: str) -> tuple[pydicom.Dataset, bytes]:
    dataset = pydicom.dcmread(get_testdata_file(name))
    return dataset, get_frame(dataset.PixelData, 0, number_of_frames=1)


@pytest.fixture(scope="module")
def stream() -> bytes:
    return read_stream("JPGExtended.dcm")[1]


@pytest.fixture
def start(tmp_path):
    """Starts fake workers; sees that none is left."""
    script = tmp_path / "fake.py"
    script.write_text(FAKE.format(folder=str(Path(jpeg_worker.__file__).parent)))
    started = []

    def start(longest_s: float = 5) -> DecoderProcess:
        started.append(DecoderProcess([sys.executable, "-P", str(script)], longest_s=longest_s))
        return started[-1]

    yield start
    for worker in started:
        worker.close()
    assert not [child for child in psutil.Process().children() if str(script) in child.cmdline()]


def decode_3_pixels(worker, stream: bytes) -> bytes:
    return worker.decode(stream, (1, 3), 8, is_ls=False)


def decode_extended(stream: bytes) -> np.ndarray:
    return decode_jpeg(stream, read_stream_header(stream), signed=False)


def test_12_bits(stream):
    values = decode_extended(stream)
    assert values.shape == (1024, 256)
    assert values.dtype == np.uint16
    assert values[:, :13].max() < values.max() == 264  # nothing is scanned in the first columns


@pytest.mark.parametrize(
    "name",
    ["JPEGLSNearLossless_08.dcm", "JPEGLSNearLossless_16.dcm", "MR_small_jpeg_ls_lossless.dcm"],
)
def test_values_are_those_that_pydicom_reads(name):
    dataset, stream = read_stream(name)
    expected = pixel_array(dataset)
    header = read_stream_header(stream)
    values = decode_jpeg(stream, header, signed=bool(dataset.PixelRepresentation))
    assert values.dtype == expected.dtype
    np.testing.assert_array_equal(values, expected)


def test_the_sign_is_that_of_the_streams_precision(stream):
    plain = decode_extended(stream).astype(int)
    header = dataclasses.replace(read_stream_header(stream), precision_bits=9)
    values = decode_jpeg(stream, header, signed=True)
    assert (plain >= 256).any()
    np.testing.assert_array_equal(values, np.where(plain >= 256, plain - 512, plain))


@pytest.mark.parametrize("bits", [7, 17])
def test_a_precision_that_no_scan_has(stream, bits):
    header = dataclasses.replace(read_stream_header(stream), precision_bits=bits)
    with pytest.raises(JpegError, match=f"JPEG values must have 8 to 16 bits, got {bits}"):
        decode_jpeg(stream, header, signed=False)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda s: s.replace(b"\0\x3f\0", b"\0\0\0"), "must select coefficients 0..63"),
        (lambda s: s.replace(b"\0\x3f\0", b"\0\x3f\x01"), "must select coefficients 0..63"),
        (lambda s: s[:100], "holds no scan"),
        (lambda s: s[:5000], "cannot be decoded"),
        (lambda s: s[:2000] + b"\x17" * 9 + s[2009:], "cannot be decoded"),
    ],
)
def test_streams_that_break_the_standard(stream, damage, reason):
    header = read_stream_header(stream)
    with pytest.raises(JpegError, match=re.escape(reason)):
        decode_jpeg(damage(stream), header, signed=False)


def test_one_process_decodes_all_streams(start):
    worker = start()
    assert [decode_3_pixels(worker, b"good") for _ in range(2)] == [b"\1\1\1", b"\2\2\2"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(b"die", "has ended its decoder"), (b"bad", "cannot be decoded to the size of its header")],
)
def test_a_bad_stream_costs_itself_alone(start, bad, reason):
    worker = start()
    decode_3_pixels(worker, b"good")
    with pytest.raises(JpegError, match=reason):
        decode_3_pixels(worker, bad)
    assert decode_3_pixels(worker, b"good") == b"\1\1\1"  # of a new process


def test_a_stream_that_only_a_used_process_cannot_stand_is_decoded_by_a_new_one(start):
    worker = start()
    decode_3_pixels(worker, b"good")
    assert decode_3_pixels(worker, b"die late") == b"\1\1\1"


def test_a_stream_that_takes_too_long(start):
    with pytest.raises(JpegError, match=r"kept it for 0\.5 s"):
        decode_3_pixels(start(longest_s=0.5), b"hang")


READ = f"""
from bonescan.dicom.read import read_scan
print(int(read_scan({get_testdata_file("JPGExtended.dcm")!r}).stack().sum()))
"""


def test_decodes_without_stderr():
    shell = f'exec "{sys.executable}" -c "$0" 2>&-'
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        ["sh", "-c", shell, READ], stdout=subprocess.PIPE, text=True, env=environment, check=False
    )
    assert done.stdout == "3767007\n"


def read_and_tell(answers) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as told:
        exec(READ)  # noqa: S102
    answers.put((told.getvalue(), len(psutil.Process().children())))


@pytest.mark.parametrize(
    "method",
    [
        "fork",
        pytest.param("spawn", marks=pytest.mark.slow),
        pytest.param("forkserver", marks=pytest.mark.slow),
    ],
)
def test_a_worker_process_has_a_decoder_of_its_own(stream, method):
    decode_extended(stream)  # the decoder of this process runs
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    loader = context.Process(target=read_and_tell, args=(answers,), daemon=True)
    loader.start()
    told, decoders = answers.get(timeout=60)
    loader.join()
    assert (told, loader.exitcode) == ("3767007\n", 0)
    assert decoders == 1
    decode_extended(stream)
