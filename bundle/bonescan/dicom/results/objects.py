"""What all results have in common: study, series, equipment and instance, and the file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import UID

from bonescan.dicom import codes
from bonescan.dicom.elements import CODE
from bonescan.dicom.file import make_file_meta
from bonescan.dicom.results.study import SourceImage, Study, plain
from bonescan.dicom.results.uids import (
    DEFAULT_CHARACTERS,
    make_instance_uid,
    make_uid,
    to_bytes,
)
from bonescan.dicom.scan import View
from bonescan.notice import RESEARCH_USE

_REST = Tag(0x0009, 0x0000)
"""What follows the group of the SOP Instance UID, (0008,0018)."""


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """What made the results.

    Attributes:
        name: what tables call the system.
        version: version of the software, with its revision where it is known.
        weights: digests of the files of weights, short enough to be compared by eye.
        parameters: what else decides the results, each as `name=value`.
        date: when the results were made.
    """

    name: str
    version: str
    weights: Sequence[str]
    parameters: Sequence[str]
    date: datetime


@dataclass(frozen=True)
class Kind:
    """What sets one kind of result apart.

    Attributes:
        sop_class_uid: class of the object.
        modality: of its series.
        series_number: number of its series.
        description: what viewers call the series.
    """

    sop_class_uid: str
    modality: str
    series_number: int
    description: str


def start_object(kind: Kind, study: Study, algorithm: Algorithm) -> Dataset:
    """Start an object with the modules that all results share.

    They are Patient, General and Patient Study, General Series, Enhanced General Equipment, SOP
    Common (PS3.3 C.7.1.1, C.7.2, C.7.3.1, C.7.5.2, C.12.1). The series is that of the images, the
    kind and the algorithm, so that another system makes a series of its own.
    """
    made = Dataset()
    made.update(study.modules)
    made.StudyInstanceUID = study.uid
    made.Modality = kind.modality
    made.SeriesInstanceUID = make_uid(
        "series",
        str(kind.series_number),
        study.uid,
        *(image.sop_instance_uid for image in study.images.values()),
        *(algorithm.name, algorithm.version, *algorithm.weights, *algorithm.parameters),
    )
    made.SeriesNumber = kind.series_number
    made.SeriesDescription = plain(f"{kind.description}. {RESEARCH_USE}")
    made.Manufacturer = codes.MANUFACTURER
    made.ManufacturerModelName = plain(algorithm.name)
    made.DeviceSerialNumber = plain(" ".join(algorithm.weights))
    made.SoftwareVersions = plain(f"bonescan {algorithm.version}")
    made.SOPClassUID = UID(kind.sop_class_uid)
    made.InstanceNumber = 1
    made.ContentQualification = "RESEARCH"
    made.ContributingEquipmentSequence = _list_equipment(study, algorithm)
    made.InstanceCreationDate = made.ContentDate = algorithm.date.strftime("%Y%m%d")
    made.InstanceCreationTime = made.ContentTime = algorithm.date.strftime("%H%M%S")
    return made


def _list_equipment(study: Study, algorithm: Algorithm) -> list[Dataset]:
    """Return the algorithm with its parameters, and the camera where it is known (C.12.1.1.5)."""
    processing = Dataset()
    processing.PurposeOfReferenceCodeSequence = CODE.write(codes.PROCESSING_EQUIPMENT)
    processing.Manufacturer = codes.MANUFACTURER
    processing.ManufacturerModelName = plain(algorithm.name)
    processing.SoftwareVersions = plain(f"bonescan {algorithm.version}")
    processing.ContributionDescription = plain("; ".join(algorithm.parameters), longest=1024)
    if not study.camera.get("Manufacturer"):
        return [processing]
    acquisition = Dataset()
    acquisition.update(study.camera)
    acquisition.PurposeOfReferenceCodeSequence = CODE.write(codes.ACQUISITION_EQUIPMENT)
    return [acquisition, processing]


def refer_by_series(images: Mapping[View, SourceImage], keyword: str) -> list[Dataset]:
    """Return an item for each series of images, with their instances under a keyword, each once.

    It is the Hierarchical Series Reference macro, and the Common Instance Reference module alike
    (PS3.3 C.17.2.1, C.12.2).
    """
    instances: dict[str, dict[str, Dataset]] = {}
    for image in images.values():
        instances.setdefault(image.series_uid, {})[image.sop_instance_uid] = refer_to(image)
    series = []
    for uid, items in instances.items():
        one = Dataset()
        one.SeriesInstanceUID = uid
        setattr(one, keyword, list(items.values()))
        series.append(one)
    return series


def as_source(image: SourceImage) -> Dataset:
    """Return an item of SourceImageSequence (PS3.3 C.7.6.16.2.6): what pixels were made of."""
    item = refer_to(image)
    if image.frame is not None:
        item.ReferencedFrameNumber = image.frame
    item.PurposeOfReferenceCodeSequence = CODE.write(codes.SOURCE_IMAGE)
    return item


def refer_to(image: SourceImage) -> Dataset:
    """Return a reference to the instance of an image (PS3.3 10.8)."""
    item = Dataset()
    item.ReferencedSOPClassUID = image.sop_class_uid
    item.ReferencedSOPInstanceUID = image.sop_instance_uid
    return item


def save_object(dataset: Dataset, path: Path) -> None:
    """Give an object its UID, and write it as a file (PS3.10 7).

    Elements stand in the order of their tags (PS3.5 7.1), so that the UID is among the first: what
    comes after is encoded but once, for the UID and for the file.
    """
    characters = dataset.get("SpecificCharacterSet", DEFAULT_CHARACTERS)
    head, rest = dataset[:_REST], to_bytes(dataset[_REST:], characters)
    dataset.SOPInstanceUID = head.SOPInstanceUID = make_instance_uid(head, rest)
    head.file_meta = make_file_meta(head)
    head.save_as(path, enforce_file_format=True)
    with path.open("ab") as file:
        file.write(rest)
