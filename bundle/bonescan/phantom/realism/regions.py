"""The true regions of one simulated view."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import View
from bonescan.labels import region_bit
from bonescan.phantom.patient import SimulatedView


@dataclass(frozen=True)
class Regions:
    """Masks of one view's regions, in acquisition geometry.

    Attributes:
        view: the view.
        image: the simulated view.
        pixel_mm: size of its pixels.
    """

    view: View
    image: SimulatedView
    pixel_mm: float

    def bones(self, *names: str) -> NDArray[np.bool]:
        """Return where at least one of the regions lies."""
        bits = sum(region_bit(name) for name in names)
        return (self.image.regions & bits) != 0

    def px(self, mm: float) -> int:
        """Return a length in whole pixels."""
        return round(mm / self.pixel_mm)
