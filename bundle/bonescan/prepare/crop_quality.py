"""Measure a thorax crop against the true bone regions of a simulated scan."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import View, mirrored
from bonescan.errors import ScanError
from bonescan.labels import SIDES, region_bit
from bonescan.phantom.patient import SimulatedPatient, simulate_patient
from bonescan.phantom.presets import Preset
from bonescan.transforms.body import Mask
from bonescan.transforms.landmarks import ThoraxLandmarks, find_thorax

LATERAL_RIB_MM = 10.0
"""Outermost part of the ribs that a crop may lose: arms lie against it."""

MOST_OUTSIDE_MM = 25.0
"""Length of neck or pelvis that a crop may hold."""

TRUNK_BONES = ("manubrium", "sternum", *(f"t{number}" for number in range(1, 13)))


@dataclass(frozen=True)
class CropQuality:
    """How well a crop holds the thorax and nothing but it.

    Attributes:
        lost_mm: how far the thorax stands out over each side of the crop, 0 or more:
            top, bottom, left, right of the image.
        neck_mm: length of neck above the top of C7 in the crop, 0 or more.
        pelvis_mm: length of pelvis below the top of the iliac crest in the crop, 0 or more.
    """

    lost_mm: tuple[float, float, float, float]
    neck_mm: float
    pelvis_mm: float

    @property
    def holds_thorax(self) -> bool:
        """Whether all of the thorax is inside."""
        return max(self.lost_mm) == 0

    @property
    def is_narrow(self) -> bool:
        """Whether it holds hardly more, MOST_OUTSIDE_MM of neck and of pelvis at most."""
        return max(self.neck_mm, self.pelvis_mm) <= MOST_OUTSIDE_MM


def measure_simulated(preset: Preset, *, seed: int, number: int) -> CropQuality | None:
    """Simulate a patient and measure the crop that is found on the sum of the views.

    Args:
        preset: what the patient is like.
        seed: of the cohort.
        number: of the patient in it, from 1.

    Returns:
        The lengths; None if the crop is refused.
    """
    return measure_patient_crop(simulate_patient(preset, seed=seed, number=number))


def measure_patient_crop(patient: SimulatedPatient) -> CropQuality | None:
    """Measure the crop that is found on the sum of a simulated patient's views.

    Returns:
        The lengths; None if the crop is refused.
    """
    landmarks = find_crop(patient)
    if landmarks is None:
        return None
    spacing_mm = (patient.camera.pixel_mm, patient.camera.pixel_mm)
    return measure_crop(landmarks, patient.views[View.ANTERIOR].regions, spacing_mm)


def find_crop(patient: SimulatedPatient) -> ThoraxLandmarks | None:
    """Find the crop, in the geometry of the anterior view, on the sum of the patient's views.

    Returns:
        The landmarks; None if the crop is refused.
    """
    views = [mirrored(image.counts, view) for view, image in patient.views.items()]
    spacing_mm = (patient.camera.pixel_mm, patient.camera.pixel_mm)
    try:
        return find_thorax(np.sum(views, axis=0, dtype=np.float64), spacing_mm)
    except ScanError:
        return None


def measure_crop(
    landmarks: ThoraxLandmarks, regions: NDArray[np.int64], spacing_mm: tuple[float, float]
) -> CropQuality:
    """Compare a crop with the bones.

    Args:
        landmarks: of the crop.
        regions: (row, column) region map (bonescan.labels.REGIONS) in the geometry of the anterior
            view.
        spacing_mm: (row, column) pixel spacing.

    Returns:
        The lengths in mm. The thorax is T1 to T12, manubrium, sternum and all ribs except their
        outer 10 mm.
    """
    row_mm, column_mm = spacing_mm
    rows, columns = np.nonzero(_find_thorax_bones(regions, column_mm))
    lost_mm = (
        (landmarks.row_start - rows.min()) * row_mm,
        (rows.max() + 1 - landmarks.row_stop) * row_mm,
        (landmarks.column_start - columns.min()) * column_mm,
        (columns.max() + 1 - landmarks.column_stop) * column_mm,
    )
    neck_row = np.nonzero(regions & region_bit("c7"))[0].min()
    crest = region_bit("pelvis_left") | region_bit("pelvis_right")
    crest_row = np.nonzero(regions & crest)[0].min()
    top, bottom, left, right = (max(float(lost), 0.0) for lost in lost_mm)
    return CropQuality(
        lost_mm=(top, bottom, left, right),
        neck_mm=max(float(neck_row - landmarks.row_start) * row_mm, 0.0),
        pelvis_mm=max(float(landmarks.row_stop - crest_row) * row_mm, 0.0),
    )


def _find_thorax_bones(regions: NDArray[np.int64], column_mm: float) -> Mask:
    mask = np.asarray((regions & sum(region_bit(name) for name in TRUNK_BONES)) != 0)
    margin = round(LATERAL_RIB_MM / column_mm)
    for side in SIDES:
        ribs = (regions & region_bit(f"ribs_{side}")) != 0
        columns = np.flatnonzero(ribs.any(axis=0))
        if side == "right":  # on the left of the image
            ribs[:, : columns[0] + margin] = False
        else:
            ribs[:, columns[-1] + 1 - margin :] = False
        mask |= ribs
    return mask
