"""Where the facts of a header live in an NM Image (PS3.3 A.5): the tables that read and write it.

Clauses in the tables are those of PS3.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from bonescan.dicom import codes
from bonescan.dicom.codes import Code, PrivateLabel
from bonescan.dicom.elements import (
    CODE,
    CODE_ITEM,
    CODES,
    COUNT,
    DECIMAL,
    DEGREES,
    NUMBERS,
    SECONDS,
    TEXT,
    UPPER_CASE_TEXTS,
    WHOLE,
    YES,
    Conversion,
    Element,
    Table,
    decimal_string,
    each_item,
    items_of,
    make_item,
    read,
    write,
)
from bonescan.dicom.guard import as_scan_error
from bonescan.dicom.header import EnergyWindow, FrameHeader, ImageHeader, is_plausible_spacing
from bonescan.dicom.scan import Acquisition
from bonescan.errors import ScanError

_MOST_FRAMES = 1000
"""More is no planar scan; also keeps a damaged count from exhausting the memory."""


def _read_spacing(values: list[Any]) -> tuple[float, float] | None:
    """Return (row, column) spacing in mm: that of the rows comes first (PS3.3 10.7.1.3)."""
    spacing_mm = [float(value) for value in values]
    if len(spacing_mm) != 2 or not all(map(is_plausible_spacing, spacing_mm)):
        return None
    return spacing_mm[0], spacing_mm[1]


@dataclass(frozen=True)
class _Orientation(Code):
    """How the patient lay: recumbent, and in which modification of that."""

    modifiers: tuple[Code, ...] = ()


_ORIENTATIONS = each_item(
    _Orientation,
    (*CODE_ITEM, Element("modifiers", "PatientOrientationModifierCodeSequence", CODES)),
)


def _read_prone(values: list[Any]) -> bool | None:
    for orientation in _ORIENTATIONS.read(values):
        for modifier in orientation.modifiers:
            meaning = modifier.meaning.lower()
            if modifier.value in codes.PRONE_VALUES or meaning.startswith("prone"):
                return True
            if modifier.value in codes.SUPINE_VALUES or meaning.startswith("supine"):
                return False
    return None


def _read_digest(values: list[Any]) -> str | None:
    text = TEXT.read(values)
    return text and sha256(text.encode()).hexdigest()


def _read_day(values: list[Any]) -> date | None:
    """Return the day of a date, as before DICOM, too, or of a date with a time (PS3.5 6.2)."""
    try:
        return datetime.strptime(str(values[0]).replace(".", "").strip()[:8], "%Y%m%d").date()
    except ValueError:
        return None


def _read_mark(values: list[Any]) -> bool | None:
    return codes.SIMULATED_MARK in str(values[0]).upper() or None


def _read_radionuclide(values: list[Any]) -> str | None:
    return (CODE.read(values) or Code()).meaning or None


def _write_radionuclide(meaning: str) -> list[Dataset]:
    if meaning not in codes.RADIONUCLIDES:
        raise ValueError(f"radionuclide must be one of {[*codes.RADIONUCLIDES]}, got {meaning!r}")
    return CODE.write(codes.RADIONUCLIDES[meaning])


_SPACING = Conversion(_read_spacing, lambda spacing_mm: list(map(decimal_string, spacing_mm)))
_PRONE = Conversion(
    read=_read_prone,
    write=lambda prone: _ORIENTATIONS.write(
        [_Orientation(**vars(codes.RECUMBENT), modifiers=(codes.PRONE if prone else codes.SUPINE,))]
    ),
)
_PRONE_BY_POSITION = Conversion(
    lambda values: {"P": True, "S": False}.get(str(values[0]).strip()[-1:])
)
"""HFP, FFP, HFS, FFS; not written, since it must not stand beside the orientation."""
_DIGEST = Conversion(_read_digest)
_TIME_DIGEST = Conversion(lambda values: _read_digest([str(values[0]).strip()[:6]]))
"""Without fractions of a second, in which the files of two detectors differ."""
_DAY = Conversion(_read_day)
_MARK = Conversion(_read_mark, lambda simulated: codes.SIMULATED_MARK if simulated else None)
_RADIONUCLIDE = Conversion(_read_radionuclide, _write_radionuclide)

_RANGES = "EnergyWindowRangeSequence"
_DETECTORS = "DetectorInformationSequence"
RADIOPHARMACEUTICALS = "RadiopharmaceuticalInformationSequence"

ENERGY_WINDOW: Table = (
    Element("name", "EnergyWindowName", TEXT),
    Element("lower_kev", "EnergyWindowLowerLimit", DECIMAL, _RANGES),
    Element("upper_kev", "EnergyWindowUpperLimit", DECIMAL, _RANGES),
)
"""Item of an energy window (C.8.4.10)."""
_WINDOWS = each_item(EnergyWindow, ENERGY_WINDOW)

DETECTOR: Table = (
    Element("view_code", "ViewCodeSequence", CODE),
    Element("start_angle_deg", "StartAngle", DEGREES),
)
"""What the item of a detector says of its frames (C.8.4.11)."""

FRAMES: Table = (
    Element("frames", "NumberOfFrames", COUNT),
    Element("energy_windows", "NumberOfEnergyWindows", COUNT),
    Element("detectors", "NumberOfDetectors", COUNT),
    Element("energy_window", "EnergyWindowVector", NUMBERS),
    Element("detector", "DetectorVector", NUMBERS),
)
"""How many frames, and a number for each; a plain number if there is one (C.7.6.6, C.8.4.8)."""

IMAGE: Table = (
    # SOP Common (C.12.1), Patient (C.7.1.1), General Study (C.7.2.1)
    Element("sop_class_uid", "SOPClassUID", TEXT),
    Element("sop_instance_uid", "SOPInstanceUID", TEXT),
    Element("patient_digest", "PatientID", _DIGEST),
    Element("birth_digest", "PatientBirthDate", _DIGEST),
    Element("sex_digest", "PatientSex", _DIGEST),
    Element("age_digest", "PatientAge", _DIGEST),
    Element("study_digest", "StudyInstanceUID", _DIGEST),
    Element("series_digest", "SeriesInstanceUID", _DIGEST),
    Element("time_digest", "AcquisitionTime", _TIME_DIGEST),
    # General Image (C.7.6.1), then the study and the series, whose days may be those of others
    Element("acquired", "AcquisitionDate", _DAY),
    Element("acquired", "AcquisitionDateTime", _DAY),
    Element("acquired", "StudyDate", _DAY),
    Element("acquired", "SeriesDate", _DAY),
    # NM/PET Patient Orientation (C.8.4.6), General Series (C.7.3.1)
    Element("prone", "PatientOrientationCodeSequence", _PRONE),
    Element("prone_by_position", "PatientPosition", _PRONE_BY_POSITION),
    Element("modality", "Modality", TEXT),
    Element("series_description", "SeriesDescription", TEXT),
    # General Image (C.7.6.1), Image Pixel (C.7.6.3), NM Image Pixel (C.8.4.7)
    Element("orientation", "PatientOrientation", UPPER_CASE_TEXTS),
    Element("burned_in", "BurnedInAnnotation", YES),
    Element("samples_per_pixel", "SamplesPerPixel", COUNT),
    Element("rows", "Rows", COUNT),
    Element("columns", "Columns", COUNT),
    Element("spacing_mm", "PixelSpacing", _SPACING),
    # NM Image (C.8.4.9), NM Multi-frame (C.8.4.8), NM Isotope (C.8.4.10)
    Element("image_type", "ImageType", UPPER_CASE_TEXTS),
    Element("image_id", "ImageID", TEXT),
    Element("detectors", "NumberOfDetectors", COUNT),
    Element("energy_windows", "EnergyWindowInformationSequence", _WINDOWS),
)

ACQUISITION: Table = (
    # General Equipment (C.7.5.1), General Image (C.7.6.1)
    Element("manufacturer", "Manufacturer", TEXT),
    Element("model", "ManufacturerModelName", TEXT),
    Element("simulated", "ImageComments", _MARK),
    Element("simulated", "Manufacturer", Conversion(_read_mark)),
    # NM Image (C.8.4.9), NM Isotope (C.8.4.10), NM Detector (C.8.4.11)
    Element("scan_velocity_mm_s", "ScanVelocity", DECIMAL),
    Element("scan_length_mm", "ScanLength", WHOLE),
    Element("duration_s", "ActualFrameDuration", SECONDS),
    Element("radionuclide", "RadionuclideCodeSequence", _RADIONUCLIDE, RADIOPHARMACEUTICALS),
    Element("collimator", "CollimatorGridName", TEXT, _DETECTORS),
)


def parse(dataset: Dataset, path: Path) -> ImageHeader:
    """Map a dataset to its typed header.

    Raises:
        ScanError: if the header is damaged.
    """
    with as_scan_error(path, "reading the header"):
        frames = _read_frames(dataset, path.name)
        facts = {"detectors": len({frame.detector for frame in frames}), **read(dataset, IMAGE)}
        return ImageHeader(
            path=path,
            frames=frames,
            recompressed=_is_recompressed(dataset),
            private_labels=read_private_labels(dataset, codes.PRIVATE_LABELS),
            acquisition=Acquisition(**read(dataset, ACQUISITION)),
            **facts,
        )


def _is_recompressed(dataset: Dataset) -> bool:
    syntax = getattr(dataset, "file_meta", Dataset()).get("TransferSyntaxUID")
    return bool(dataset.get("LossyImageCompression")) or bool(syntax and syntax.is_compressed)


def write_header(header: ImageHeader, dataset: Dataset) -> None:
    """Write a header into a dataset, where `parse` finds it again.

    Not written are the path, the identifiers, of which only digests are known, the day, and private
    labels.
    Numbers are rounded as their elements ask: durations to milliseconds, the scan length to mm,
    angles to six digits, others to six decimals.

    Raises:
        ValueError: if the radionuclide has no known code.
    """
    write(vars(header), dataset, IMAGE)
    _write_frames(header.frames, dataset)
    write(vars(header.acquisition), dataset, ACQUISITION)


def read_private_labels(dataset: Dataset, labels: Sequence[PrivateLabel]) -> tuple[str, ...]:
    """Read the texts of private elements in which vendors write the view, in the table's order."""
    texts = []
    for label in labels:
        try:
            block = dataset.private_block(label.group, label.creator)
        except KeyError:
            continue
        texts += [str(block[element].value) for element in label.elements if element in block]
    return tuple(texts)


