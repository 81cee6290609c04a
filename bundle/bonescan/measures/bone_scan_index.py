"""The planar bone scan index: how much of the skeleton is involved, weighted by mass."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import View
from bonescan.labels import REGION_GROUPS, SIDES
from bonescan.measures.assessed_scan import AssessedScan
from bonescan.measures.regions import IN_FRONT, group_mask

_SPINE_PERCENT = 8.3
"""Spine and sacrum together, as Spiers gives them."""

_SPINE_SHARES = {
    "cervical_spine": 0.11,
    "thoracic_spine": 0.37,
    "lumbar_spine": 0.33,
    "sacrum": 0.19,
}
"""Share of each part in the spine's mass, which the table does not give: its part of the bone's
volume in the simulator's anatomy (mean of 20 adults; between them it varies by 0.01). With one
density for all, a default of ours."""

_PAIRED_PERCENT = {
    "clavicle": 0.5,
    "scapula": 1.5,
    "ribs": 2.2,
    "humerus": 3.3,
    "forearm": 2.7,
    "hand": 1.5,
    "pelvis": 3.75,
    "femur": 8.9,
    "patella": 0.0,
    "tibia": 5.1,
    "fibula": 1.3,
    "foot": 5.8,
}
"""One side: ulna 1.5 and radius 1.2 are the forearm; ribs 4.4 and pelvis 7.5 are halved. The
patella is not in the table."""

SPIERS_PERCENT: Mapping[str, float] = {
    "skull": 16.6 + 1.8,
    **{name: _SPINE_PERCENT * share for name, share in _SPINE_SHARES.items()},
    "sternum": 0.3,
    **{f"{name}_{side}": percent for name, percent in _PAIRED_PERCENT.items() for side in SIDES},
}
"""Percent of the skeleton's mass in each group of bonescan.labels.REGION_GROUPS: Spiers 1968, as
Imbriaco 1998 weighs bones for the bone scan index. The skull is with the lower jaw (16.6 and 1.8).
The numbers add up to 100.1, as printed."""


class Merge(StrEnum):
    """How the shares of a bone that two views show involved become one."""

    MAX = "max"
    """The larger of the two: a lesion is never counted twice, and one that the body hides from one
    view counts in full."""
    MEAN = "mean"
    PREFERRED = "preferred"
    """That of the view which the bone lies nearer to, if it shows it; else the larger."""


@dataclass(frozen=True)
class BoneShare:
    """How much of one bone is involved.

    Attributes:
        region: name of bonescan.labels.REGION_GROUPS.
        weight_percent: its share in the mass of the skeleton, 0..100.
        involved_share: area of lesions over that of the bone in the image, the views merged, 0..1:
            a least value where not all of the bone was assessed; None where none of it was.
        assessed_share: part of the bone's projection that lies in the assessed field, 0..1.
    """

    region: str
    weight_percent: float
    involved_share: float | None
    assessed_share: float


@dataclass(frozen=True)
class PlanarBsi:
    """Planar bone scan index of a scan.

    Attributes:
        involved_percent: percent of the whole skeleton's mass that was found involved, 0..100: a
            least value where not all of the skeleton was assessed.
        assessed_percent: percent of the skeleton's mass that was assessed, 0..100: a most value
            where the image cuts the body, since a bone that it shows in part counts as whole.
        merge: how the two views became one.
        bones: every group of the table.
    """

    involved_percent: float
    assessed_percent: float
    merge: Merge
    bones: tuple[BoneShare, ...]


@dataclass(frozen=True)
class BoneMasks:
    """Where a bone is seen, and where lesions were given to it, each (view, row, column)."""

    region: str
    bone: NDArray[np.bool_]
    involved: NDArray[np.bool_]


def measure_bone_scan_index(
    scan: AssessedScan,
    *,
    merge: Merge = Merge.MAX,
    weights_percent: Mapping[str, float] = SPIERS_PERCENT,
) -> PlanarBsi | None:
    """Measure the planar bone scan index: the sum over bones of involved share times mass fraction.

    The commercial automated BSI (EXINI, Ulmert et al. 2012) finds bones by an atlas of normal
    skeletons and estimates the involved fraction of each by its own calibration; ours takes areas
    in the projection as they are, from the regions of a map, with the views merged by a named rule.
    The two are not interchangeable, and limits published for one say little of the other.

    Args:
        scan: with its regions.
        merge: how the views become one.
        weights_percent: of each group, any scale; they are taken as shares of their sum.

    Returns:
        None where the regions are not known.
    """
    if scan.regions is None or scan.lesion_regions is None:
        return None
    names, total = list(REGION_GROUPS), sum(weights_percent.values())
    bones = tuple(
        _measure_bone(
            scan,
            BoneMasks(
                region,
                bone=group_mask(scan.regions, region),
                involved=scan.lesion_regions == names.index(region),
            ),
            weight_percent=100 * weight / total,
            merge=merge,
        )
        for region, weight in weights_percent.items()
    )
    return PlanarBsi(
        involved_percent=sum(bone.weight_percent * (bone.involved_share or 0.0) for bone in bones),
        assessed_percent=sum(bone.weight_percent * bone.assessed_share for bone in bones),
        merge=merge,
        bones=bones,
    )


def _measure_bone(
    scan: AssessedScan, masks: BoneMasks, *, weight_percent: float, merge: Merge
) -> BoneShare:
    area, assessed, involved = (
        np.array([np.count_nonzero(view) for view in mask])  # ten times as fast as a sum over axes
        for mask in (masks.bone, masks.bone & scan.field_mask, masks.involved)
    )
    shares = {
        view: float(involved[number] / area[number])
        for number, view in enumerate(scan.views)
        if assessed[number]
    }
    return BoneShare(
        region=masks.region,
        weight_percent=weight_percent,
        involved_share=_merge(shares, masks.region, merge) if shares else None,
        assessed_share=float(np.max(assessed / np.maximum(area, 1))),
    )


def _merge(shares: Mapping[View, float], region: str, merge: Merge) -> float:
    if merge is Merge.MEAN:
        return sum(shares.values()) / len(shares)
    preferred = [view for view in shares if region in IN_FRONT[view]]
    if merge is Merge.PREFERRED and len(preferred) == 1:
        return shares[preferred[0]]
    return max(shares.values())
