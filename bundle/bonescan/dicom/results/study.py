"""What results refer to: the images of a scan, and the patient and study that they belong to."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pydicom.dataset import Dataset

from bonescan.dicom.file import load
from bonescan.dicom.guard import as_scan_error
from bonescan.dicom.results.uids import make_uid
from bonescan.dicom.scan import Source, View
from bonescan.errors import ScanError

_REQUIRED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
"""Type 1 in every image (PS3.3 C.7.2.1, C.7.3.1, C.12.1): without them nothing can refer to it."""

_TYPE_2 = (
    # Patient (C.7.1.1), General Study (C.7.2.1)
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber"),
)
"""Of these modules what every object must have, empty where it is not known."""

_IDENTIFYING = (
    *_TYPE_2,
    *("SpecificCharacterSet", "IssuerOfPatientID", "OtherPatientIDsSequence"),
    *("PatientAge", "PatientSize", "PatientWeight", "StudyDescription"),
    *("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence"),
)
"""Elements of the modules Patient, General Study, Patient Study and SOP Common that an archive
files an object by, or that say that nobody can be found by it."""

_LOSSY = (
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
"""A picture made of one that lost something has lost it, too (C.7.6.1.1.5)."""

_DEIDENTIFICATION = "New object: keyed UIDs, a pseudonym, no date of the study"
_CAMERA = ("Manufacturer", "ManufacturerModelName", "SoftwareVersions")


@dataclass(frozen=True)
class SourceImage:
    """One view as an image that results refer to.

    Attributes:
        sop_class_uid: class of the instance.
        sop_instance_uid: its UID, remapped in a study without identifiers.
        series_uid: that of its series, likewise.
        frame: number of its frame, from 1; None where the instance holds but one.
    """

    sop_class_uid: str
    sop_instance_uid: str = field(repr=False)
    series_uid: str = field(repr=False)
    frame: int | None


@dataclass(frozen=True)
class Study:
    """What every result of a scan says of its patient, its study and its images.

    Attributes:
        uid: UID of the study that the results belong to.
        modules: elements of the patient and the study.
        images: the image of each view.
        camera: what the header says of the camera; empty in a study without identifiers.
        lossy: elements that say that the images were compressed with losses; empty if they were not.
    """

    uid: str = field(repr=False)
    modules: Dataset = field(repr=False)
    images: Mapping[View, SourceImage]
    camera: Dataset = field(repr=False)
    lossy: Dataset


def read_study(sources: Mapping[View, Source], *, pseudonym: str, identified: bool) -> Study:
    """Read what results refer to from the files of a scan.

    By default nothing of the patient or the study is passed on: the pseudonym stands for both name
    and number, dates are left out, and the UIDs of study, series and instances are keyed ones, which
    nobody without the site's key can trace back. The same scan gives the same ones every time.

    Args:
        sources: the file and frame of each view.
        pseudonym: name of the scan that no patient can be found by.
        identified: whether results carry the patient, the study and the UIDs of the files, so that
            an archive files them in the same study.

    Raises:
        ScanError: if a file is gone or damaged, or lacks a UID.
    """
    headers = {path: _load(path) for path in {source.path for source in sources.values()}}
    first_path = next(iter(sources.values())).path
    first = headers[first_path]
    name = str if identified else partial(make_uid, "of a source")
    return Study(
        uid=name(first.StudyInstanceUID),
        modules=_carry(first, first_path) if identified else _pseudonymous(pseudonym),
        images={
            view: SourceImage(
                sop_class_uid=headers[source.path].SOPClassUID,
                sop_instance_uid=name(headers[source.path].SOPInstanceUID),
                series_uid=name(headers[source.path].SeriesInstanceUID),
                frame=source.frame + 1 if headers[source.path].get("NumberOfFrames", 1) > 1 else None,
            )
            for view, source in sources.items()
        },
        camera=_copy(first, _CAMERA, first_path) if identified else Dataset(),
        lossy=_find_losses(headers),
    )


def plain(text: str, longest: int = 64) -> str:
    """Return a text of ours as every character set of DICOM has it (PS3.5 6.1), on one line.

    Args:
        text: any text.
        longest: characters that the element takes; 64 for LO.
    """
    text = text.replace("²", "2").replace("\\", "/")
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(ascii_only.split())[:longest]


def _load(path: Path) -> Dataset:
    """Read the header of a source.

    Raises:
        ScanError: if there is none, or nothing can refer to it.
    """
    header = load(path, pixels=False)
    with as_scan_error(path, "reading the header"):
        missing = [keyword for keyword in _REQUIRED if not header.get(keyword)]
    if missing:
        raise ScanError(
            f"{path.name}: {' and '.join(missing)} must be there for DICOM results to refer to it, "
            "got none; export the file again, or leave the DICOM results out"
        )
    return header


def _carry(header: Dataset, path: Path) -> Dataset:
    modules = _copy(header, _IDENTIFYING, path)
    for keyword in _TYPE_2:
        if keyword not in modules:
            setattr(modules, keyword, None)
    return modules


def _pseudonymous(pseudonym: str) -> Dataset:
    modules = Dataset()
    for keyword in _TYPE_2:
        setattr(modules, keyword, None)
    modules.PatientName = modules.PatientID = pseudonym
    modules.PatientIdentityRemoved = "YES"
    modules.DeidentificationMethod = _DEIDENTIFICATION
    modules.LongitudinalTemporalInformationModified = "REMOVED"
    return modules


def _copy(header: Dataset, keywords: tuple[str, ...], path: Path) -> Dataset:
    """Copy elements as they are, even such as the Standard does not allow: they are the source's.

    Raises:
        ScanError: if one cannot be read.
    """
    copy = Dataset()
    with as_scan_error(path, "reading the header"):
        for keyword in keywords:
            if keyword in header:
                copy.add(header[keyword])
    return copy


def _find_losses(headers: Mapping[Path, Dataset]) -> Dataset:
    for path, header in headers.items():
        losses = _copy(header, _LOSSY, path)
        if losses.get("LossyImageCompression") == "01":
            return losses
    return Dataset()
