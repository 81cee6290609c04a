"""From pixel data to counts."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_fragments, get_frame
from pydicom.pixels import pixel_array
from pydicom.uid import (
    JPEG2000,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
    RLELossless,
)

from bonescan.dicom.guard import as_scan_error, tell
from bonescan.dicom.jpeg import JpegError, decode_jpeg
from bonescan.dicom.stream_header import StreamHeader, read_stream_header
from bonescan.errors import ScanError

logger = logging.getLogger(__name__)

_ALWAYS_LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless)

_STREAM_STARTS = (b"\xff\xd8", b"\xff\x4f")
"""First bytes of a JPEG or JPEG-LS stream and of a JPEG 2000 codestream."""

_BITS_ALLOCATED = (8, 16, 32)
_ONE_SAMPLE = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
"""Values of PhotometricInterpretation (PS3.3 C.7.6.3.1.2): of one number, of three."""
_LARGEST_SIDE_PX = 8192
_MOST_PIXELS = 4096 * 1024
"""Of a view. Whole-body matrices have up to 2048 rows and 512 columns; the limits leave room, and
keep a damaged header from taking all memory."""


_RLE_HEADER_BYTES = 128
"""The frame's header, and what pads its segments."""


def read_counts(dataset: Dataset, path: Path, frames: Sequence[int]) -> NDArray[np.float32]:
    """Decode some frames of a file and give them back as counts.

    Counts are the stored values times RescaleSlope plus RescaleIntercept (PS3.3 C.11.1). Values of
    a MONOCHROME1 file are counted down from the largest if the border says that it stands for no
    counts: the border of every whole-body scan has pixels without any. Negative values, which no
    count can have but lossy compression brings about, become zero.

    Args:
        dataset: the file.
        path: of the file, for messages.
        frames: numbers of the frames, from 0; the others are not decoded.

    Returns:
        (frame, row, column) counts, finite and not negative.

    Raises:
        ScanError: if pixel data are absent, truncated, broken, or do not decode.
    """
    with as_scan_error(path, "reading the pixel data's description"):
        _check_description(dataset, path)
        slope = float(dataset.get("RescaleSlope") or 1.0)
        intercept = float(dataset.get("RescaleIntercept") or 0.0)
        inverted = dataset.get("PhotometricInterpretation") == "MONOCHROME1"
        lossy = _is_lossy(dataset)
    with as_scan_error(path, "decoding the pixel data", quotable=(JpegError,)):
        stored = np.stack([_decode_frame(dataset, index, path) for index in frames])
        values = stored.astype(np.float64) * slope + intercept
    if not np.isfinite(values).all() or abs(values).max() > np.finfo(np.float32).max:
        raise ScanError(f"{path.name}: counts must be finite numbers")
    if inverted:
        values = _count_up(values, path)
    if lossy:
        logger.warning("%s: lossy compression: counts are approximate", path.name)
    negative = int((values < 0).sum())
    if negative:
        logger.warning("%s: %d negative values set to 0 counts", path.name, negative)
    return np.maximum(values, 0.0).astype(np.float32)


def _count_up(values: NDArray[np.float64], path: Path) -> NDArray[np.float64]:
    """Return the counts of a MONOCHROME1 file, whose values may or may not be inverted.

    Args:
        values: (frame, row, column).
        path: of the file, for messages.
    """
    border = np.concatenate(
        [values[:, [0, -1]].ravel(), values[:, :, [0, -1]].ravel()]  # rows, columns
    )
    found, times = np.unique(border, return_counts=True)
    downwards = found[times.argmax()] > (values.min() + values.max()) / 2
    logger.warning(
        "%s: MONOCHROME1; by its border, its values are %s",
        path.name,
        "inverted, and are counted down from the largest" if downwards else "plain counts",
    )
    return values.max() - values if downwards else values


def _is_lossy(dataset: Dataset) -> bool:
    syntax = dataset.file_meta.TransferSyntaxUID
    flag = str(dataset.get("LossyImageCompression", ""))
    return syntax in _ALWAYS_LOSSY or flag == "01" or (syntax == JPEG2000 and flag != "00")


