"""A planar whole-body bone scan as frozen objects that know nothing of DICOM tags."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.grid import ViewGrid

T = TypeVar("T", bound=np.generic)


class View(StrEnum):
    """Side of the patient that the detector faces; the order here is the order of a view stack."""

    ANTERIOR = "anterior"
    POSTERIOR = "posterior"

    @property
    def other(self) -> "View":
        """The view from the other side."""
        return View.POSTERIOR if self is View.ANTERIOR else View.ANTERIOR


class ViewSource(StrEnum):
    """What told which view is which; the order is that of trust."""

    BY_HAND = "by hand"
    CODE = "code"
    ANGLE = "angle"
    TEXT = "text"
    ORDER = "order"
    """The order of the frames, as the layout of a file without a header for it has it."""
    IMAGE = "image"
    """What the image looks like, where nothing else speaks."""
    GUESS = "guess"


class ContentCheck(StrEnum):
    """Whether the images look like the views that they are said to be."""

    AGREES = "agrees"
    UNSURE = "not sure"
    CONTRADICTS = "contradicts"


def mirrored(plane: NDArray[T], view: View) -> NDArray[T]:
    """Lay a plane (row, column) of the posterior view on the anterior one, or put it back.

    A camera records the posterior view as seen from behind: flipped along its columns, a (row,
    column) is the same place of the body in both views. The anterior view stays as it is.
    """
    return plane[:, ::-1] if view is View.POSTERIOR else plane


@dataclass(frozen=True)
class Acquisition:
    """How the scan was made, as far as the header says; None where it does not.

    Nothing here identifies a patient.
    """

    manufacturer: str | None = None
    model: str | None = None
    collimator: str | None = None
    radionuclide: str | None = None
    scan_velocity_mm_s: float | None = None
    scan_length_mm: float | None = None
    duration_s: float | None = None
    simulated: bool = False


@dataclass(frozen=True)
class Source:
    """Where one view comes from: what is needed to write results back to DICOM."""

    path: Path
    frame: int
    sop_class_uid: str = ""
    sop_instance_uid: str = field(default="", repr=False)


@dataclass(frozen=True)
class ScanFacts:
    """What is known of a scan besides its counts.

    Attributes:
        spacing_mm: (row, column) pixel spacing in mm.
        scan_id: keyed hash that names the scan; carries no patient identifier.
        acquisition: how the scan was made.
        sources: the file and frame of each view.
        view_source: what told which view is which.
        content_check: whether the images look like these views.
        acquired: day of the acquisition; None where it is not known.
        patient_key: keyed hash of who was scanned, empty where it is not known: the same in two
            scans of one patient. Neither is written anywhere.
    """

    spacing_mm: tuple[float, float]
    scan_id: str
    acquisition: Acquisition
    sources: Mapping[View, Source]
    view_source: ViewSource
    content_check: ContentCheck
    acquired: date | None = field(default=None, repr=False, kw_only=True)
    patient_key: str = field(default="", repr=False, kw_only=True)

    @property
    def views(self) -> tuple[View, ...]:
        """Views that are present, anterior first."""
        return tuple(view for view in View if view in self.sources)


@dataclass(frozen=True)
class BoneScan(ScanFacts):
    """One patient's planar whole-body acquisition, from whatever kind of file.

    Attributes:
        counts: float32 counts (row, column) per view, as acquired: the posterior view as seen from
            behind (patient's right on the image's right). Views of one scan have one size.
    """

    counts: Mapping[View, NDArray[np.float32]]

    @property
    def size(self) -> tuple[int, int]:
        """(rows, columns) of each view."""
        rows, columns = self.counts[self.views[0]].shape
        return rows, columns

    @property
    def grid(self) -> ViewGrid:
        """Views and pixels, which every map over the scan must have."""
        return ViewGrid(self.views, self.size, self.spacing_mm)

    @property
    def facts(self) -> ScanFacts:
        """What is known of the scan, without the memory that its counts take."""
        return ScanFacts(
            self.spacing_mm,
            self.scan_id,
            self.acquisition,
            self.sources,
            self.view_source,
            self.content_check,
            acquired=self.acquired,
            patient_key=self.patient_key,
        )

    def stack(self) -> NDArray[np.float32]:
        """Return the counts as (view, row, column), anterior first."""
        return np.stack([self.counts[view] for view in self.views])