def _read_frames(dataset: Dataset, name: str) -> tuple[FrameHeader, ...]:
    """Describe each frame, from the vectors over the frames and the items of their detectors.

    Without vectors, frames are counted in the order of the standard: detectors within energy
    windows (PS3.3 C.8.4.8).

    Raises:
        ScanError: if there are too many frames to look at, or a vector does not fit.
    """
    said = read(dataset, FRAMES)
    facts = {"frames": 1, "energy_windows": 1, **said}
    count, windows = max(facts["frames"], 1), max(facts["energy_windows"], 1)
    if count > _MOST_FRAMES:
        raise ScanError(f"{name}: must have 1 or 2 views, got {count} frames")
    per_window = count // windows if count % windows == 0 else count
    numbers = {
        "energy_window": [index // per_window + 1 for index in range(count)],
        "detector": [index % per_window + 1 for index in range(count)],
    }
    items = dict(enumerate(items_of(dataset, _DETECTORS), start=1))
    for key, keyword, largest in (
        ("energy_window", "EnergyWindowVector", said.get("energy_windows")),
        ("detector", "DetectorVector", max(len(items), said.get("detectors", 0))),
    ):
        if facts.get(key):
            _require_fit(facts[key], count, largest, f"{name}: {keyword}")
            numbers[key] = facts[key]
    return tuple(
        FrameHeader(window, detector, **read(items.get(detector, Dataset()), DETECTOR))
        for window, detector in zip(*numbers.values(), strict=True)
    )


def _require_fit(vector: Sequence[int], count: int, largest: int | None, what: str) -> None:
    """Check that a vector numbers every frame of a file, from 1 on.

    Raises:
        ScanError: if not; what it says of the frames is then wrong for some, nobody knows which.
    """
    largest = largest or len(set(vector))
    if len(vector) != count or not set(vector) <= set(range(1, largest + 1)):
        raise ScanError(
            f"{what} must have one number of 1 to {largest} for each of {count} frames, got "
            f"{len(vector)} from {min(vector)} to {max(vector)}; export the file again"
        )


def _write_frames(frames: Sequence[FrameHeader], dataset: Dataset) -> None:
    """Write the vectors and one item per detector; no items where there is nothing to say."""
    windows = [frame.energy_window for frame in frames]
    facts = {
        "frames": len(frames),
        "energy_windows": len(set(windows)),
        "detectors": None,
        "energy_window": windows,
        "detector": [frame.detector for frame in frames],
    }
    write(facts, dataset, FRAMES)
    dataset.FrameIncrementPointer = [Tag("EnergyWindowVector"), Tag("DetectorVector")]
    described = {frame.detector: make_item(vars(frame), DETECTOR) for frame in frames}
    items = [described.get(number, Dataset()) for number in range(1, max(described) + 1)]
    dataset.DetectorInformationSequence = items if any(map(len, items)) else []
