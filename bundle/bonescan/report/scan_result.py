"""What inference knows of a scan: the one object that every writer of results takes."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import Source, View
from bonescan.measures.assessed_scan import AssessedScan
from bonescan.measures.burden import Burden, measure_burden
from bonescan.measures.change import Change, compare_scans
from bonescan.measures.quality import Edge, Flag, FlagCode, find_flags
from bonescan.report.drawing import render
from bonescan.report.overlay import draw_overlay
from bonescan.report.provenance import Provenance


@dataclass(frozen=True, eq=False, kw_only=True)
class ScanResult(AssessedScan):
    """A scan and what a system says of it; all arrays in acquisition geometry.

    Attributes:
        scan_id: keyed hash that names the scan.
        sources: file and frame of each view.
        simulated: whether the header says that the scan is simulated.
        mirrored_copy: whether the scan is a mirrored copy of an image set.
        provenance: what made the result.
        earlier: results of earlier scans of the patient, the oldest first.
        therapy_start: first day of the therapy whose effect is looked at.
        site_probs: probability of metastasis by site (bonescan.labels.REPORT_SITES), where the
            system tells sites.
        scan_prob: probability that the scan shows a metastasis at all, where the system says so
            beside its map.
    """

    scan_id: str
    sources: Mapping[View, Source]
    simulated: bool
    mirrored_copy: bool
    provenance: Provenance
    earlier: Sequence["ScanResult"] = ()
    therapy_start: date | None = dataclasses.field(default=None, repr=False)
    site_probs: Mapping[str, float] | None = None
    scan_prob: float | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Files of the scan, each once, in the order of their names."""
        return tuple(sorted({source.path for source in self.sources.values()}, key=str))

    @cached_property
    def burden(self) -> Burden:
        """Tumour burden of the assessed field."""
        return measure_burden(self)

    @property
    def scope(self) -> str:
        """What was assessed, so that nobody takes a part for the whole body."""
        if not self.burden.whole_body:
            return f"{self.field} only"
        return f"{self.field}, as far as the image shows it" if self.is_cut_short else self.field

    @property
    def cut_edges(self) -> tuple[Edge, ...]:
        """Edges of the image at which it cuts the body, in any view."""
        cut = {flag.values["edge"] for flag in self.flags if flag.code is FlagCode.CUT_BODY}
        return tuple(edge for edge in Edge if edge in cut)

    @property
    def is_cut_short(self) -> bool:
        """Whether the image ends before the head or the feet do."""
        return not {Edge.UPPER, Edge.LOWER}.isdisjoint(self.cut_edges)

    @cached_property
    def flags(self) -> tuple[Flag, ...]:
        """What speaks against believing the result, the gravest first."""
        return find_flags(self)

    @cached_property
    def picture(self) -> NDArray[np.uint8]:
        """Views with the findings as bonescan.report.overlay draws them, RGB (row, column, 3)."""
        return render(draw_overlay(self))

    @cached_property
    def change(self) -> Change | None:
        """Change since the last of the earlier scans; None without one.

        Raises:
            ScanError: if an earlier scan is of another patient or of a later day, or cannot be laid
                on this one.
        """
        if not self.earlier:
            return None
        return compare_scans(self, self.earlier, therapy_start=self.therapy_start)
