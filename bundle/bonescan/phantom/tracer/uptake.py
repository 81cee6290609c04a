"""How much tracer each structure of a body holds: bones, their hot spots, organs, soft tissue.

The unit is the concentration in the patient's own muscle, so soft tissue is 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np
from scipy import ndimage

from bonescan.labels import PAIRED_REGIONS, REGIONS, SIDES
from bonescan.phantom.anatomy.voxels import Body, VoxelEllipsoid
from bonescan.phantom.presets import SITES

VERTEBRAE = (*SITES["cervical_spine"], *SITES["thoracic_spine"], *SITES["lumbar_spine"])
"""From the head down."""


def _along_spine(levels: Mapping[str, float]) -> dict[str, float]:
    """Return a level for every vertebra, linear between those given."""
    known = [VERTEBRAE.index(name) for name in levels]
    values = np.interp(range(len(VERTEBRAE)), known, list(levels.values()))
    return dict(zip(VERTEBRAE, values.tolist(), strict=True))


BONE_LEVELS: Mapping[str, float] = {
    "skull": 27.0,
    "face": 29.0,
    **_along_spine({"c1": 32.0, "c7": 72.0, "t3": 106.0, "t12": 85.0, "l5": 80.0}),
    "sacrum": 61.0,
    "manubrium": 66.0,
    "sternum": 36.0,
    "clavicle": 15.5,
    "scapula": 29.0,
    "ribs": 31.5,
    "humerus": 34.0,
    "forearm": 8.0,
    "hand": 8.0,
    "pelvis": 42.0,
    "femur": 41.0,
    "patella": 29.0,
    "tibia": 32.0,
    "fibula": 15.0,
    "foot": 22.0,
}
"""Concentration in normal bone, by region without its side, where its density is 1.

Fitted, with NORMAL_HOT_SPOTS and `bonescan.phantom.tracer.paint.FRONT_TO_BACK`, by least squares of
the logarithms on eight bodies of seeds 500 to 506 and 700 to 706, towards the aims of
`bonescan.phantom.realism.facts`: the regions over the medial thigh, the relations of neighbours,
and weakly the share of the counts in each part of the real scan's body. So they also make up for
what the drawn shapes lack, and are no concentrations of real bone. Vertebrae are highest, as in
quantitative SPECT, where their mean SUV is 3.9 (Rohani et al. 2020, doi 10.31616/asj.2019.0308): a
fraction of the levels here. Face, forearm and hand were set by eye.
"""

GAIN_SIGMA = 0.35
"""Log-normal spread of the gains of NORMAL_HOT_SPOTS between patients."""
GAIN_SIDE_SIGMA = 0.25
"""Log-normal spread between the joints of one patient."""

PATIENT_SIGMA = 0.27
"""Log-normal spread of bone : soft tissue between patients: a factor of 3 between extremes."""
REGION_SIGMA = (0.15, 0.25)
"""Range of the log-normal spread between the regions of one patient."""
SIDE_SIGMA = 0.11
"""Log-normal spread between the bones of one region, so that left and right differ by some 10 %."""
SPINE_SIGMA = 0.12
SPINE_LENGTH = 3.0
"""Log-normal spread along the spine, and the number of vertebrae over which it changes."""
ORGAN_LEVELS: Mapping[str, tuple[float, float]] = {
    "kidney": (11.0, 0.45),
    "renal_pelvis": (22.0, 0.6),
    "ureter": (9.0, 0.8),
    "bladder": (130.0, 0.55),
    "liver": (2.0, 0.2),
    "spleen": (2.0, 0.2),
    "heart": (2.2, 0.15),
    "vessels": (2.6, 0.15),
    "small_bowel": (2.3, 0.35),
    "colon": (1.8, 0.35),
    "genitals": (6.0, 0.45),
    "thyroid": (2.0, 0.3),
    "breast": (0.85, 0.3),
    "lung": (1.0, 0.12),
}
"""Median concentration and log-normal spread by organ without its side.

