"""What happens between the expectation and the counts: one scan by one camera, and its faults.

Everything here moves expected counts or multiplies them, so that the noise stays Poisson.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import View
from bonescan.phantom.cameras import CameraPreset
from bonescan.phantom.imaging.bases import Bases
from bonescan.phantom.imaging.bed import draw_bed_fault, posterior_transmission
from bonescan.phantom.imaging.collimator import add_penetration
from bonescan.phantom.imaging.motion import Motion, draw_motions
from bonescan.phantom.imaging.uniformity import column_gains, draw_fault

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Acquisition:
    """One scan: how both detectors count, and who moved.

    Attributes:
        camera: the model.
        gains: what of the expected counts is counted, by view, (row, column).
        motions: movements during the scan.
        faults: the views in which each movement and fault of detector or bed shows, by its name.
    """

    camera: CameraPreset
    gains: Mapping[View, NDArray[np.float32]]
    motions: tuple[Motion, ...]
    faults: Mapping[str, tuple[View, ...]]

    def faults_in(self, views: Iterable[View]) -> tuple[str, ...]:
        """Return the names of the faults that show in some views."""
        kept = set(views)
        return tuple(name for name, of_fault in self.faults.items() if kept & set(of_fault))

    def moved(self, image: NDArray[T], view: View) -> NDArray[T]:
        """Return an image or a map (row, column) of a view with what moved during the scan."""
        columns = (self.camera.first_column, self.camera.last_column)
        for motion in self.motions:
            image = motion.apply(image, view, columns)
        return image

    def seen(self, expected: NDArray[np.float32], view: View) -> NDArray[np.float32]:
        """Return what the detector of a view expects to count, (row, column).

        Args:
            expected: counts of a patient at rest behind an ideal detector.
            view: of the detector.
        """
        penetrated = add_penetration(self.moved(expected, view), self.camera.pixel_mm)
        penetrated *= self.gains[view]
        return penetrated


def draw_acquisition(bases: Bases, rng: np.random.Generator, *, unit: int) -> Acquisition:
    """Draw how one scan goes; mostly well.

    Args:
        bases: the body under the camera.
        rng: source of what belongs to the scan.
        unit: which camera of its model; what belongs to it is the same in every scan.
    """
    body, camera, geometry = bases.body, bases.camera, bases.geometry
    rows, columns = bases.thickness.shape
    even = np.ones((rows, columns), np.float32)
    gains = {view: even * column_gains(camera, view, unit=unit, columns=columns) for view in View}
    gains[View.POSTERIOR] *= posterior_transmission(body, camera, rng, unit=unit)
    motions = draw_motions(body, bases.regions, rng)
    faults = {f"{motion.part} movement": tuple(View) for motion in motions}
    fault = draw_fault(camera, columns, rng)
    if fault is not None:
        gains[fault.view] *= fault.gains
        faults[fault.name] = (fault.view,)
    bed_fault = draw_bed_fault(rows, geometry.first_row, geometry.last_row, camera.pixel_mm, rng)
    if bed_fault is not None:
        gains = {view: gain * bed_fault.gains[:, None] for view, gain in gains.items()}
        faults[bed_fault.name] = tuple(View)
    return Acquisition(camera, gains, motions, faults)
