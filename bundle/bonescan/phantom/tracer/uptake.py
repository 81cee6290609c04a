"""How much tracer each structure of a body holds: bones, their hot spots, organs, soft tissue.

The unit is the concentration in the patient's own muscle, so soft tissue is 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.labels import PAIRED_REGIONS, REGIONS, SIDES
from bonescan.phantom.anatomy.voxels import Body, Bone, VoxelBlock
from bonescan.phantom.presets import SITES
from bonescan.phantom.tracer.ellipsoids import VoxelEllipsoid, gaussian_block, solid_block

BONE_LEVELS: Mapping[str, float] = {
    "skull": 14.5,
    "face": 22.0,
    **dict.fromkeys(SITES["cervical_spine"], 50.0),
    **dict.fromkeys(SITES["thoracic_spine"], 106.0),
    **dict.fromkeys(SITES["lumbar_spine"], 116.0),
    "sacrum": 84.0,
    "manubrium": 47.0,
    "sternum": 32.5,
    "clavicle": 15.0,
    "scapula": 17.0,
    "ribs": 38.0,
    "humerus": 25.0,
    "forearm": 8.0,
    "hand": 8.0,
    "pelvis": 52.0,
    "femur": 27.5,
    "patella": 15.0,
    "tibia": 12.5,
    "fibula": 8.0,
    "foot": 13.0,
}
"""Concentration in normal bone, by region without its side.

