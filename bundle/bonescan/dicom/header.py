"""What the header of one DICOM file says, before any judgement; knows nothing of tags."""

from dataclasses import dataclass, field
from pathlib import Path

from bonescan.dicom.codes import Code
from bonescan.dicom.scan import Acquisition

_PLAUSIBLE_SPACING_MM = (0.1, 50.0)
"""Whole-body pixels measure 1 to 5 mm; outside this range the header means something else."""


def is_plausible_spacing(value_mm: float) -> bool:
    """Say whether a number can be the pixel spacing of a whole-body scan, in mm."""
    low, high = _PLAUSIBLE_SPACING_MM
    return low <= value_mm <= high


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
        energy_window: number of the energy window, from 1.
        detector: number of the detector, from 1.
        view_code: code of the view; None if there is none.
        start_angle_deg: angle of the detector.
    """

    energy_window: int = 1
    detector: int = 1
    view_code: Code | None = None
    start_angle_deg: float | None = None


@dataclass(frozen=True, kw_only=True)
class ImageHeader:
    """What the header of one file says; what it does not say has the default.

    Attributes:
        path: the file that it was read from, for messages.
        modality: kind of equipment.
        sop_class_uid: class of the object.
        sop_instance_uid: its identifier.
        study_digest: digest of the study's identifier, which is not kept itself.
        patient_digest: digest of the patient's identifier.
        image_type: values of the image type, upper case.
        samples_per_pixel: 1 for a grey image.
        burned_in: whether the header says that text is burned into the pixels.
        rows: rows of a frame.
        columns: columns of a frame.
        frames: one entry per frame.
        detectors: number of detectors.
        energy_windows: one entry per energy window, in the order of their numbers.
        image_id: what the operator or the camera calls the image.
        series_description: what the operator calls the series.
        private_labels: texts of private elements in which vendors write the view.
        prone: whether the patient lay prone; None if the header does not say.
        spacing_mm: (row, column) spacing, None if absent or impossible.
        acquisition: facts of the acquisition.
    """

    path: Path = Path()
    modality: str = ""
    sop_class_uid: str = ""
    sop_instance_uid: str = field(default="", repr=False)
    study_digest: str = field(default="", repr=False)
    patient_digest: str = field(default="", repr=False)
    image_type: tuple[str, ...] = ()
    samples_per_pixel: int = 1
    burned_in: bool = False
    rows: int = 0
    columns: int = 0
    frames: tuple[FrameHeader, ...] = (FrameHeader(),)
    detectors: int = 1
    energy_windows: tuple[EnergyWindow, ...] = ()
    image_id: str = field(default="", repr=False)
    series_description: str = field(default="", repr=False)
    private_labels: tuple[str, ...] = field(default=(), repr=False)
    prone: bool | None = None
    spacing_mm: tuple[float, float] | None = None
    acquisition: Acquisition = field(default_factory=Acquisition)

    @property
    def owner(self) -> tuple[str, str]:
        """Digests of study and patient: enough to see that two files do not belong together."""
        return self.study_digest, self.patient_digest

    @property
    def labels(self) -> tuple[str, ...]:
        """Texts that may name the view, in the order in which they are believed.

        A text may hold anything, so it is never shown.
        """
        return tuple(filter(None, (self.image_id, self.series_description, *self.private_labels)))
