"""What results refer to: the images of a scan, and the patient and study that they belong to."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pydicom.dataset import Dataset

from bonescan.dicom import codes
from bonescan.dicom.file import load
from bonescan.dicom.guard import as_scan_error
from bonescan.dicom.results.uids import make_uid, to_bytes
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
        lossy: elements that say that the images were compressed with losses; empty if not.
    """

    uid: str = field(repr=False)
    modules: Dataset = field(repr=False)
    images: Mapping[View, SourceImage]
    camera: Dataset = field(repr=False)
    lossy: Dataset


@dataclass(frozen=True)
class _File:
    """What is needed of one file of a scan."""

    path: Path
    header: Dataset
    frames: int


def read_study(
    sources: Mapping[View, Source], *, pseudonym: str, simulated: bool, identified: bool
) -> Study:
    """Read what results refer to from the files of a scan.

    By default nothing of the patient or the study is passed on: the pseudonym stands for both name
    and number, dates are left out, and the UIDs of study, series and instances are keyed ones,
    which nobody without the site's key can trace back. The same scan gives the same ones again.

    Args:
        sources: the file and frame of each view.
        pseudonym: name of the scan that no patient can be found by.
        simulated: whether the scan is simulated, which the pseudonym is to say.
        identified: whether results carry the patient, the study and the UIDs of the files, so that
            an archive files them in the same study.

    Raises:
        ScanError: if a file is gone or damaged, or lacks a UID.
    """
    files = {path: _read(path) for path in dict.fromkeys(one.path for one in sources.values())}
    _require_two_instances(list(files.values()))
    first = next(iter(files.values()))
    name = str if identified else partial(make_uid, "of a source")
    return Study(
        uid=name(first.header.StudyInstanceUID),
        modules=_carry(first) if identified else _make_up(pseudonym, simulated=simulated),
        images={
            view: SourceImage(
                sop_class_uid=str(file.header.SOPClassUID),
                sop_instance_uid=name(file.header.SOPInstanceUID),
                series_uid=name(file.header.SeriesInstanceUID),
                frame=source.frame + 1 if file.frames > 1 else None,
            )
            for view, source in sources.items()
            for file in (files[source.path],)
        },
        camera=_copy(first, _CAMERA) if identified else Dataset(),
        lossy=next(
            (losses for file in files.values() if (losses := _find_losses(file))), Dataset()
        ),
    )


def plain(text: str, longest: int = 64) -> str:
    """Return a text of ours as every character set of DICOM has it (PS3.5 6.1), on one line.

    Args:
        text: any text.
        longest: characters that the element takes; 64 for LO.
    """
    text = text.replace("²", "2").replace("×", "x").replace("\\", "/")
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(ascii_only.split())[:longest]


def _read(path: Path) -> _File:
    """Read the header of a source.

    Raises:
        ScanError: if there is none, or nothing can refer to it.
    """
    header = load(path, pixels=False)
    with as_scan_error(path, "reading the header"):
        missing = [keyword for keyword in _REQUIRED if not header.get(keyword)]
        frames = int(header.get("NumberOfFrames") or 1)
    if missing:
        raise ScanError(
            f"{path.name}: {' and '.join(missing)} must be there for DICOM results to refer to it, "
            "got none; export the file again, or leave the DICOM results out"
        )
    return _File(path, header, frames)


def _require_two_instances(files: Sequence[_File]) -> None:
    """See that a reference to one file cannot be taken for one to the other.

    Raises:
        ScanError: if it can.
    """
    if len({file.header.SOPInstanceUID for file in files}) < len(files):
        names = " and ".join(file.path.name for file in files)
        raise ScanError(
            f"{names}: two files must have SOP Instance UIDs of their own for DICOM results to "
            "refer to them, got one UID twice; export the files again"
        )


def _carry(file: _File) -> Dataset:
    """Copy the modules of patient and study, and see that they can be written again.

    Raises:
        ScanError: if not.
    """
    modules = _copy(file, _IDENTIFYING)
    for keyword in _TYPE_2:
        if keyword not in modules:
            setattr(modules, keyword, None)
    with as_scan_error(file.path, "copying the patient and the study"):
        to_bytes(modules)
    return modules


def _make_up(pseudonym: str, *, simulated: bool) -> Dataset:
    modules = Dataset()
    for keyword in _TYPE_2:
        setattr(modules, keyword, None)
    modules.PatientID = pseudonym
    modules.PatientName = f"{codes.SIMULATED_MARK if simulated else ''}^{pseudonym}"
    modules.PatientIdentityRemoved = "YES"
    modules.DeidentificationMethod = _DEIDENTIFICATION
    modules.LongitudinalTemporalInformationModified = "REMOVED"
    return modules


def _copy(file: _File, keywords: Sequence[str]) -> Dataset:
    """Copy elements as they are, even such as the Standard does not allow: they are the source's.

    Raises:
        ScanError: if one cannot be read.
    """
    copy = Dataset()
    with as_scan_error(file.path, "reading the header"):
        for keyword in keywords:
            if keyword in file.header:
                copy.add(file.header[keyword])
    return copy


def _find_losses(file: _File) -> Dataset:
    losses = _copy(file, _LOSSY)
    return losses if losses.get("LossyImageCompression") == "01" else Dataset()