That of the kidneys was set so that they show as often as published: faint or absent in 6 % of
14 296 scans (Kim et al. 1991). Blood holds two to three times as much as muscle three hours after
the injection; heart, vessels and what is full of blood follow it. The rest is a default of ours."""

URINE = ("kidney", "renal_pelvis", "ureter", "bladder")
"""Organs that hold urine."""

FAT_LEVEL, FAT_SIGMA = 0.5, 0.12
"""Median concentration in fat, and its log-normal spread: it has half the blood and a fraction of
the water between cells that muscle has. A default of ours."""


class Clip(Enum):
    """Where a hot spot is cut off: at the surface of bone, at the skin, or nowhere."""

    BONE = "bone"
    BODY = "body"
    NOTHING = "nothing"


@dataclass(frozen=True)
class HotSpot:
    """A hot spot: Gaussians whose radii are standard deviations, or the whole of a bone.

    Attributes:
        ellipsoids: where it lies; where they overlap the higher one counts.
        level: concentration added at their centres.
        clip: where it is cut off.
        finding: name of the benign finding that it belongs to.
        peak_over_ring: peak in the image over its surroundings that it is to have in the view that
            shows it best; None where `level` alone decides.
        bone: name of the bone that it takes the whole of, in place of ellipsoids.
    """

    ellipsoids: tuple[VoxelEllipsoid, ...]
    level: float
    clip: Clip = Clip.BONE
    finding: str = ""
    peak_over_ring: float | None = None
    bone: str = ""


@dataclass(frozen=True)
class Uptake:
    """The tracer in one patient.

    Attributes:
        bones: concentration by bone name.
        organs: concentration by organ name.
        soft_tissue: concentration in soft tissue but fat.
        fat: concentration in fat.
        joints: by name of the point what a joint adds at its centre to every bone that it reaches,
            over the bone's own level.
        hot_spots: added to these.
    """

    bones: Mapping[str, float]
    organs: Mapping[str, float]
    soft_tissue: float = 1.0
    fat: float = FAT_LEVEL
    joints: Mapping[str, float] = field(default_factory=dict)
    hot_spots: tuple[HotSpot, ...] = ()


@dataclass(frozen=True)
class _NormalHotSpot:
    """A part of a bone that is normally hotter than the rest.

    Attributes:
        radii_mm: standard deviations along row, depth and column.
        gain: median of what it adds, over the level of the bone itself.
    """

    radii_mm: tuple[float, float, float]
    gain: float


NORMAL_HOT_SPOTS: Mapping[str, _NormalHotSpot] = {
    "sternoclavicular": _NormalHotSpot((6.0, 7.0, 6.0), 0.6),
    "acromioclavicular": _NormalHotSpot((7.0, 8.0, 8.0), 0.7),
    "shoulder": _NormalHotSpot((16.0, 16.0, 14.0), 2.5),
    "elbow": _NormalHotSpot((14.0, 12.0, 14.0), 0.3),
    "wrist": _NormalHotSpot((12.0, 10.0, 14.0), 0.9),
    "hip": _NormalHotSpot((18.0, 16.0, 18.0), 0.25),
    "knee": _NormalHotSpot((22.0, 18.0, 26.0), 0.4),
    "ankle": _NormalHotSpot((18.0, 16.0, 16.0), 0.2),
    "sacroiliac": _NormalHotSpot((24.0, 16.0, 6.0), 0.24),
    "iliac_crest": _NormalHotSpot((9.0, 14.0, 12.0), 0.4),
    "costochondral": _NormalHotSpot((5.0, 7.0, 5.0), 0.2),
    "scapular_tip": _NormalHotSpot((9.0, 8.0, 8.0), 0.5),
}
"""By point name without number and side."""


def base_region(region: str) -> str:
    """Return the name of a region without its side: ``ribs_left`` is ``ribs``."""
    for side in SIDES:
        stem = region.removesuffix(f"_{side}")
        if stem in PAIRED_REGIONS:
            return stem
    return region


def without_side(name: str) -> str:
    """Return the name of an organ or a point without its side: ``kidney_left`` is ``kidney``."""
    return name.removesuffix("_left").removesuffix("_right")


def draw_uptake(body: Body, rng: np.random.Generator) -> Uptake:
    """Draw the normal uptake of one patient."""
    patient = rng.lognormal(0.0, PATIENT_SIGMA)
    spread = rng.uniform(*REGION_SIGMA)
    groups = list(dict.fromkeys(_group(region) for region in REGIONS))
    factors = dict(zip(groups, rng.lognormal(0.0, spread, len(groups)), strict=True))
    curve = _draw_spine_curve(rng)
    bones = {
        name: float(
            patient
            * factors[_group(bone.region)]
            * BONE_LEVELS[base_region(bone.region)]
            * curve.get(bone.region, 1.0)
            * rng.lognormal(0.0, SIDE_SIGMA)
        )
        for name, bone in body.bones.items()
    }
    organs, joints = _draw_organs(body, rng), _draw_joints(body, rng)
    return Uptake(bones, organs, fat=FAT_LEVEL * rng.lognormal(0.0, FAT_SIGMA), joints=joints)


def _draw_spine_curve(rng: np.random.Generator) -> dict[str, float]:
    """Draw the factor of every vertebra: neighbours are alike, and no region has a step."""
    noise = ndimage.gaussian_filter1d(rng.standard_normal(len(VERTEBRAE)), SPINE_LENGTH)
    single = 1 / np.sqrt(2 * np.sqrt(np.pi) * SPINE_LENGTH)  # spread of the filtered noise
    return dict(zip(VERTEBRAE, np.exp(SPINE_SIGMA / single * noise).tolist(), strict=True))


def _group(region: str) -> str:
    """Name the regions that vary together: both sides, or the spine."""
    stem = base_region(region)
    return "spine" if stem in VERTEBRAE else stem


def _draw_organs(body: Body, rng: np.random.Generator) -> dict[str, float]:
    common = {
        name: median * rng.lognormal(0.0, sigma) for name, (median, sigma) in ORGAN_LEVELS.items()
    }
    return {
        name: float(common[without_side(name)] * rng.lognormal(0.0, 0.05))
        for name in body.organs
        if without_side(name) in common
    }


def joints_of(body: Body) -> dict[str, VoxelEllipsoid]:
    """Return the joints and ends of bones that are normally hot, by name of the point.

    They are Gaussians; the radii are standard deviations.
    """
    return {
        name: VoxelEllipsoid(point, NORMAL_HOT_SPOTS[kind].radii_mm)
        for name, point in body.points.items()
        if (kind := _joint_kind(name)) in NORMAL_HOT_SPOTS
    }


def _joint_kind(point: str) -> str:
    return without_side(point).rstrip("_0123456789")


def _draw_joints(body: Body, rng: np.random.Generator) -> dict[str, float]:
    gains = {
        name: spot.gain * rng.lognormal(0.0, GAIN_SIGMA) for name, spot in NORMAL_HOT_SPOTS.items()
    }
    return {
        name: float(gains[_joint_kind(name)] * rng.lognormal(0.0, GAIN_SIDE_SIGMA))
        for name in joints_of(body)
    }


def fade_soft_tissue(uptake: Uptake, rng: np.random.Generator) -> Uptake:
    """Return the uptake of a patient whose diseased skeleton takes most of the tracer."""
    factor = float(rng.uniform(0.3, 0.6))
    organs = {
        name: level * (0.3 * factor if without_side(name) in URINE else factor)
        for name, level in uptake.organs.items()
    }
    soft_tissue, fat = uptake.soft_tissue * factor, uptake.fat * factor
    return replace(uptake, soft_tissue=soft_tissue, fat=fat, organs=organs)
