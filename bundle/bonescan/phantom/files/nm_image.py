"""A simulated scan as a DICOM NM Image, laid out as the vendors write it (PS3.3 A.5).

The layouts follow headers of real scans. What differs between vendors is what makes reading hard:
how, if at all, a file says which frame is the anterior view.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import PYDICOM_ROOT_UID, UID, ExplicitVRLittleEndian, generate_uid

import bonescan
from bonescan.dicom import codes
from bonescan.dicom.header import SIMULATED_MARK
from bonescan.dicom.scan import View
from bonescan.phantom.anatomy.person import Person
from bonescan.phantom.presets import CameraPreset

ENERGY_WINDOW_HALF_WIDTH = 0.1
"""A 20 % window around the photopeak."""

FIRST_STUDY_DATE = date(2020, 1, 1)
"""Patient n is scanned n days later: dates are made up, but each patient has its own."""

ENERGY_WINDOW_VECTOR = Tag("EnergyWindowVector")
DETECTOR_VECTOR = Tag("DetectorVector")


@dataclass(frozen=True)
class Layout:
    """How one vendor's files say what they hold.

    Attributes:
        maker: value of Manufacturer; never the vendor itself, who did not make this scan.
        series: the vendor's usual name of a whole-body series.
        posterior_angle_deg: StartAngle of the posterior detector; the anterior one has 180.
        view_codes: whether ViewCodeSequence names the view.
        image_id_suffix: what follows the series' name in ImageID, per view. A file of one frame
            that has it describes no detector: ImageID is then the only sign of the view.
    """

    maker: str
    series: str
    posterior_angle_deg: int
    view_codes: bool
    image_id_suffix: Mapping[View, str] = field(default_factory=dict)

    def describes_detectors(self, views: Sequence[View]) -> bool:
        """Return whether a file that holds these views has detector items."""
        return len(views) > 1 or not self.image_id_suffix


LAYOUTS: Mapping[str, Layout] = {
    "Millennium MG": Layout(
        maker="Simulated (older GE layout)",
        series="WHOLE BODY",
        posterior_angle_deg=0,
        view_codes=False,
        image_id_suffix={View.ANTERIOR: "_E", View.POSTERIOR: "_F"},
    ),
    "Discovery NM/CT 670": Layout(
        maker="Simulated (GE layout)",
        series="WholeBody",
        posterior_angle_deg=0,
        view_codes=False,
    ),
    "Encore2": Layout(
        maker="Simulated (older Siemens layout)",
        series="WB BONE",
        posterior_angle_deg=360,
        view_codes=False,
    ),
    "Symbia": Layout(
        maker="Simulated (Siemens layout)",
        series="WB BONE",
        posterior_angle_deg=360,
        view_codes=True,
    ),
}
"""Layout per camera model of bonescan.phantom.presets.CAMERAS."""


@dataclass(frozen=True)
class Examination:
    """What the header of one simulated examination says, apart from the pixels.

    Attributes:
        patient: pseudonym in the cohort.
        number: number of the patient, which gives the study date.
        origin: words that name the simulation (preset, seed, version); UIDs derive from them.
    """

    patient: str
    number: int
    origin: str
    person: Person
    camera: CameraPreset
    scan_velocity_mm_s: float
    duration_s: float


def nm_image(examination: Examination, counts: Mapping[View, NDArray[np.uint16]]) -> Dataset:
    """Return one NM Image instance that holds the given views as frames, in their order.

    Args:
        examination: facts of the examination.
        counts: uint16 (row, column) per view, in acquisition geometry.
    """
    layout = LAYOUTS[examination.camera.model]
    views = tuple(counts)
    frames = np.stack([counts[view] for view in views])  # (frame, row, column)
    image = Dataset()
    _add_patient(image, examination)
    _add_study_and_series(image, examination, layout)
    _add_equipment(image, examination, layout)
    _add_patient_orientation(image)
    _add_acquisition(image, examination, total=int(frames.sum(dtype=np.int64)))
    _add_image_id(image, layout, views)
    _add_frames(image, views)
    _add_isotope(image)
    _add_detectors(image, examination, views, frames.shape[1:])
    _add_pixels(image, frames, examination.camera.pixel_mm)
    _add_identity(image, examination, views)
    return image


def _uid(examination: Examination, *parts: str) -> str:
    """Return a UID that depends on nothing but the examination and the parts."""
    return generate_uid(entropy_srcs=["/".join((examination.origin, examination.patient, *parts))])


def _code(code: codes.Code) -> Dataset:
    """Return the item of a code sequence (PS3.3 Table 8.8-1)."""
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme
    item.CodeMeaning = code.meaning
    return item


def _decimal(value: float) -> str:
    """Return a value as a decimal string of at most 16 characters (PS3.5 6.2)."""
    return f"{value:.6f}"


def _add_patient(image: Dataset, examination: Examination) -> None:
    """Patient and Patient Study modules (PS3.3 C.7.1.1, C.7.2.2)."""
    person = examination.person
    image.PatientName = f"{SIMULATED_MARK}^{examination.patient}"
    image.PatientID = examination.patient
    image.PatientBirthDate = None
    image.PatientSex = person.sex
    image.PatientAge = f"{round(person.age):03d}Y"
    image.PatientSize = _decimal(person.height_mm / 1000)
    image.PatientWeight = _decimal(person.weight_kg)
    image.PatientComments = "Simulated: this is no person"


def _add_study_and_series(image: Dataset, examination: Examination, layout: Layout) -> None:
    """General Study, General Series and Frame of Reference modules (C.7.2.1, C.7.3.1, C.7.4.1)."""
    day = (FIRST_STUDY_DATE + timedelta(days=examination.number)).strftime("%Y%m%d")
    image.StudyInstanceUID = _uid(examination, "study")
    image.SeriesInstanceUID = _uid(examination, "series")
    image.FrameOfReferenceUID = _uid(examination, "frame of reference")
    image.PositionReferenceIndicator = None
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = image.ContentDate = day
    image.StudyTime = image.SeriesTime = image.AcquisitionTime = image.ContentTime = "120000"
    image.StudyID = str(examination.number)
    image.AccessionNumber = None
    image.ReferringPhysicianName = None
    image.Modality = codes.MODALITY
    image.SeriesNumber = 1
    image.StudyDescription = f"{SIMULATED_MARK} bone scan"
    image.SeriesDescription = f"{SIMULATED_MARK} {layout.series}"
    image.BodyPartExamined = "WHOLEBODY"


def _add_equipment(image: Dataset, examination: Examination, layout: Layout) -> None:
    """General Equipment module (C.7.5.1)."""
    image.Manufacturer = layout.maker
    image.ManufacturerModelName = f"Simulated {examination.camera.model}"
    image.SoftwareVersions = f"bone-scan-bundle {bonescan.__version__}"


def _add_patient_orientation(image: Dataset) -> None:
    """NM/PET Patient Orientation module (C.8.4.6): supine, feet first.

    PatientPosition, which some vendors write as well, must not stand beside it (C.7.3.1.1.2).
    """
    recumbent = _code(codes.RECUMBENT)
    recumbent.PatientOrientationModifierCodeSequence = [_code(codes.SUPINE)]
    image.PatientOrientationCodeSequence = [recumbent]
    image.PatientGantryRelationshipCodeSequence = [_code(codes.FEET_FIRST)]


def _add_acquisition(image: Dataset, examination: Examination, *, total: int) -> None:
    """General Image and NM Image modules (C.7.6.1, C.8.4.9) of a whole-body emission scan."""
    length_mm = examination.scan_velocity_mm_s * examination.duration_s
    image.ImageType = ["ORIGINAL", "PRIMARY", codes.WHOLE_BODY, codes.EMISSION]
    image.ImageComments = f"{SIMULATED_MARK} scan, not a patient. {examination.origin}"
    image.CountsAccumulated = total
    image.CountRate = round(total / examination.duration_s)
    image.ActualFrameDuration = round(1000 * examination.duration_s)  # ms
    image.ScanVelocity = _decimal(examination.scan_velocity_mm_s)
    image.ScanLength = round(length_mm)
    image.TableTraverse = _decimal(length_mm)
    image.WholeBodyTechnique = "1PS"
    image.AcquisitionTerminationCondition = "MANU"


def _add_image_id(image: Dataset, layout: Layout, views: Sequence[View]) -> None:
    """Attribute ImageID (C.8.4.9), which carries the view in single frames of older cameras."""
    suffix = layout.image_id_suffix.get(views[0], "") if len(views) == 1 else ""
    image.ImageID = f"{layout.series}{suffix}"


def _add_frames(image: Dataset, views: Sequence[View]) -> None:
    """Multi-frame and NM Multi-frame modules (C.7.6.6, C.8.4.8): one frame per detector."""
    image.NumberOfFrames = len(views)
    image.FrameIncrementPointer = [ENERGY_WINDOW_VECTOR, DETECTOR_VECTOR]
    image.EnergyWindowVector = [1] * len(views)
    image.NumberOfEnergyWindows = 1
    image.DetectorVector = list(range(1, len(views) + 1))
    image.NumberOfDetectors = len(views)


def _add_isotope(image: Dataset) -> None:
    """NM Isotope module (C.8.4.10): 99mTc medronate in one energy window."""
    limits = Dataset()
    limits.EnergyWindowLowerLimit = _decimal(codes.PHOTOPEAK_KEV * (1 - ENERGY_WINDOW_HALF_WIDTH))
    limits.EnergyWindowUpperLimit = _decimal(codes.PHOTOPEAK_KEV * (1 + ENERGY_WINDOW_HALF_WIDTH))
    window = Dataset()
    window.EnergyWindowRangeSequence = [limits]
    window.EnergyWindowName = "Tc99m_EM"
    tracer = Dataset()
    tracer.RadionuclideCodeSequence = [_code(codes.TECHNETIUM_99M)]
    tracer.RadiopharmaceuticalCodeSequence = [_code(codes.TC99M_MEDRONATE)]
    image.EnergyWindowInformationSequence = [window]
    image.RadiopharmaceuticalInformationSequence = [tracer]


def _add_detectors(
    image: Dataset, examination: Examination, views: Sequence[View], shape: tuple[int, int]
) -> None:
    """NM Detector module (C.8.4.11): one item per frame, or none where the vendor writes none."""
    layout = LAYOUTS[examination.camera.model]
    image.DetectorInformationSequence = []
    for view in views if layout.describes_detectors(views) else ():
        item = _detector(view, shape, examination.camera.pixel_mm)
        item.StartAngle = str(180 if view is View.ANTERIOR else layout.posterior_angle_deg)
        if layout.view_codes:
            item.ViewCodeSequence = [_code(codes.VIEW_CODES[view])]
        image.DetectorInformationSequence.append(item)


def _detector(view: View, shape: tuple[int, int], pixel_mm: float) -> Dataset:
    """Return one detector item; the origin of the patient's coordinates is the image's centre.

    In patient coordinates (PS3.3 C.7.6.2.1.1, x to the left, z to the head) rows go down to the
    feet; columns go to the left in the anterior view and to the right in the posterior one.
    """
    rows, columns = shape
    to_left = 1 if view is View.ANTERIOR else -1
    left_mm = -to_left * (columns - 1) / 2 * pixel_mm
    item = Dataset()
    item.CollimatorGridName = "LEHR"
    item.CollimatorType = "PARA"
    item.FieldOfViewShape = "RECTANGLE"
    item.FocalDistance = 0
    item.ZoomFactor = ["1.0", "1.0"]
    item.ImageOrientationPatient = [str(to_left), "0", "0", "0", "0", "-1"]
    item.ImagePositionPatient = [_decimal(left_mm), "0", _decimal((rows - 1) / 2 * pixel_mm)]
    return item


def _add_pixels(image: Dataset, frames: NDArray[np.uint16], pixel_mm: float) -> None:
    """Image Pixel and NM Image Pixel modules (C.7.6.3, C.8.4.7), frames (frame, row, column)."""
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.Rows, image.Columns = frames.shape[1:]
    image.PixelSpacing = [_decimal(pixel_mm)] * 2
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit = 15
    image.PixelRepresentation = 0
    image.SmallestImagePixelValue = int(frames.min())
    image.LargestImagePixelValue = int(frames.max())
    image.WindowCenter = _decimal(frames.max() / 2)
    image.WindowWidth = _decimal(max(1, frames.max()))
    image.PixelData = frames.astype("<u2").tobytes()
    image["PixelData"].VR = "OW"


def _add_identity(image: Dataset, examination: Examination, views: Sequence[View]) -> None:
    """SOP Common module (C.12.1) and file meta information (PS3.10 7.1)."""
    image.SOPClassUID = codes.NM_IMAGE_STORAGE
    image.SOPInstanceUID = _uid(examination, *views)
    # With one file per view, the posterior instance is the second of its series.
    image.InstanceNumber = tuple(View).index(views[0]) + 1
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = image.SOPClassUID
    meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    # Fixed, since pydicom would write its own version here and change the bytes with it.
    meta.ImplementationClassUID = UID(f"{PYDICOM_ROOT_UID}1")
    meta.ImplementationVersionName = "BONESCANBUNDLE"
    image.file_meta = meta
