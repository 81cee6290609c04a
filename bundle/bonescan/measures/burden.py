"""Tumour burden of a scan: BSTBI, the share of uptake, areas and numbers, whole and by region."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import View
from bonescan.labels import REGION_GROUPS, Label
from bonescan.measures.assessed_scan import AssessedScan
from bonescan.measures.bone_scan_index import PlanarBsi, measure_bone_scan_index
from bonescan.measures.findings import Finding

STRETCH = 5.0
"""K of the index (Liu et al. 2021): stretches small burdens, slope 5 at none."""

WHITE_PERCENTILE = 99.8
"""Of the counts over zero of all views: the darkest grey of the first window. The paper does not
say which windows it has; with the next, a default of ours."""

WINDOWS = (1.0, 0.5)
"""Upper ends of the two display windows, as parts of that count."""

WHOLE_BODY_SHARE = 0.95
"""Of a scan's counts: a field that holds as much assesses the whole body. A default of ours: below
the knees lie about a tenth of the counts."""


@dataclass(frozen=True)
class Panel:
    """The index of one view in one display window.

    Attributes:
        view: of the panel.
        upper_counts: counts from which a pixel is black.
        bstbi: 0..1.
    """

    view: View
    upper_counts: float
    bstbi: float


@dataclass(frozen=True)
class RegionBurden:
    """Burden of one region.

    Attributes:
        region: name of bonescan.labels.REGION_GROUPS; None for lesions on no known bone.
        lesions: number across views.
        area_mm2: by view.
        counts_share: of the counts in the assessed field without the bladder, over all views, 0..1.
        hottest: the finding of the highest count of a pixel.
        involved_share: part of the bone that is involved, views merged, 0..1 (BoneShare).
        weight: percent of the skeleton's mass, 0..100.
    """

    region: str | None
    lesions: int
    area_mm2: Mapping[View, float]
    counts_share: float
    hottest: Finding
    involved_share: float | None = None
    weight: float | None = None


@dataclass(frozen=True)
class Burden:
    """Tumour burden of what was assessed of a scan.

    Every number is of the assessed field alone: where `whole_body` is false it must not be read, or
    shown, as the burden of the patient.

    Attributes:
        field: what was assessed, such as "thorax".
        field_share: part of the scan's counts in the field, 0..1.
        bladder_excluded: whether the label map shows a bladder in the field, which was left out; a
            system that does not segment it counts urine as uptake of the body.
        bstbi: as published: mean of bstbi_by_panel, 0..1.
        bstbi_by_panel: the index of each panel: four, or two of a scan of one view.
        bstbi_counts: the same index on counts, without display windows, over all views, 0..1.
        uptake_share: part of the counts outside the bladder that lesions hold, over all views,
            0..1: the index on counts without its stretch.
        area_mm2: of lesions, by view; views are never added up.
        lesions: number across views: a lesion that both show counts once.
        hottest: the finding of the highest count of a pixel; None without findings.
        by_region: a row for each region with a lesion, in the order of REGION_GROUPS, findings on
            no known bone last.
        planar_bsi: None without a region map.
    """

    field: str
    field_share: float
    bladder_excluded: bool
    bstbi: float
    bstbi_by_panel: tuple[Panel, ...]
    bstbi_counts: float
    uptake_share: float
    area_mm2: Mapping[View, float]
    lesions: int
    hottest: Finding | None
    by_region: tuple[RegionBurden, ...]
    planar_bsi: PlanarBsi | None

    @property
    def whole_body(self) -> bool:
        """Whether the field holds nearly all of the scan, so that this is the patient's burden."""
        return self.field_share >= WHOLE_BODY_SHARE


def stretch(share: float, k: float = STRETCH) -> float:
    """Turn a share of uptake into the index: K x / ((K - 1) x + 1), 0..1 onto 0..1.

    Raises:
        ValueError: if the share is not within 0..1, or K not positive.
    """
    _check(share, k, "share of uptake")
    return k * share / ((k - 1) * share + 1)


def unstretch(index: float, k: float = STRETCH) -> float:
    """Turn the index into the share of uptake that it stands for: the inverse of stretch.

    Raises:
        ValueError: if the index is not within 0..1, or K not positive.
    """
    _check(index, k, "index")
    return index / (k - (k - 1) * index)


def _check(value: float, k: float, what: str) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{what} must be within 0..1, got {value!r}")
    if k <= 0:
        raise ValueError(f"K must be positive, got {k!r}")


