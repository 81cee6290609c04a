"""How long a scan takes to read, in each encoding that it may come in."""

from functools import partial
from pathlib import Path

import gdcm
from pydicom.data import get_testdata_file

from bonescan.dicom.read import read_scan
from bonescan.errors import ScanError
from bonescan.studies.benchmark.inputs import BenchmarkInputs
from bonescan.studies.benchmark.measurement import Measurement, time_repeats_ms

ENCODINGS = {
    "RLE lossless": gdcm.TransferSyntax.RLELossless,
    "JPEG lossless (process 14, SV1)": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    "JPEG-LS lossless": gdcm.TransferSyntax.JPEGLSLossless,
    "JPEG 2000 lossless": gdcm.TransferSyntax.JPEG2000Lossless,
}
"""Encapsulated transfer syntaxes of PS3.5 A.4 that GDCM writes for 16 bits."""

LOSSY_NAME = "JPEG 12 bit lossy"
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


def measure_reading(inputs: BenchmarkInputs) -> list[Measurement]:
    """Measure the reading of a simulated scan in each encoding, and of real scans.

    Real files that are no readable bone scan are passed over.
    """
    source = inputs.scans[0] / "scan.dcm"
    files = {"uncompressed": source}
    for name, syntax in ENCODINGS.items():
        files[name] = inputs.folder / f"{syntax}.dcm"
        encode(source, files[name], syntax)
    origins = dict.fromkeys(files, "simulated, two views of 1024 x 256")
    files[LOSSY_NAME] = Path(str(get_testdata_file(LOSSY_SCAN)))
    origins[LOSSY_NAME] = f"real, {LOSSY_SCAN} of pydicom"
    for path in sorted(inputs.real.glob("*.dcm")) if inputs.real else ():
        if _is_readable(path):
            files[path.stem], origins[path.stem] = path, "real"
    return [
        Measurement(
            f"Reading, {name}",
            "ms",
            time_repeats_ms(partial(read_scan, path), inputs.size.readings),
            f"a DICOM file in the system's cache ({origins[name]}, "
            f"{path.stat().st_size / 1e6:.2f} MB) read into arrays",
        )
        for name, path in files.items()
    ]


def _is_readable(path: Path) -> bool:
    try:
        read_scan(path)
    except ScanError:
        return False
    return True
