"""A scan and what a system says of it, as far as measures need it."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import View
from bonescan.labels import Label
from bonescan.measures.findings import Finding, find_lesions, number_pixels
from bonescan.measures.pairing import number_lesions
from bonescan.measures.regions import assign_pixels, region_of
from bonescan.metrics.calibration import Calibration


@dataclass(frozen=True, eq=False, kw_only=True)
class AssessedScan:
    """Counts, and the lesions in them; all arrays in acquisition geometry.

    Attributes:
        views: names of the views along the first axis of the arrays.
        spacing_mm: (row, column) pixel spacing.
        counts: counts as acquired (view, row, column).
        label_map: a value of bonescan.labels.Label for each pixel (view, row, column), uint8.
        prob: probability of metastasis, or a score in its place (view, row, column), 0..1;
            calibrated, where the calibration was fitted.
        calibration: from the probabilities of pixels to those of lesions and of the scan.
        instances: number of the instance that owns each pixel (view, row, column), 0 where there
            is none; None where the system does not tell lesions apart.
        regions: bits of bonescan.labels.REGIONS (view, row, column), int64; None where the regions
            of the skeleton are not known.
        field: field that was searched for lesions, such as "thorax".
        field_mask: the pixels of that field (view, row, column).
        view_source: what told which view is which (bonescan.dicom.scan.ViewSource).
        content_check: whether the images look like their views
            (bonescan.dicom.scan.ContentCheck).
        acquired: day of the scan; None where it is not known. Only what `identified` allows may
            write it; numbers of days between scans say nothing of it.
        patient_key: keyed hash of the patient's identifier, empty where it is not known; tells
            whether two scans are of one patient, and is written nowhere.

    Raises:
        ValueError: if an array does not have the shape of the counts.
    """

    views: Sequence[View]
    spacing_mm: tuple[float, float]
    counts: NDArray[np.floating]
    label_map: NDArray[np.uint8]
    prob: NDArray[np.floating]
    calibration: Calibration = dataclasses.field(default_factory=Calibration)
    instances: NDArray[np.integer] | None = None
    regions: NDArray[np.int64] | None = None
    field: str
    field_mask: NDArray[np.bool_]
    view_source: str
    content_check: str
    acquired: date | None = dataclasses.field(default=None, repr=False)
    patient_key: str = dataclasses.field(default="", repr=False)

    def __post_init__(self) -> None:
        shape = self.counts.shape
        if len(shape) != 3 or shape[0] != len(self.views):
            raise ValueError(
                f"counts must be (view, row, column) of {len(self.views)} views, got {shape}"
            )
        for name in ("label_map", "prob", "instances", "regions", "field_mask"):
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ValueError(
                    f"{name} must have the counts' shape {shape}, got {array.shape}: what the "
                    "transforms did to the pixels must be inverted first"
                )

    def mask(self, label: Label) -> NDArray[np.bool_]:
        """Return where the label map has a value (view, row, column)."""
        return self.label_map == label

    @property
    def pixel_mm2(self) -> float:
        """Area of a pixel."""
        return self.spacing_mm[0] * self.spacing_mm[1]

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Metastases of all views, view by view, measured on the counts.

        Each names its region where the regions are known, and the number of its lesion.
        """
        mask, bladder_mask = self.mask(Label.METASTASIS), self.mask(Label.BLADDER)
        findings = [
            finding
            for number, view in enumerate(self.views)
            for finding in find_lesions(
                mask[number],
                self.counts[number],
                self.spacing_mm,
                view,
                field_mask=self.field_mask[number],
                prob=self.prob[number],
                instances=None if self.instances is None else self.instances[number],
                bladder_mask=bladder_mask[number],
            )
        ]
        return number_lesions(
            [self._name_region(self._state_probability(finding)) for finding in findings],
            dict(zip(self.views, self.finding_numbers, strict=True)),
            self.spacing_mm,
        )

    @cached_property
    def probability(self) -> float | None:
        """Calibrated probability that the field shows a metastasis; None if none was fitted."""
        return self.calibration.of_scan(float(self.prob.max()))

    @cached_property
    def finding_numbers(self) -> NDArray[np.int32]:
        """Finding.number of each pixel of a lesion, by view (view, row, column); 0 elsewhere."""
        instances = self.instances if self.instances is not None else [None] * len(self.views)
        masks = self.mask(Label.METASTASIS)
        return np.stack(
            [number_pixels(mask, owner) for mask, owner in zip(masks, instances, strict=True)]
        )

    @cached_property
    def lesion_regions(self) -> NDArray[np.int16] | None:
        """The one region of each pixel of a lesion (see bonescan.measures.regions.assign_pixels).

        (view, row, column); None where the regions are not known.
        """
        if self.regions is None:
            return None
        return np.stack(
            [
                assign_pixels(regions, numbers, view)
                for regions, numbers, view in zip(
                    self.regions, self.finding_numbers, self.views, strict=True
                )
            ]
        )

    def _state_probability(self, finding: Finding) -> Finding:
        probability = self.calibration.of_lesion(finding.score)
        return dataclasses.replace(finding, probability=probability)

    def _name_region(self, finding: Finding) -> Finding:
        if self.regions is None:
            return finding
        number = list(self.views).index(finding.view)
        top, left, last_row, last_column = finding.box_px
        box = (number, slice(top, last_row + 1), slice(left, last_column + 1))
        bits = self.regions[box][self.finding_numbers[box] == finding.number]
        return dataclasses.replace(finding, region=region_of(bits, finding.view))
