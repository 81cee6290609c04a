"""From DICOM tags to typed facts: what the header of one file says, before any judgement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from bonescan.dicom import codes
from bonescan.dicom.guard import as_scan_error
from bonescan.dicom.scan import Acquisition
from bonescan.errors import ScanError

SIMULATED_MARK = "SIMULATED"
"""Word in ImageComments or Manufacturer that says that a scan was never acquired."""

_WINDOWS = "EnergyWindowInformationSequence"
_DETECTORS = "DetectorInformationSequence"

_MOST_FRAMES = 1000
"""More is no planar scan; also keeps a damaged count from exhausting the memory."""

_PLAUSIBLE_SPACING_MM = (0.1, 50.0)
"""Whole-body pixels measure 1 to 5 mm; outside this range the tag holds something else."""


@dataclass(frozen=True)
class EnergyWindow:
    """Limits of one energy window; None where the header does not give them."""

    lower_kev: float | None = None
    upper_kev: float | None = None
    name: str = ""


@dataclass(frozen=True)
class FrameHeader:
    """What the header says of one frame.

    Attributes:
        energy_window: number of the energy window, from 1; None if unknown.
        detector: number of the detector, from 1; None if unknown.
        view_code: value of the item of ViewCodeSequence, "" if there is none.
        view_meaning: its meaning.
        start_angle_deg: angle of the detector.
    """

    energy_window: int | None = None
    detector: int | None = None
    view_code: str = ""
    view_meaning: str = ""
    start_angle_deg: float | None = None


@dataclass(frozen=True)
class ImageHeader:
    """What the header of one file says.

    Attributes:
        path: the file.
        modality: value of Modality, "" if absent.
        sop_class_uid: class of the object.
        sop_instance_uid: its identifier.
        owner: digests of the study's and of the patient's identifier, "" where there is none:
            enough to see that two files do not belong together.
        image_type: values of ImageType, upper case.
        samples_per_pixel: 1 for a grey image.
        burned_in: whether the header says that text is burned into the pixels.
        size: rows and columns.
        frames: one entry per frame.
        detectors: number of detectors.
        energy_windows: one entry per energy window, in the order of their numbers.
        labels: texts in which people and vendors write the view: ImageID, SeriesDescription,
            private labels; a text may hold anything, so it is never shown.
        prone: whether the patient lay prone; None if the header does not say.
        spacing_mm: (row, column) spacing, None if absent or impossible.
        acquisition: facts of the acquisition.
    """

    path: Path
    modality: str
    sop_class_uid: str
    sop_instance_uid: str = field(repr=False)
    owner: tuple[str, str] = field(repr=False)
    image_type: tuple[str, ...]
    samples_per_pixel: int
    burned_in: bool
    size: tuple[int, int]
    frames: tuple[FrameHeader, ...]
    detectors: int
    energy_windows: tuple[EnergyWindow, ...]
    labels: tuple[str, ...] = field(repr=False)
    prone: bool | None
    spacing_mm: tuple[float, float] | None
    acquisition: Acquisition


def load(path: Path, *, pixels: bool) -> Dataset:
    """Read a DICOM file.

    Raises:
        ScanError: if there is no such file, it cannot be opened, is not DICOM, or is cut short.
    """
    if not path.is_file():
        raise ScanError(f"{path.name}: no such file in {path.parent}")
    with as_scan_error(path, "reading the file"):
        try:
            dataset = pydicom.dcmread(path, stop_before_pixels=not pixels)
        except InvalidDicomError:
            raise ScanError(
                f"{path.name}: not a DICOM file (no 'DICM' after a 128-byte preamble)"
            ) from None
        except PermissionError:
            raise ScanError(f"{path.name}: may not be read; check its permissions") from None
    if not len(dataset):  # what pydicom makes of compressed pixel data that end too early
        raise ScanError(f"{path.name}: the file is cut short; copy it again")
    return dataset


def parse(dataset: Dataset, path: Path) -> ImageHeader:
    """Map a dataset to its typed header.

    Raises:
        ScanError: if the header is damaged.
    """
    with as_scan_error(path, "reading the header"):
        count = max(_integer(dataset, "NumberOfFrames") or 1, 1)
        if count > _MOST_FRAMES:
            raise ScanError(f"{path.name}: must have 1 or 2 views, got {count} frames")
        frames = _frames(dataset, count)
        return ImageHeader(
            path=path,
            modality=_text(dataset, "Modality"),
            sop_class_uid=_text(dataset, "SOPClassUID"),
            sop_instance_uid=_text(dataset, "SOPInstanceUID"),
            owner=(_digest(dataset, "StudyInstanceUID"), _digest(dataset, "PatientID")),
            image_type=tuple(str(value).upper() for value in _values(dataset, "ImageType")),
            samples_per_pixel=_integer(dataset, "SamplesPerPixel") or 1,
            burned_in=_text(dataset, "BurnedInAnnotation").upper() == "YES",
            size=(_integer(dataset, "Rows") or 0, _integer(dataset, "Columns") or 0),
            frames=frames,
            detectors=_integer(dataset, "NumberOfDetectors") or _count_detectors(frames),
            energy_windows=tuple(map(_energy_window, _items(dataset, _WINDOWS))),
            labels=_labels(dataset),
            prone=_prone(dataset),
            spacing_mm=_spacing_mm(dataset),
            acquisition=_acquisition(dataset),
        )


def _frames(dataset: Dataset, count: int) -> tuple[FrameHeader, ...]:
    """Describe each frame, from the vectors over the frames and the items of their detectors.

    A vector is a plain number where there is one frame. Where vectors are absent, frames are
    counted in the order of the standard: detectors within energy windows (PS3.3 C.8.4.8).
    """
    items = _items(dataset, _DETECTORS)
    windows = max(_integer(dataset, "NumberOfEnergyWindows") or 1, 1)
    per_window = count // windows if count % windows == 0 else count
    window_of = _vector(dataset, "EnergyWindowVector", count)
    detector_of = _vector(dataset, "DetectorVector", count)
    frames = []
    for index in range(count):
        window = window_of[index] if window_of else index // per_window + 1
        detector = detector_of[index] if detector_of else index % per_window + 1
        known = 1 <= detector <= len(items)
        frames.append(_frame(items[detector - 1] if known else Dataset(), window, detector))
    return tuple(frames)


def _frame(item: Dataset, window: int, detector: int) -> FrameHeader:
    code = next(iter(_items(item, "ViewCodeSequence")), Dataset())
    return FrameHeader(
        energy_window=window,
        detector=detector,
        view_code=_text(code, "CodeValue"),
        view_meaning=_text(code, "CodeMeaning"),
        start_angle_deg=_number(item, "StartAngle"),
    )


def _count_detectors(frames: Sequence[FrameHeader]) -> int:
    return len({frame.detector for frame in frames})


def _energy_window(item: Dataset) -> EnergyWindow:
    limits = next(iter(_items(item, "EnergyWindowRangeSequence")), Dataset())
    return EnergyWindow(
        lower_kev=_number(limits, "EnergyWindowLowerLimit"),
        upper_kev=_number(limits, "EnergyWindowUpperLimit"),
        name=_text(item, "EnergyWindowName"),
    )


def _labels(dataset: Dataset) -> tuple[str, ...]:
    """Collect the texts that may name the view, in the order in which they are believed."""
    texts = [_text(dataset, "ImageID"), _text(dataset, "SeriesDescription")]
    try:
        block = dataset.private_block(codes.GENIE_GROUP, codes.GENIE_CREATOR)
    except KeyError:
        return tuple(filter(None, texts))
    elements = [element for element in codes.GENIE_LABEL_ELEMENTS if element in block]
    texts += [str(block[element].value) for element in elements]
    return tuple(filter(None, texts))


def _prone(dataset: Dataset) -> bool | None:
    """Read the patient's position: PatientOrientationModifierCodeSequence, then PatientPosition."""
    for orientation in _items(dataset, "PatientOrientationCodeSequence"):
        for modifier in _items(orientation, "PatientOrientationModifierCodeSequence"):
            value, meaning = _text(modifier, "CodeValue"), _text(modifier, "CodeMeaning").lower()
            if value in codes.PRONE_VALUES or meaning.startswith("prone"):
                return True
            if value in codes.SUPINE_VALUES or meaning.startswith("supine"):
                return False
    position = _text(dataset, "PatientPosition")[-1:]  # HFP, FFP, HFS, FFS (PS3.3 C.7.3.1.1.2)
    return {"P": True, "S": False}.get(position)


