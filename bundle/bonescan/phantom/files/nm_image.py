"""A simulated scan as a DICOM NM Image, laid out as the vendors write it (PS3.3 A.5).

The layouts follow headers of real scans. What differs between vendors is what makes reading hard:
how, if at all, a file says which frame is the anterior view.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

import bonescan
from bonescan.dicom import codes
from bonescan.dicom.elements import CODE, Element, Table, decimal_string, write
from bonescan.dicom.file import make_file_meta
from bonescan.dicom.header import EnergyWindow, FrameHeader, ImageHeader
from bonescan.dicom.mapping import RADIOPHARMACEUTICALS, write_header
from bonescan.dicom.scan import Acquisition, View
from bonescan.phantom.anatomy.person import Person
from bonescan.phantom.cameras import PHOTOPEAK_WINDOW_KEV, CameraPreset

FIRST_STUDY_DATE = date(2020, 1, 1)
"""Patient n is scanned n days later: dates are made up, but each patient has its own."""

PHOTOPEAK_WINDOW = EnergyWindow(*PHOTOPEAK_WINDOW_KEV, name="Tc99m_EM")

_SAME_IN_EVERY_FILE: Mapping[str, Any] = {
    # Patient, General Study and General Series (C.7.1.1, C.7.2.1, C.7.3.1)
    "PatientBirthDate": None,
    "PatientComments": "Simulated: this is no person",
    "AccessionNumber": None,
    "ReferringPhysicianName": None,
    "StudyDescription": f"{codes.SIMULATED_MARK} bone scan",
    "SeriesNumber": 1,
    **dict.fromkeys(("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime"), "120000"),
    "BodyPartExamined": codes.WHOLE_BODY_PART,
    # Frame of Reference, General Equipment (C.7.4.1, C.7.5.1)
    "PositionReferenceIndicator": None,
    "SoftwareVersions": f"bone-scan-bundle {bonescan.__version__}",
    # NM Image (C.8.4.9)
    "WholeBodyTechnique": "1PS",
    "AcquisitionTerminationCondition": "MANU",
    # Image Pixel (C.7.6.3)
    "PhotometricInterpretation": "MONOCHROME2",
    "BitsAllocated": 16,
    "BitsStored": 16,
    "HighBit": 15,
    "PixelRepresentation": 0,
}

_CODES: Table = (
    # NM/PET Patient Orientation (C.8.4.6), NM Isotope (C.8.4.10)
    Element("gantry_relationship", "PatientGantryRelationshipCodeSequence", CODE),
    Element("tracer", "RadiopharmaceuticalCodeSequence", CODE, RADIOPHARMACEUTICALS),
)


@dataclass(frozen=True)
class Layout:
    """How one vendor's files say what they hold.

    Attributes:
        maker: value of Manufacturer; never the vendor itself, who did not make this scan.
        series: the vendor's usual name of a whole-body series.
        posterior_angle_deg: StartAngle of the posterior detector; the anterior one has 180.
        view_codes: whether ViewCodeSequence names the view.
        scatter_name: name of the energy window for scattered photons.
        image_id_suffix: what follows the series' name in ImageID, per view. A file of one frame
            that has it describes no detector: ImageID alone then tells the view.
    """

    maker: str
    series: str
    posterior_angle_deg: int
    view_codes: bool
    scatter_name: str
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
        scatter_name="Tc99m_SC",
        image_id_suffix={View.ANTERIOR: "_E", View.POSTERIOR: "_F"},
    ),
    "Discovery NM/CT 670": Layout(
        maker="Simulated (GE layout)",
        series="WholeBody",
        posterior_angle_deg=0,
        view_codes=False,
        scatter_name="Tc99m_SC",
    ),
    "Encore2": Layout(
        maker="Simulated (older Siemens layout)",
        series="WB BONE",
        posterior_angle_deg=360,
        view_codes=False,
        scatter_name="Scatter",
    ),
    "Symbia": Layout(
        maker="Simulated (Siemens layout)",
        series="WB BONE",
        posterior_angle_deg=360,
        view_codes=True,
        scatter_name="Scatter",
    ),
}
"""Layout per camera model of bonescan.phantom.presets.CAMERAS; that Siemens writes "Scatter" is a
guess."""


@dataclass(frozen=True)
class Examination:
    """What the header of one simulated examination says, apart from the pixels.

    Attributes:
        patient: pseudonym in the cohort.
        number: number of the patient, which gives the study date.
        origin: words that name the simulation (preset, seed, version); UIDs derive from them.
        days: from the patient's first scan to this one.
    """

    patient: str
    number: int
    origin: str
    person: Person
    camera: CameraPreset
    scan_velocity_mm_s: float
    duration_s: float
    days: int = 0

    @property
    def scan_length_mm(self) -> float:
        """Distance that the bed moves during the scan."""
        return self.scan_velocity_mm_s * self.duration_s


def nm_image(
    examination: Examination,
    counts: Mapping[View, NDArray[np.uint16]],
    scatter: Mapping[View, NDArray[np.uint16]] | None = None,
) -> Dataset:
    """Return one NM Image instance that holds the given views as frames, in their order.

    Args:
        examination: facts of the examination.
        counts: uint16 (row, column) per view, in acquisition geometry.
        scatter: the same views in the scatter window, which follow those of the photopeak; None
            stores the photopeak alone.
    """
    views = tuple(counts)
    windows = [counts] if scatter is None else [counts, scatter]
    frames = np.stack([window[view] for window in windows for view in views])  # (frame, row, col)
    shape = frames.shape[1:]
    image = Dataset()
    write_header(_header(examination, views, shape, windows=len(windows)), image)
    codes_of_all = {"gantry_relationship": codes.FEET_FIRST, "tracer": codes.TC99M_MEDRONATE}
    write(codes_of_all, image, _CODES)
    _put(image, _SAME_IN_EVERY_FILE)
    _put(image, _patient_and_study(examination))
    _put(image, _counts_and_pixels(examination, frames))
    image["PixelData"].VR = "OW"
    for item, view in zip(image.DetectorInformationSequence, views, strict=False):
        _put(item, _detector(view, shape, examination.camera.pixel_mm))
    # With one file per view, the posterior instance is the second of its series.
    image.InstanceNumber = tuple(View).index(views[0]) + 1
    image.file_meta = make_file_meta(image)
    return image


def _put(dataset: Dataset, values: Mapping[str, Any]) -> None:
    """Write values that are no facts of a header under their keywords."""
    for keyword, value in values.items():
        setattr(dataset, keyword, value)


def _uid(examination: Examination, *parts: str) -> str:
    """Return a UID that depends on nothing but the examination and the parts."""
    return generate_uid(entropy_srcs=["/".join((examination.origin, examination.patient, *parts))])


def _header(
    examination: Examination, views: Sequence[View], shape: tuple[int, int], *, windows: int
) -> ImageHeader:
    """Return what is read of a file that holds these views: supine, as bone scans are made.

    A file of one view of older cameras names it in ImageID and describes no detector. Frames go
    through the detectors within each energy window.
    """
    layout, camera = LAYOUTS[examination.camera.model], examination.camera
    pixel_mm = camera.pixel_mm
    detectors = layout.describes_detectors(views)
    frames = [
        _frame(view, number, layout) if detectors else FrameHeader()
        for number, view in enumerate(views, start=1)
    ]
    scatter_window = EnergyWindow(*camera.scatter_window_kev, name=layout.scatter_name)
    suffix = layout.image_id_suffix.get(views[0], "") if len(views) == 1 else ""
    return ImageHeader(
        modality=codes.MODALITY,
        sop_class_uid=codes.NM_IMAGE_STORAGE,
        sop_instance_uid=_uid(examination, *views),
        image_type=("ORIGINAL", "PRIMARY", codes.WHOLE_BODY, codes.EMISSION),
        rows=shape[0],
        columns=shape[1],
        frames=tuple(
            replace(frame, energy_window=window)
            for window in range(1, windows + 1)
            for frame in frames
        ),
        detectors=len(views),
        energy_windows=(PHOTOPEAK_WINDOW, scatter_window)[:windows],
        image_id=f"{layout.series}{suffix}",
        series_description=f"{codes.SIMULATED_MARK} {layout.series}",
        prone=False,
        spacing_mm=(pixel_mm, pixel_mm),
        acquisition=Acquisition(
            manufacturer=layout.maker,
            model=f"Simulated {camera.model}",
            collimator="LEHR" if detectors else None,
            radionuclide=codes.TECHNETIUM_99M.meaning,
            scan_velocity_mm_s=examination.scan_velocity_mm_s,
            scan_length_mm=examination.scan_length_mm,
            duration_s=examination.duration_s,
            simulated=True,
        ),
    )


def _frame(view: View, detector: int, layout: Layout) -> FrameHeader:
    return FrameHeader(
        detector=detector,
        view_code=codes.VIEW_CODES[view] if layout.view_codes else None,
        start_angle_deg=180 if view is View.ANTERIOR else layout.posterior_angle_deg,
    )


def _patient_and_study(examination: Examination) -> dict[str, Any]:
    """Patient, Patient Study, General Study and Series, Frame of Reference (C.7.1.1 to C.7.4.1)."""
    person = examination.person
    days = timedelta(days=examination.number + examination.days)
    day = (FIRST_STUDY_DATE + days).strftime("%Y%m%d")
    return {
        "PatientName": f"{codes.SIMULATED_MARK}^{examination.patient}",
        "PatientID": examination.patient,
        "PatientSex": person.sex,
        "PatientAge": f"{round(person.age):03d}Y",
        "PatientSize": decimal_string(person.height_mm / 1000),
        "PatientWeight": decimal_string(person.weight_kg),
        "StudyID": str(examination.number),
        "StudyInstanceUID": _uid(examination, "study"),
        "SeriesInstanceUID": _uid(examination, "series"),
        "FrameOfReferenceUID": _uid(examination, "frame of reference"),
        **dict.fromkeys(("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"), day),
    }


def _counts_and_pixels(examination: Examination, frames: NDArray[np.uint16]) -> dict[str, Any]:
    """General Image, NM Image, Image Pixel and VOI LUT (C.7.6.1, C.8.4.9, C.7.6.3, C.11.2).

    Args:
        examination: facts of the examination.
        frames: (frame, row, column) counts.
    """
    total = int(frames.sum(dtype=np.int64))
    return {
        "ImageComments": f"{codes.SIMULATED_MARK} scan, not a patient. {examination.origin}",
        "CountsAccumulated": total,
        "CountRate": round(total / examination.duration_s),
        "TableTraverse": decimal_string(examination.scan_length_mm),
        "SmallestImagePixelValue": int(frames.min()),
        "LargestImagePixelValue": int(frames.max()),
        "WindowCenter": decimal_string(frames.max() / 2),
        "WindowWidth": decimal_string(max(1, frames.max())),
        "PixelData": frames.astype("<u2").tobytes(),
    }


def _detector(view: View, shape: tuple[int, int], pixel_mm: float) -> dict[str, Any]:
    """NM Detector module (C.8.4.11); the origin of the patient's coordinates is the image's centre.

    In patient coordinates (PS3.3 C.7.6.2.1.1, x to the left, z to the head) rows go down to the
    feet; columns go to the left in the anterior view and to the right in the posterior one.
    """
    rows, columns = shape
    to_left = 1 if view is View.ANTERIOR else -1
    left_mm, up_mm = -to_left * (columns - 1) / 2 * pixel_mm, (rows - 1) / 2 * pixel_mm
    return {
        "CollimatorType": "PARA",
        "FieldOfViewShape": "RECTANGLE",
        "FocalDistance": 0,
        "ZoomFactor": ["1.0", "1.0"],
        "ImageOrientationPatient": [str(to_left), "0", "0", "0", "0", "-1"],
        "ImagePositionPatient": [decimal_string(left_mm), "0", decimal_string(up_mm)],
    }
