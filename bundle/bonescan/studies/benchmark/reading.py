"""How long a scan takes to read, in each encoding that it may come in."""

from pathlib import Path

import gdcm
from pydicom.data import get_testdata_file

from bonescan.dicom.read import read_scan
from bonescan.errors import ScanError
from bonescan.studies.benchmark.inputs import BenchmarkSize
from bonescan.studies.benchmark.measurement import Measurement, summarise, time_repeats_ms

ENCODINGS = {
    "RLE lossless": gdcm.TransferSyntax.RLELossless,
    "JPEG lossless (process 14, SV1)": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    "JPEG-LS lossless": gdcm.TransferSyntax.JPEGLSLossless,
    "JPEG 2000 lossless": gdcm.TransferSyntax.JPEG2000Lossless,
}
"""Encapsulated transfer syntaxes of PS3.5 A.4 that GDCM writes for 16 bits."""

LOSSY_SCAN = "JPGExtended.dcm"
"""A real scan (NEMA WG04) that comes with pydicom: one view, 12-bit lossy JPEG."""


def encode(source: Path, target: Path, syntax: int) -> None:
    """Write a DICOM image in another transfer syntax.

    Raises:
        ValueError: if GDCM cannot read, encode or write it.
    """
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(target))
    if reader.Read():
        change.SetInput(reader.GetImage())
        if change.Change():
            writer.SetFile(reader.GetFile())
            writer.SetImage(change.GetOutput())
            if writer.Write():
                return
    raise ValueError(f"{source.name} must be an image that GDCM can encode as {syntax}")


def measure_reading(
    scans: list[Path], folder: Path, effort: BenchmarkSize, real: Path | None = None
) -> list[Measurement]:
    """Measure the reading of a simulated scan in each encoding, and of real scans.

    Args:
        scans: folders of simulated patients, two views each.
        folder: empty folder to work in.
        effort: how long to measure.
        real: folder of real scans; files that are no readable bone scan are passed over.
    """
    source = scans[0] / "scan.dcm"
    simulated = {"Reading, uncompressed": source}
    for name, syntax in ENCODINGS.items():
        target = folder / f"{syntax}.dcm"
        encode(source, target, syntax)
        simulated[f"Reading, {name}"] = target
    found = [
        _measure(name, path, effort, "simulated scan, two views of 1024 x 256")
        for name, path in simulated.items()
    ]
    lossy = Path(str(get_testdata_file(LOSSY_SCAN)))
    found.append(_measure("Reading, JPEG 12 bit lossy", lossy, effort, f"real, {LOSSY_SCAN}"))
    others = [] if real is None else sorted(real.glob("*.dcm"))
    return found + [
        _measure(f"Reading, {path.stem}", path, effort, "real scan")
        for path in others
        if _is_readable(path)
    ]


def _measure(name: str, path: Path, effort: BenchmarkSize, what: str) -> Measurement:
    times_ms = time_repeats_ms(lambda: read_scan(path), effort.readings)
    how = f"`read_scan`, {what}, {path.stat().st_size / 1e6:.2f} MB, file in the system's cache"
    return summarise(name, times_ms, unit="ms", how=how)


def _is_readable(path: Path) -> bool:
    try:
        read_scan(path)
    except ScanError:
        return False
    return True