def _spacing_mm(dataset: Dataset) -> tuple[float, float] | None:
    """Read PixelSpacing, (row, column) in mm: row spacing comes first (PS3.3 10.7.1.3)."""
    values = [float(value) for value in _values(dataset, "PixelSpacing")]
    if len(values) != 2 or not all(map(is_plausible_spacing, values)):
        return None
    return values[0], values[1]


def is_plausible_spacing(value_mm: float) -> bool:
    """Say whether a number can be the pixel spacing of a whole-body scan, in mm."""
    low, high = _PLAUSIBLE_SPACING_MM
    return low <= value_mm <= high


def _acquisition(dataset: Dataset) -> Acquisition:
    detector = next(iter(_items(dataset, _DETECTORS)), Dataset())
    tracer = next(iter(_items(dataset, "RadiopharmaceuticalInformationSequence")), Dataset())
    nuclide = next(iter(_items(tracer, "RadionuclideCodeSequence")), Dataset())
    duration_ms = _number(dataset, "ActualFrameDuration")
    said = f"{_text(dataset, 'Manufacturer')} {_text(dataset, 'ImageComments')}".upper()
    return Acquisition(
        manufacturer=_text(dataset, "Manufacturer") or None,
        model=_text(dataset, "ManufacturerModelName") or None,
        collimator=_text(detector, "CollimatorGridName") or None,
        radionuclide=_text(nuclide, "CodeMeaning") or None,
        scan_velocity_mm_s=_number(dataset, "ScanVelocity"),
        scan_length_mm=_number(dataset, "ScanLength"),
        duration_s=None if duration_ms is None else duration_ms / 1000,
        simulated=SIMULATED_MARK in said,
    )


def _values(dataset: Dataset, keyword: str) -> list[Any]:
    """Return the values of an element as a list, however many there are."""
    value = dataset.get(keyword)
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _text(dataset: Dataset, keyword: str) -> str:
    return str(next(iter(_values(dataset, keyword)), "")).strip()


def _number(dataset: Dataset, keyword: str) -> float | None:
    value = next(iter(_values(dataset, keyword)), None)
    return float(value) if value is not None and isfinite(float(value)) else None


def _integer(dataset: Dataset, keyword: str) -> int | None:
    value = next(iter(_values(dataset, keyword)), None)
    return None if value is None else int(value)


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence; absent, empty and no sequence at all are the same."""
    return [item for item in _values(dataset, keyword) if isinstance(item, Dataset)]


def _vector(dataset: Dataset, keyword: str, count: int) -> list[int]:
    """Return a vector over the frames, empty if it is absent or has another length."""
    values = [int(value) for value in _values(dataset, keyword)]
    return values if len(values) == count else []


def _digest(dataset: Dataset, keyword: str) -> str:
    text = _text(dataset, keyword)
    return sha256(text.encode()).hexdigest() if text else ""