def find_uptake_share(
    uptake: NDArray[np.floating],
    lesion_mask: NDArray[np.bool_],
    bladder_mask: NDArray[np.bool_],
) -> float:
    """Return which part of the uptake outside the bladder lesions hold.

    Args:
        uptake: 0 or more, any shape.
        lesion_mask: lesions; pixels that are bladder as well are none.
        bladder_mask: bladder.

    Returns:
        0..1; 0 without lesions or without uptake.
    """
    outside = uptake[~bladder_mask].sum(dtype=np.float64)
    lesions = uptake[lesion_mask & ~bladder_mask].sum(dtype=np.float64)
    return float(lesions / outside) if outside > 0 else 0.0


def find_darkness(counts: NDArray[np.floating], upper_counts: float) -> NDArray[np.float64]:
    """Return how dark each pixel is in inverse grey of 8 bit: 0 white, 255 at `upper_counts`."""
    return np.rint(255 * np.clip(counts / upper_counts, 0, 1))


def measure_burden(scan: AssessedScan) -> Burden:
    """Measure the tumour burden of what was assessed of a scan.

    Without lesions every index is 0; a mask that covers everything gives 1.
    """
    field = scan.field_mask
    lesions, bladder = (scan.mask(label) & field for label in (Label.METASTASIS, Label.BLADDER))
    uptake = np.maximum(scan.counts, 0) * field
    total = float(np.maximum(scan.counts, 0).sum(dtype=np.float64))
    panels = _measure_panels(scan, lesions, bladder)
    uptake_share = find_uptake_share(uptake, lesions, bladder)
    index = measure_bone_scan_index(scan)
    return Burden(
        field=scan.field,
        field_share=float(uptake.sum(dtype=np.float64)) / total if total else 0.0,
        bladder_excluded=bool(bladder.any()),
        bstbi=sum(panel.bstbi for panel in panels) / len(panels),
        bstbi_by_panel=panels,
        bstbi_counts=stretch(uptake_share),
        uptake_share=uptake_share,
        area_mm2=_add_areas(scan, scan.findings),
        lesions=len({finding.lesion for finding in scan.findings}),
        hottest=find_hottest(scan.findings),
        by_region=tuple(_measure_regions(scan, float(uptake[~bladder].sum()), index)),
        planar_bsi=index,
    )


def find_hottest(findings: Sequence[Finding]) -> Finding | None:
    """Return the finding of the highest count of a pixel; None of none."""
    return max(findings, key=lambda finding: finding.max_counts, default=None)


def _measure_panels(
    scan: AssessedScan, lesion_mask: NDArray[np.bool_], bladder_mask: NDArray[np.bool_]
) -> tuple[Panel, ...]:
    """Measure the index as published, panel by panel: both views in each window."""
    positive = scan.counts[scan.counts > 0]
    black = float(np.percentile(positive, WHITE_PERCENTILE)) if positive.size else 1.0
    return tuple(
        Panel(view, window * black, stretch(find_uptake_share(darkness, lesions, bladder)))
        for window in WINDOWS
        for view, darkness, lesions, bladder in zip(
            scan.views,
            find_darkness(scan.counts, window * black) * scan.field_mask,
            lesion_mask,
            bladder_mask,
            strict=True,
        )
    )


def _add_areas(scan: AssessedScan, findings: Sequence[Finding]) -> dict[View, float]:
    return {
        view: sum((each.area_mm2 for each in findings if each.view == view), start=0.0)
        for view in scan.views
    }


def _measure_regions(
    scan: AssessedScan, field_counts: float, index: PlanarBsi | None
) -> Iterator[RegionBurden]:
    bones = {} if index is None else {bone.region: bone for bone in index.bones}
    for region in (*REGION_GROUPS, None):
        findings = [each for each in scan.findings if each.region == region]
        if not findings:
            continue
        counts = sum(each.mean_counts * each.area_px for each in findings)
        bone = bones.get(region or "")
        yield RegionBurden(
            region=region,
            lesions=len({each.lesion for each in findings}),
            area_mm2=_add_areas(scan, findings),
            counts_share=counts / field_counts if field_counts > 0 else 0.0,
            hottest=max(findings, key=lambda each: each.max_counts),
            involved_share=bone.involved_share if bone else None,
            weight=bone.weight_percent if bone else None,
        )
