"""What inference knows of a scan: the one object that every writer of results takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import Source, View
from bonescan.labels import Label
from bonescan.measures.findings import Finding, find_lesions
from bonescan.report.provenance import Provenance


@dataclass(frozen=True, eq=False)
class ScanResult:
    """A scan and what a system says of it; all arrays in acquisition geometry.

    Attributes:
        scan_id: keyed hash that names the scan.
        views: names of the views along the first axis of the arrays.
        spacing_mm: (row, column) pixel spacing.
        sources: file and frame of each view.
        view_source: what told which view is which (bonescan.dicom.scan.ViewSource).
        content_check: whether the images look like their views
            (bonescan.dicom.scan.ContentCheck).
        simulated: whether the header says that the scan is simulated.
        mirrored_copy: whether the scan is a mirrored copy of an image set.
        counts: counts as acquired (view, row, column).
        label_map: a value of bonescan.labels.Label for each pixel (view, row, column), uint8.
        prob: probability of metastasis, or a score in its place (view, row, column), 0..1.
        instances: number of the instance that owns each pixel (view, row, column), 0 where there
            is none; None where the system does not tell lesions apart.
        field: field that was searched for lesions, such as "thorax".
        field_mask: the pixels of that field (view, row, column).
        provenance: what made the result.

    Raises:
        ValueError: if an array does not have the shape of the counts.
    """

    scan_id: str
    views: Sequence[View]
    spacing_mm: tuple[float, float]
    sources: Mapping[View, Source]
    view_source: str
    content_check: str
    simulated: bool
    mirrored_copy: bool
    counts: NDArray[np.floating]
    label_map: NDArray[np.uint8]
    prob: NDArray[np.floating]
    instances: NDArray[np.integer] | None
    field: str
    field_mask: NDArray[np.bool_]
    provenance: Provenance

    def __post_init__(self) -> None:
        shape = self.counts.shape
        if len(shape) != 3 or shape[0] != len(self.views):
            raise ValueError(
                f"counts must be (view, row, column) of {len(self.views)} views, got {shape}"
            )
        for name in ("label_map", "prob", "instances", "field_mask"):
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ValueError(
                    f"{name} must have the counts' shape {shape}, got {array.shape}: what the "
                    "transforms did to the pixels must be inverted first"
                )

    @property
    def files(self) -> tuple[Path, ...]:
        """Files of the scan, each once, in the order of their names."""
        return tuple(sorted({source.path for source in self.sources.values()}, key=str))

    def mask(self, label: Label) -> NDArray[np.bool_]:
        """Return where the label map has a value (view, row, column)."""
        return self.label_map == label

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Metastases of all views, view by view, measured on the counts."""
        mask = self.mask(Label.METASTASIS)
        return tuple(
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
            )
        )