Set so that the ratios in the image fall into those measured on real scans (see
`bonescan.phantom.realism.measures`): a fit that also makes up for what the drawn shapes lack, not
concentrations of real bone. Vertebrae are highest, as in quantitative SPECT, where their mean SUV
is 3.9 (Rohani et al. 2020, doi 10.31616/asj.2019.0308): a fraction of the levels here.
"""

JOINT_LEVEL = 15.0
"""Concentration in normal bone near a joint, to which the gains of NORMAL_HOT_SPOTS refer."""
GAIN_SIGMA = 0.35
"""Log-normal spread of these gains between patients."""

FRONT_TO_BACK: Mapping[str, tuple[float, float]] = {
    "skull": (0.35, 5.8),
    "ribs": (0.6, 1.68),
    **dict.fromkeys(SITES["thoracic_spine"], (0.58, 1.66)),
    **dict.fromkeys(SITES["lumbar_spine"], (1.1, 1.1)),
}
"""Factors at the front and the back of a bone: occiput, posterior ribs and vertebral arches are
hotter, as the posterior views show against the anterior ones."""

END_FACTORS: Mapping[str, tuple[float, float]] = {
    "humerus": (0.75, 1.0),
    "femur": (1.0, 0.5),
    "tibia": (0.6, 1.0),
}
END_SHARE = 0.16
"""Factors at the upper and the lower end of a long bone, and the share of its length that an end
takes: spongy bone with fat marrow holds less per volume than the shaft."""

BOWEL_LEVEL = 0.6
BOWEL_MM = 60.0
"""Concentration that bowel and its vessels add to the belly, and how far before the spine."""

PATIENT_SIGMA = 0.2
"""Log-normal spread of bone : soft tissue between patients: a factor of 3 between extremes."""
REGION_SIGMA = (0.15, 0.25)
"""Range of the log-normal spread between the regions of one patient."""
SIDE_SIGMA = 0.06
"""Log-normal spread between the bones of one region."""
TEXTURE_SIGMA = 0.12
"""Unevenness inside a bone."""
TEXTURE_MM = 9.0
"""Length over which that unevenness changes."""

ORGAN_LEVELS: Mapping[str, tuple[float, float]] = {
    "kidney": (7.0, 0.35),
    "bladder": (58.0, 0.4),
    "liver": (1.7, 0.15),
    "spleen": (1.7, 0.15),
    "heart": (2.0, 0.15),
    "thyroid": (2.0, 0.3),
    "breast": (1.1, 0.2),
    "lung": (1.0, 0.12),
}
"""Median concentration and log-normal spread by organ without its side."""


class Clip(Enum):
    """Where a hot spot is cut off: at the surface of bone, at the skin, or nowhere."""

    BONE = "bone"
    BODY = "body"
    NOTHING = "nothing"


@dataclass(frozen=True)
class HotSpot:
    """A hot spot: a Gaussian whose radii are standard deviations.

    Attributes:
        ellipsoid: where it lies.
        level: concentration added at its centre.
        clip: where it is cut off.
    """

    ellipsoid: VoxelEllipsoid
    level: float
    clip: Clip = Clip.BONE


@dataclass(frozen=True)
class Metal:
    """A foreign body: no activity, and its own attenuation per mm."""

    ellipsoid: VoxelEllipsoid
    mu_per_mm: float


@dataclass(frozen=True)
class Uptake:
    """The tracer in one patient.

    Attributes:
        bones: concentration by bone name.
        organs: concentration by organ name.
        soft_tissue: concentration in soft tissue.
        hot_spots: added to these.
        metal: foreign bodies.
    """

    bones: Mapping[str, float]
    organs: Mapping[str, float]
    soft_tissue: float = 1.0
    hot_spots: tuple[HotSpot, ...] = ()
    metal: tuple[Metal, ...] = ()


@dataclass(frozen=True)
class _NormalHotSpot:
    """A part of a bone that is normally hotter than the rest.

    Attributes:
        radii_mm: standard deviations along row, depth and column.
        gain: median of what it adds, over JOINT_LEVEL.
    """

    radii_mm: tuple[float, float, float]
    gain: float


NORMAL_HOT_SPOTS: Mapping[str, _NormalHotSpot] = {
    "sternoclavicular": _NormalHotSpot((8.0, 8.0, 8.0), 0.65),
    "acromioclavicular": _NormalHotSpot((7.0, 8.0, 8.0), 0.5),
    "shoulder": _NormalHotSpot((16.0, 16.0, 14.0), 1.2),
    "elbow": _NormalHotSpot((14.0, 12.0, 14.0), 0.2),
    "wrist": _NormalHotSpot((12.0, 10.0, 14.0), 0.5),
    "hip": _NormalHotSpot((18.0, 16.0, 18.0), 0.5),
    "knee": _NormalHotSpot((22.0, 18.0, 26.0), 0.3),
    "ankle": _NormalHotSpot((18.0, 16.0, 16.0), 0.15),
    "sacroiliac": _NormalHotSpot((24.0, 16.0, 6.0), 0.9),
    "iliac_crest": _NormalHotSpot((9.0, 14.0, 12.0), 0.8),
    "costochondral": _NormalHotSpot((5.0, 7.0, 5.0), 0.7),
    "scapular_tip": _NormalHotSpot((9.0, 8.0, 8.0), 0.8),
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
    bones = {
        name: float(
            patient
            * factors[_group(bone.region)]
            * BONE_LEVELS[base_region(bone.region)]
            * rng.lognormal(0.0, SIDE_SIGMA)
        )
        for name, bone in body.bones.items()
    }
    hot_spots = (_draw_bowel(body, rng), *_draw_normal_hot_spots(body, patient, rng))
    return Uptake(bones, _draw_organs(body, rng), hot_spots=hot_spots)


def _draw_bowel(body: Body, rng: np.random.Generator) -> HotSpot:
    """Draw blood and secretion in the bowel: the belly is warmer than muscle."""
    row, depth, column = body.points["l3_centre"]
    front = depth - BOWEL_MM / body.spacing_mm[1]
    level = BOWEL_LEVEL * rng.lognormal(0.0, 0.3)
    return HotSpot(
        VoxelEllipsoid((row, front, column), (80.0, 45.0, 75.0)), float(level), Clip.BODY
    )


def _group(region: str) -> str:
    """Name the regions that vary together: both sides, or one part of the spine."""
    stem = base_region(region)
    return stem[0] if stem[1:].isdigit() else stem


def _draw_organs(body: Body, rng: np.random.Generator) -> dict[str, float]:
    common = {
        name: median * rng.lognormal(0.0, sigma) for name, (median, sigma) in ORGAN_LEVELS.items()
    }
    return {
        name: float(common[without_side(name)] * rng.lognormal(0.0, 0.05))
        for name in body.organs
        if without_side(name) in common
    }


def _draw_normal_hot_spots(
    body: Body, patient: float, rng: np.random.Generator
) -> tuple[HotSpot, ...]:
    """Draw the joints and ends of bones that are normally hot."""
    gains = {
        name: spot.gain * rng.lognormal(0.0, GAIN_SIGMA) for name, spot in NORMAL_HOT_SPOTS.items()
    }
    hot_spots = []
    for point_name, point in body.points.items():
        name = without_side(point_name).rstrip("_0123456789")
        if name in NORMAL_HOT_SPOTS:
            level = JOINT_LEVEL * patient * gains[name] * rng.lognormal(0.0, 0.2)
            ellipsoid = VoxelEllipsoid(point, NORMAL_HOT_SPOTS[name].radii_mm)
            hot_spots.append(HotSpot(ellipsoid, float(level)))
    return tuple(hot_spots)


def fade_soft_tissue(uptake: Uptake, rng: np.random.Generator) -> Uptake:
    """Return the uptake of a patient whose diseased skeleton takes most of the tracer."""
    factor = float(rng.uniform(0.3, 0.6))
    organs = {
        name: level * (0.3 * factor if without_side(name) in ("kidney", "bladder") else factor)
        for name, level in uptake.organs.items()
    }
    return replace(uptake, soft_tissue=uptake.soft_tissue * factor, organs=organs)


def paint(body: Body, uptake: Uptake, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the concentration in every voxel of the grid, (row, depth, column).

    Where many structures meet it may fall a little below zero.
    """
    values = body.outline * np.float32(uptake.soft_tissue)
    for name, level in uptake.organs.items():
        organ = body.organs[name]
        values[organ.slices] += np.float32(level - uptake.soft_tissue) * organ.fraction
    skeleton = _paint_bones(values, body, uptake, rng)
    clips = {Clip.BONE: skeleton, Clip.BODY: body.outline}
    for spot in uptake.hot_spots:
        gaussian = gaussian_block(spot.ellipsoid, body.shape, body.spacing_mm)
        if gaussian is not None:
            clip = np.minimum(clips[spot.clip][gaussian.slices], 1) if spot.clip in clips else 1
            values[gaussian.slices] += np.float32(spot.level) * gaussian.fraction * clip
    for metal in uptake.metal:
        hole = solid_block(metal.ellipsoid, body.shape, body.spacing_mm)
        if hole is not None:
            values[hole.slices] *= 1 - hole.fraction
    return values


