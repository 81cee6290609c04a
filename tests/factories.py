"""Small bone scans as DICOM NM files, made from nothing: no test reads anybody's file for this."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, generate_uid

from bonescan.dicom.codes import NM_IMAGE_STORAGE, VIEW_CODES
from bonescan.dicom.scan import BoneScan, View

Edit = Callable[[Dataset], None]

ROWS, COLUMNS = 60, 26
SPACING_MM = (2.4, 1.9)

IDENTIFIERS = {
    "PatientName": "Zwickelmann^Ottokar",
    "PatientID": "ID-4711-ZQ",
    "PatientBirthDate": "19330229",
    "OtherPatientIDs": "KRANKENKASSE-0815",
    "AccessionNumber": "ACC-99-XYZ",
    "InstitutionName": "Spital am Ende",
    "ReferringPhysicianName": "Quacksalber^Kuno",
}
"""What must never come out of the reader. The private tag below repeats the name."""
PRIVATE_NAME = "Zwickelmann,Ottokar"


def make_counts(view: View, shape: tuple[int, int] = (ROWS, COLUMNS)) -> NDArray[np.uint16]:
    """Return counts without any symmetry, different for the two views, with empty margins."""
    rows, columns = shape
    row, column = np.mgrid[:rows, :columns]
    counts = 3 * row + column + (500 if view is View.POSTERIOR else 100)
    counts[:2] = 0
    counts[:, -1] = 0
    return counts.astype(np.uint16)


BOTH: Mapping[View, NDArray[np.uint16]] = {view: make_counts(view) for view in View}


def make_item(code: tuple[str, str, str]) -> Dataset:
    """Return an item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code
    return item


def make_detector(view: View) -> Dataset:
    """Return a detector item that names its view by the standard's code."""
    code = VIEW_CODES[view]
    item = Dataset()
    item.CollimatorGridName = "LEHR"
    item.ViewCodeSequence = [make_item((code.value, code.scheme, code.meaning))]
    return item


def make_window(lower_kev: float, upper_kev: float, name: str = "") -> Dataset:
    """Return an energy window item."""
    limits = Dataset()
    limits.EnergyWindowLowerLimit = lower_kev
    limits.EnergyWindowUpperLimit = upper_kev
    item = Dataset()
    item.EnergyWindowRangeSequence = [limits]
    item.EnergyWindowName = name
    return item


def make_dataset(
    counts_by_view: Mapping[View, NDArray] = BOTH,
    *,
    spacing_mm: tuple[float, float] | None = SPACING_MM,
    study_uid: str = "1.2.3.4",
) -> Dataset:
    """Return a well-formed whole-body NM object with one frame per view, in the order given."""
    frames = np.stack(list(counts_by_view.values()))
    count = len(frames)
    image = Dataset()
    for keyword, value in IDENTIFIERS.items():
        setattr(image, keyword, value)
    image.private_block(0x0009, "GEMS_GENIE_1", create=True).add_new(0x40, "LO", PRIVATE_NAME)
    image.SOPClassUID = NM_IMAGE_STORAGE
    image.SOPInstanceUID = generate_uid(entropy_srcs=[study_uid, frames.tobytes().hex()])
    image.StudyInstanceUID = study_uid
    image.Modality = "NM"
    image.Manufacturer = "Maker"
    image.ImageType = ["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"]
    image.ScanVelocity = 2.5
    image.ScanLength = 1900
    image.ActualFrameDuration = 760000
    image.PatientPosition = "FFS"
    image.NumberOfEnergyWindows = 1
    image.EnergyWindowInformationSequence = [make_window(126.45, 154.55, "Tc99m")]
    image.NumberOfDetectors = count
    image.EnergyWindowVector = [1] * count
    image.DetectorVector = list(range(1, count + 1))
    image.DetectorInformationSequence = [make_detector(view) for view in counts_by_view]
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    if spacing_mm is not None:
        image.PixelSpacing = list(spacing_mm)
    set_pixels(image, frames)
    return image


def set_pixels(image: Dataset, frames: NDArray) -> None:
    """Put frames (frame, row, column) of an integer dtype into a dataset."""
    bits = frames.dtype.itemsize * 8
    image.NumberOfFrames, image.Rows, image.Columns = frames.shape
    image.BitsAllocated = image.BitsStored = bits
    image.HighBit = bits - 1
    image.PixelRepresentation = int(frames.dtype.kind == "i")
    image.PixelData = frames.astype(frames.dtype.newbyteorder("<")).tobytes()
    image["PixelData"].VR = "OB" if bits == 8 else "OW"


def save(image: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian) -> Path:
    """Write a dataset as a DICOM file, plain or in RLE."""
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if syntax == RLELossless else syntax
    image.file_meta.MediaStorageSOPClassUID = image.get("SOPClassUID") or NM_IMAGE_STORAGE
    image.file_meta.MediaStorageSOPInstanceUID = image.get("SOPInstanceUID") or "1.2.3"
    if syntax == RLELossless:
        image.compress(RLELossless, generate_instance_uid=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save_as(path, enforce_file_format=True)
    return path


def make_scan_file(
    path: Path,
    counts_by_view: Mapping[View, NDArray] = BOTH,
    *,
    spacing_mm: tuple[float, float] | None = SPACING_MM,
    study_uid: str = "1.2.3.4",
    syntax: str = ExplicitVRLittleEndian,
    edit: Edit | None = None,
) -> Path:
    """Write a bone scan; `edit` spoils or varies its header before."""
    image = make_dataset(counts_by_view, spacing_mm=spacing_mm, study_uid=study_uid)
    if edit is not None:
        edit(image)
    return save(image, path, syntax)


def hide_views(image: Dataset) -> None:
    """Remove every sign of the views but the order of the detectors."""
    for item in image.DetectorInformationSequence:
        del item.ViewCodeSequence


def make_datalist(folder: Path, **sections: list[dict[str, Any]]) -> Path:
    """Write a datalist and an empty file for every file that it names."""
    for entry in (entry for entries in sections.values() for entry in entries):
        for key in ("image", "label"):
            names = entry.get(key, [])
            for name in [names] if isinstance(names, str) else names:
                file = folder / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
    path = folder / "datalist.json"
    path.write_text(json.dumps({"name": "cohort", "labels": {}, **sections}), encoding="utf-8")
    return path


def assert_both_views(scan: BoneScan) -> None:
    """Check that a scan holds the counts of BOTH."""
    assert scan.views == (View.ANTERIOR, View.POSTERIOR)
    for view in View:
        np.testing.assert_array_equal(scan.counts[view], BOTH[view])
        assert scan.counts[view].dtype == np.float32


def delete(*keywords: str) -> Edit:
    """Return an edit that deletes elements."""

    def edit(image: Dataset) -> None:
        for keyword in keywords:
            delattr(image, keyword)

    return edit


def assign(**values: Any) -> Edit:
    """Return an edit that sets elements."""

    def edit(image: Dataset) -> None:
        for keyword, value in values.items():
            setattr(image, keyword, value)

    return edit
