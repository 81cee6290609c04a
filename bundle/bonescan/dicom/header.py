"""What the header of one DICOM file says, before any judgement; knows nothing of tags."""

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from bonescan.dicom.codes import Code
from bonescan.dicom.scan import Acquisition
from bonescan.dicom.words import ViewLabel

_GE = re.compile(r"(?<![A-Z])(GE|GEMS|GENERAL ELECTRIC|ELGEMS)(?![A-Z])")
"""Manufacturer, in upper case, of files whose ImageID may end in _E or _F."""

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
        birth_digest: digest of the day of birth.
        sex_digest: digest of the patient's sex.
        age_digest: digest of the patient's age.
        series_digest: digest of the series' identifier.
        time_digest: digest of the second at which the acquisition began.
        acquired: day of the acquisition.
        image_type: values of the image type, upper case.
        recompressed: whether the file is compressed, or says that it was.
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
        prone: whether the patient lay prone by the coded orientation; None if it does not say.
        prone_by_position: the same by the patient's position in the gantry.
        orientation: sides of the patient to which rows and columns run (PS3.3 C.7.6.1.1.1).
        spacing_mm: (row, column) spacing, None if absent or impossible.
        acquisition: facts of the acquisition.
    """

    path: Path = Path()
    modality: str = ""
    sop_class_uid: str = ""
    sop_instance_uid: str = field(default="", repr=False)
    study_digest: str = field(default="", repr=False)
    patient_digest: str = field(default="", repr=False)
    birth_digest: str = field(default="", repr=False)
    sex_digest: str = field(default="", repr=False)
    age_digest: str = field(default="", repr=False)
    series_digest: str = field(default="", repr=False)
    time_digest: str = field(default="", repr=False)
    acquired: date | None = field(default=None, repr=False)
    image_type: tuple[str, ...] = ()
    recompressed: bool = False
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
    prone_by_position: bool | None = None
    orientation: tuple[str, ...] = ()
    spacing_mm: tuple[float, float] | None = None
    acquisition: Acquisition = field(default_factory=Acquisition)

    @property
    def owner(self) -> tuple[str, str]:
        """Digests of study and patient: enough to see that two files do not belong together."""
        return self.study_digest, self.patient_digest

    @property
    def person(self) -> tuple[str, str, str]:
        """Digests of the patient's identifier, day of birth and sex."""
        return self.patient_digest, self.birth_digest, self.sex_digest

    def is_same_patient(self, other: "ImageHeader") -> bool:
        """Say whether nothing that both headers give speaks for two patients or studies."""
        mine = (*self.owner, self.sex_digest, self.age_digest)
        its = (*other.owner, other.sex_digest, other.age_digest)
        return all(not (a and b) or a == b for a, b in zip(mine, its, strict=True))

    def is_same_acquisition(self, other: "ImageHeader") -> bool:
        """Say whether two files were taken at once: at one time, or else in one series.

        What is not given in both says nothing against it.
        """
        if not self.is_same_patient(other):
            return False
        if self.time_digest and other.time_digest:
            return self.time_digest == other.time_digest
        series = {self.series_digest, other.series_digest} - {""}
        return len(series) < 2

    @property
    def labels(self) -> tuple[ViewLabel, ...]:
        """Texts that may name the view of a file with one view.

        Suffixes for views are written by GE alone, into ImageID and private elements.
        """
        by_ge = bool(
            self.private_labels or _GE.search((self.acquisition.manufacturer or "").upper())
        )
        labels = [
            ViewLabel("ImageID", self.image_id, suffixed=by_ge),
            ViewLabel("SeriesDescription", self.series_description),
        ]
        labels += [
            ViewLabel("a private label", text, suffixed=True) for text in self.private_labels
        ]
        return tuple(label for label in labels if label.text)