def _paint_bones(
    values: NDArray[np.float32], body: Body, uptake: Uptake, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Paint the bones over soft tissue; return how much of each voxel they fill."""
    skeleton = np.zeros(body.shape, np.float32)
    texture = _draw_texture(body, rng)
    for name, level in uptake.bones.items():
        bone, block = body.bones[name], body.bones[name].block
        uneven = _cut_texture(texture, block, rng) * (_depth_factor(bone) * _row_factor(bone))
        added = np.float32(level) * uneven - np.float32(uptake.soft_tissue)
        values[block.slices] += added * block.fraction
        skeleton[block.slices] += block.fraction
    return skeleton


def _depth_factor(bone: Bone) -> NDArray[np.float32]:
    """Return the factor of a bone's level at each depth of its block, (1, depth, 1)."""
    front, back = FRONT_TO_BACK.get(base_region(bone.region), (1.0, 1.0))
    share = np.linspace(0, 1, bone.block.fraction.shape[1], dtype=np.float32)[None, :, None]
    return np.float32(front) + np.float32(back - front) * share**2


def _row_factor(bone: Bone) -> NDArray[np.float32]:
    """Return the factor of a bone's level at each row of its block, (row, 1, 1)."""
    upper, lower = END_FACTORS.get(base_region(bone.region), (1.0, 1.0))
    share = np.linspace(0, 1, bone.block.fraction.shape[0])
    factor = np.interp(share, (0, END_SHARE, 1 - END_SHARE, 1), (upper, 1, 1, lower))
    return factor.astype(np.float32)[:, None, None]


def _draw_texture(body: Body, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw a block of smooth unevenness around 1, large enough for every bone.

    It is drawn on every second row and column, which the camera cannot tell from every one.
    """
    sizes = np.array([bone.block.fraction.shape for bone in body.bones.values()])
    step = np.array([2, 1, 2])
    noise = rng.standard_normal((sizes.max(axis=0) + 16) // step, dtype=np.float32)
    sigma = TEXTURE_MM / 2 / (step * body.spacing_mm)
    smooth = ndimage.gaussian_filter(noise, sigma, mode="wrap", truncate=2.5)
    smooth = 1 + TEXTURE_SIGMA / smooth.std() * smooth
    return smooth.repeat(2, axis=0).repeat(2, axis=2)


def _cut_texture(
    texture: NDArray[np.float32], block: VoxelBlock, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Cut the texture of one bone from anywhere in the common block."""
    room = np.array(texture.shape) - block.fraction.shape
    first = rng.integers(0, room + 1)
    size = block.fraction.shape
    return texture[
        first[0] : first[0] + size[0],
        first[1] : first[1] + size[1],
        first[2] : first[2] + size[2],
    ]
