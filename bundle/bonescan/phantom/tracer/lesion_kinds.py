"""The kinds of bone metastasis, in one table: a row says all that is particular to a kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from bonescan.phantom.anatomy.voxels import Bone
from bonescan.phantom.presets import SITES, Primary
from bonescan.phantom.tracer.uptake import BONE_LEVELS, base_region

PROXIMAL_SHARE: Mapping[str, float] = {"femur": 0.35, "humerus": 0.5}
"""Upper share of a long bone: it holds red marrow and nearly all of the metastases."""

ALL_BONES = frozenset(BONE_LEVELS)
THORACOLUMBAR = frozenset(chain(SITES["thoracic_spine"], SITES["lumbar_spine"]))
LONG_BONES = frozenset(
    ("ribs", "humerus", "femur", "tibia", "fibula", "forearm", "clavicle", "sternum")
)
"""Regions, without their sides, whose lesions grow along the bone."""
PELVIS = frozenset(("pelvis", "sacrum"))

Mask = NDArray[np.bool]
Indices = NDArray[np.intp]
"""(row, depth, column) of n voxels in a bone's block, (n, 3)."""


def in_red_marrow(bone: Bone, voxels: Indices, rng: np.random.Generator) -> Mask:
    """Mask the voxels in the upper part of a long bone, mostly; in another bone all of them."""
    share = PROXIMAL_SHARE.get(base_region(bone.region), 1.0)
    share = share if rng.random() < 0.85 else 1.0
    return voxels[:, 0] <= share * bone.block.fraction.shape[0]


def in_vertebral_body(_bone: Bone, voxels: Indices, _rng: np.random.Generator) -> Mask:
    """Mask the voxels in the front of a vertebra."""
    depth = voxels[:, 1]
    return depth <= np.quantile(depth, 0.55)


def in_pedicles(bone: Bone, voxels: Indices, _rng: np.random.Generator) -> Mask:
    """Mask the voxels behind the middle of a vertebra and to the sides."""
    depth, columns = voxels[:, 1], bone.block.fraction.shape[2]
    aside = np.abs(voxels[:, 2] - 0.5 * (columns - 1))
    return (depth > np.quantile(depth, 0.5)) & (aside > 0.2 * columns)


@dataclass(frozen=True)
class LesionKind:
    """How one kind of metastasis differs from a round focus inside its bone.

    Attributes:
        name: as truth.json gives it.
        regions: where it occurs, without sides.
        share: of the lesions there; where `regions` are not all bones, of those that are of no kind
            further up in LESION_KINDS.
        lytic: whether it destroys bone; its share is then the primary's `lytic_share`.
        site: masks the voxels of a bone in which its centre may lie.
        diameter_mm: range of its diameter, None for that of most lesions.
        least_diameter_mm: smaller ones are drawn at this size.
        contrast: range of its activity over that of the bone; None where its contrast in the image
            is drawn instead.
        elongation: range of length over breadth of a lesion along the bone, None for a round one.
        foci: range of the number of foci that merge into it, None for a single one.
        outside_share: activity, over that inside, where it grows out of the bone.
        rim_contrast: activity, over that of the bone, of a rim of reacting bone.
        steals_tracer: whether it leaves little tracer for soft tissue and kidneys.
    """

    name: str
    regions: frozenset[str] = ALL_BONES
    share: float = 1.0
    lytic: bool = False
    site: Callable[[Bone, Indices, np.random.Generator], Mask] = in_red_marrow
    diameter_mm: tuple[float, float] | None = None
    least_diameter_mm: float = 0.0
    contrast: tuple[float, float] | None = None
    elongation: tuple[float, float] | None = None
    foci: tuple[int, int] | None = None
    outside_share: float = 0.0
    rim_contrast: float | None = None
    steals_tracer: bool = False


LESION_KINDS: tuple[LesionKind, ...] = (
    LesionKind(
        "cold",
        regions=ALL_BONES - {"ribs", "clavicle"},
        lytic=True,
        least_diameter_mm=18.0,
        contrast=(0.2, 0.7),
        rim_contrast=2.5,
    ),
    LesionKind("expansile", share=0.03, outside_share=0.7),
    LesionKind("merged", share=0.12, foci=(2, 4)),
    LesionKind(
        "whole vertebra",
        regions=THORACOLUMBAR,
        share=0.12,
        site=in_vertebral_body,
        diameter_mm=(70.0, 90.0),
    ),
    LesionKind("pedicle", regions=THORACOLUMBAR, share=0.35, site=in_pedicles),
    LesionKind("vertebral body", regions=THORACOLUMBAR, site=in_vertebral_body),
    LesionKind("hemipelvis", regions=PELVIS, share=0.04, diameter_mm=(120.0, 180.0)),
    LesionKind("confluent", regions=PELVIS, share=0.2, diameter_mm=(30.0, 60.0), foci=(3, 7)),
    LesionKind(
        "along a rib",
        regions=frozenset(("ribs",)),
        share=0.1,
        diameter_mm=(25.0, 40.0),
        elongation=(5.0, 9.0),
    ),
    LesionKind("elongated", regions=LONG_BONES, share=0.5, elongation=(2.0, 4.0)),
    LesionKind("focal"),
)
"""The last one takes what the others leave. Shares are defaults of ours."""

DIFFUSE = LesionKind("diffuse", steals_tracer=True)
"""The kind of a superscan, whose lesions are whole bones."""


def draw_kind(region: str, primary: Primary, rng: np.random.Generator) -> LesionKind:
    """Draw the kind of a lesion in a region.

    One number decides on all kinds that any bone may have: lytic ones take its lower end, the
    others, one after the other, its upper end. Kinds of certain bones take a number each.
    """
    stem = base_region(region)
    number, upper_end = rng.random(), 1.0
    for kind in LESION_KINDS[:-1]:
        if stem not in kind.regions:
            continue
        if kind.lytic:
            drawn = number < primary.lytic_share
        elif kind.regions == ALL_BONES:
            upper_end -= kind.share
            drawn = number > upper_end
        else:
            drawn = kind.share == 1 or rng.random() < kind.share
        if drawn:
            return kind
    return LESION_KINDS[-1]