def _check_description(dataset: Dataset, path: Path) -> None:
    """Check that there are pixel data and that their size can be right, before decoding.

    Raises:
        ScanError: if not.
    """
    name = path.name
    if "PixelData" not in dataset or not dataset.PixelData:
        raise ScanError(f"{name}: no pixel data; the file is a header alone or was cut short")
    if "TransferSyntaxUID" not in dataset.file_meta:
        raise ScanError(f"{name}: no transfer syntax, so the pixel data cannot be decoded")
    rows, columns, bits = dataset.Rows, dataset.Columns, dataset.BitsAllocated
    if bits not in _BITS_ALLOCATED:
        raise ScanError(
            f"{name}: BitsAllocated must be one of {_BITS_ALLOCATED}, "
            f"got {tell(bits, range(1, 65))}"
        )
    colours = dataset.get("PhotometricInterpretation")
    if colours not in _ONE_SAMPLE:
        raise ScanError(
            f"{name}: PhotometricInterpretation must be one of {', '.join(_ONE_SAMPLE)}, "
            f"got {tell(colours, _COLOURS)}"
        )
    if not (0 < rows <= _LARGEST_SIDE_PX and 0 < columns <= _LARGEST_SIDE_PX):
        raise ScanError(
            f"{name}: rows and columns must be 1 to {_LARGEST_SIDE_PX}, got {rows} x {columns}"
        )
    if rows * columns > _MOST_PIXELS:
        raise ScanError(
            f"{name}: a view must have up to {_MOST_PIXELS} pixels, got {rows} x {columns}"
        )
    frames = int(dataset.get("NumberOfFrames") or 1)
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        _check_fragments(dataset, frames, name)
        return
    expected, present = frames * rows * columns * bits // 8, len(dataset.PixelData)
    if present < expected:
        raise ScanError(
            f"{name}: pixel data are cut short: {frames} x {rows} x {columns} pixels need "
            f"{expected} bytes, got {present}; copy the file again"
        )

    if any(dataset.PixelData[expected:]) or present - expected >= expected // frames:
        raise ScanError(
            f"{name}: more pixel data than {frames} x {rows} x {columns} pixels: {present} bytes, "
            f"must be {expected}; NumberOfFrames is wrong or missing"
        )


def _check_fragments(dataset: Dataset, frames: int, name: str) -> None:
    """Check that compressed pixel data do not hold more frames than the header says.

    A frame may be cut into several fragments; each begins with the marker of its kind of stream,
    and in RLE is one fragment.

    Raises:
        ScanError: if they do.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    present = sum(
        syntax == RLELossless or fragment.startswith(_STREAM_STARTS)
        for fragment in generate_fragments(_without_offsets(dataset.PixelData))
    )
    if present > frames:
        raise ScanError(
            f"{name}: the header speaks of {frames} frames, got {present} in the pixel data; "
            "NumberOfFrames is wrong or missing"
        )


def _without_offsets(pixels: bytes) -> bytes:
    """Return encapsulated pixel data after the item of the basic offset table (PS3.5 A.4)."""
    return pixels[8 + int.from_bytes(pixels[4:8], "little") :]


def _check_stream(stream: bytes, dataset: Dataset, path: Path) -> StreamHeader:
    """Check that a compressed frame is what the header says, before it is decoded.

    Returns:
        What the stream says that it holds.

    Raises:
        ScanError: if it says something else than the header, or nothing.
    """
    rows, columns, most_bits = dataset.Rows, dataset.Columns, dataset.BitsAllocated
    found = read_stream_header(stream)
    if (
        found is None
        or (found.rows, found.columns, found.components) != (rows, columns, 1)
        or found.precision_bits > most_bits
    ):
        told = "nothing" if found is None else found.text
        raise ScanError(
            f"{path.name}: compressed frames must have the header's {rows} x {columns} pixels of "
            f"one value of up to {most_bits} bits, got {told}; the file is damaged, copy it again"
        )
    return found


def _decode_frame(dataset: Dataset, index: int, path: Path) -> NDArray:
    """Decode a frame to (row, column) stored values."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        count = int(dataset.get("NumberOfFrames") or 1)
        stream = get_frame(dataset.PixelData, index, number_of_frames=count)
        if syntax == RLELossless:
            _check_rle_length(stream, dataset, path)
        elif (header := _check_stream(stream, dataset, path)).process is not None:
            return decode_jpeg(stream, header, signed=bool(dataset.PixelRepresentation))
    return pixel_array(dataset, index=index)


def _check_rle_length(stream: bytes, dataset: Dataset, path: Path) -> None:
    """Check that a frame in RLE is not much longer than its values (PS3.5 annex G).

    Any other may stand for 64 times its length, and is decoded whole before that is noticed.

    Raises:
        ScanError: if it is.
    """
    plain = dataset.Rows * dataset.Columns * dataset.BitsAllocated // 8
    most = plain * 3 // 2 + _RLE_HEADER_BYTES  # more than the worst encoder makes of any values
    if len(stream) > most:
        raise ScanError(
            f"{path.name}: a frame in RLE must have up to {most} bytes, got {len(stream)}; the "
            "file is damaged, copy it again"
        )
