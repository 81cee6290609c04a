"""Bone metastases: how many, where, how large, how hot, and their own activity in the body."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonescan.phantom.anatomy.voxels import Body, Bone, Point, VoxelBlock
from bonescan.phantom.presets import Preset, Primary, region_weights
from bonescan.phantom.tracer.ellipsoids import UPRIGHT, VoxelEllipsoid, solid_block
from bonescan.phantom.tracer.uptake import Uptake, base_region

CONTRAST_RANGE = (1.5, 6.0, 18.0)
"""Lowest, most frequent and highest activity ratio of lesion to local bone: triangular in its
logarithm. A default of ours. Tissue before and behind a lesion dilutes it: peaks in the image are
about twice their surroundings (median), fainter than conspicuous lesions of real scans (2.4 to 10.5
times)."""
DIAMETER_MM = 17.0
DIAMETER_SIGMA = 0.45
DIAMETER_RANGE_MM = (6.0, 40.0)
"""Median, log-normal spread and limits of a lesion's diameter. A default of ours: half-height
diameters of 12 to 33 mm in real images, which the camera widens."""
NUMBER_SHAPE = 0.9
"""Shape of the gamma distribution behind the number of lesions: many with few, few with many."""
MOST_LESIONS = 40
COLD_RANGE = (0.2, 0.7)
RIM_CONTRAST = 2.5
SUPERSCAN_CONTRAST = (1.8, 3.5)
SUPERSCAN_REGIONS = ("skull", "humerus", "femur", "clavicle", "scapula", "ribs", "pelvis")
"""Paired and other regions that a superscan takes, besides the spine, sacrum and sternum."""
CROWDED = 0.35
"""Chance that a lesion grows in a region that already has one: metastases come in groups."""
SMALLEST_BONE_MM3 = 150.0

PROXIMAL_SHARE: Mapping[str, float] = {"femur": 0.35, "humerus": 0.5}
"""Upper share of a long bone, with red marrow, that takes nearly all of its metastases."""
LONG_BONES = ("ribs", "humerus", "femur", "tibia", "fibula", "forearm", "clavicle", "sternum")
"""Regions whose lesions grow along the bone."""


@dataclass(frozen=True)
class Lesion:
    """A metastasis and the activity that it adds.

    Attributes:
        number: from 1.
        bone: name of the bone.
        region: of `bonescan.labels.REGIONS`.
        diameter_mm: geometric mean of its axes, before clipping to the bone.
        contrast: activity over that of the local bone; below 1 for a cold lesion.
        shape: focal, elongated, vertebral body, pedicle, expansile, confluent, cold or diffuse.
        centre: (row, depth, column) in voxels.
        added: activity that it adds to the body; negative inside a cold lesion.
        bone_share: part of the whole skeleton's volume that it takes.
    """

    number: int
    bone: str
    region: str
    diameter_mm: float
    contrast: float
    shape: str
    centre: Point
    added: VoxelBlock
    bone_share: float


def draw_lesions(
    body: Body, uptake: Uptake, preset: Preset, primary: Primary, rng: np.random.Generator
) -> tuple[Lesion, ...]:
    """Draw the metastases of one patient; empty for a patient who has none."""
    if rng.random() < preset.free_share:
        return ()
    volumes = {name: float(bone.block.fraction.sum()) for name, bone in body.bones.items()}
    skeleton = sum(volumes.values())
    if rng.random() < preset.superscan_share:
        return _superscan(body, uptake, volumes, rng)
    smallest = SMALLEST_BONE_MM3 / float(np.prod(body.spacing_mm))
    candidates = {name: size for name, size in volumes.items() if size > smallest}
    places = region_weights(primary, preset.sites)
    lesions: list[Lesion] = []
    for _ in range(_draw_number(preset.lesion_factor * primary.mean_lesions, rng)):
        known = [lesion.bone for lesion in lesions]
        name = _draw_bone(body, candidates, places, known, rng)
        drawn = _draw_lesion(body, uptake, body.bones[name], primary, rng)
        if drawn is not None:
            shape, ellipsoid, contrast, added, volume = drawn
            lesions.append(
                Lesion(
                    number=len(lesions) + 1,
                    bone=name,
                    region=body.bones[name].region,
                    diameter_mm=2 * float(np.prod(ellipsoid.radii_mm)) ** (1 / 3),
                    contrast=contrast,
                    shape=shape,
                    centre=ellipsoid.centre,
                    added=added,
                    bone_share=volume / skeleton,
                )
            )
    return tuple(lesions)


def _draw_number(mean_lesions: float, rng: np.random.Generator) -> int:
    mean = rng.gamma(NUMBER_SHAPE, (mean_lesions - 1) / NUMBER_SHAPE)
    return min(1 + int(rng.poisson(mean)), MOST_LESIONS)


def _draw_bone(
    body: Body,
    volumes: Mapping[str, float],
    places: Mapping[str, float],
    known: list[str],
    rng: np.random.Generator,
) -> str:
    """Draw a bone by its region's weight, shared among the region's bones by volume."""
    if known and rng.random() < CROWDED:
        taken = {body.bones[other].region for other in known}
        neighbours = [name for name in volumes if body.bones[name].region in taken]
        return neighbours[rng.integers(len(neighbours))]
    sums: dict[str, float] = {}
    for name, volume in volumes.items():
        region = body.bones[name].region
        sums[region] = sums.get(region, 0.0) + volume
    weights = np.array(
        [
            places[body.bones[name].region] * volume / sums[body.bones[name].region]
            for name, volume in volumes.items()
        ]
    )
    return list(volumes)[rng.choice(len(weights), p=weights / weights.sum())]


def _draw_lesion(
    body: Body, uptake: Uptake, bone: Bone, primary: Primary, rng: np.random.Generator
) -> tuple[str, VoxelEllipsoid, float, VoxelBlock, float] | None:
    """Draw one lesion in a bone: shape, place, contrast, added activity and volume in voxels."""
    shape = _draw_shape(bone, primary, rng)
    low, mode, high = np.log(CONTRAST_RANGE)
    contrast = float(np.exp(rng.triangular(low, mode, high)))
    diameter = float(
        np.clip(rng.lognormal(np.log(DIAMETER_MM), DIAMETER_SIGMA), *DIAMETER_RANGE_MM)
    )
    if shape == "confluent":
        diameter, contrast = rng.uniform(45, 90), min(contrast, rng.uniform(2.0, 4.5))
    if shape == "cold":
        diameter, contrast = max(diameter, 18.0), rng.uniform(*COLD_RANGE)
    centre = _draw_centre(bone, shape, rng)
    ellipsoid = _grow(body, bone, centre, diameter, shape, rng)
    solid = solid_block(ellipsoid, body.shape, body.spacing_mm)
    if solid is None:
        return None
    inside = VoxelBlock(solid.start, _cut(bone.block, solid))
    if shape == "expansile":
        inside = VoxelBlock(solid.start, np.maximum(inside.fraction, 0.7 * solid.fraction))
        inside = VoxelBlock(solid.start, inside.fraction * body.outline[solid.slices])
    volume = float(inside.fraction.sum())
    if volume < 1:
        return None
    added = inside.fraction * np.float32(uptake.bones[bone.name] * (contrast - 1))
    if shape == "cold":
        added = _add_rim(body, bone, ellipsoid, solid, added, uptake.bones[bone.name])
    return shape, ellipsoid, contrast, VoxelBlock(solid.start, added), volume


def _draw_shape(bone: Bone, primary: Primary, rng: np.random.Generator) -> str:
    stem = base_region(bone.region)
    chance = rng.random()
    if chance < primary.lytic_share and stem not in ("ribs", "clavicle"):
        return "cold"
    if chance > 0.97:
        return "expansile"
    if stem[0] in "tl" and stem[1:].isdigit():
        return "pedicle" if rng.random() < 0.35 else "vertebral body"
    if stem in ("pelvis", "sacrum") and rng.random() < 0.15:
        return "confluent"
    return "elongated" if stem in LONG_BONES and rng.random() < 0.6 else "focal"


def _draw_centre(bone: Bone, shape: str, rng: np.random.Generator) -> Point:
    """Draw a voxel of the bone, in the part of it where such a lesion grows."""
    fraction = bone.block.fraction
    voxels = np.argwhere(fraction > 0.6 * fraction.max())
    depth = voxels[:, 1]
    if shape == "vertebral body":
        part = depth <= np.quantile(depth, 0.55)
    elif shape == "pedicle":
        middle = 0.5 * (fraction.shape[2] - 1)
        aside = np.abs(voxels[:, 2] - middle)
        part = (depth > np.quantile(depth, 0.5)) & (aside > 0.2 * fraction.shape[2])
    else:
        share = PROXIMAL_SHARE.get(base_region(bone.region), 1.0)
        share = share if rng.random() < 0.85 else 1.0
        part = voxels[:, 0] <= share * fraction.shape[0]
    chosen = voxels[part] if part.any() else voxels
    place = chosen[rng.integers(len(chosen))] + np.array(bone.block.start)
    return float(place[0]), float(place[1]), float(place[2])


def _grow(
    body: Body, bone: Bone, centre: Point, diameter_mm: float, shape: str, rng: np.random.Generator
) -> VoxelEllipsoid:
    """Give a lesion its axes: along the bone where it is long, irregular elsewhere."""
    if shape != "elongated":
        uneven = rng.lognormal(0.0, 0.15, 3)
        radii = 0.5 * diameter_mm * uneven / np.prod(uneven) ** (1 / 3)
        return VoxelEllipsoid(centre, (float(radii[0]), float(radii[1]), float(radii[2])), UPRIGHT)
    ratio = rng.uniform(2.0, 4.0)
    long, short = 0.5 * diameter_mm * ratio ** (2 / 3), 0.5 * diameter_mm * ratio ** (-1 / 3)
    axes = _bone_axes(body, bone, centre, long)
    return VoxelEllipsoid(centre, (long, short, short), axes)


def _bone_axes(
    body: Body, bone: Bone, centre: Point, reach_mm: float
) -> tuple[Point, Point, Point]:
    """Return the local directions of a bone, its course first."""
    fraction = bone.block.fraction
    voxels = np.argwhere(fraction > 0.5 * fraction.max())
    offset_mm = (voxels + np.array(bone.block.start) - centre) * body.spacing_mm
    near = offset_mm[(offset_mm**2).sum(axis=1) < max(reach_mm, 20.0) ** 2]
    if len(near) < 4:
        return UPRIGHT
    _, vectors = np.linalg.eigh(np.cov(near.T))
    course, second, third = vectors.T[::-1].tolist()
    return tuple(course), tuple(second), tuple(third)


def _cut(bone: VoxelBlock, solid: VoxelBlock) -> NDArray[np.float32]:
    """Return the part of a solid that lies in a bone, in the solid's block."""
    inside = np.zeros_like(solid.fraction)
    mine, theirs = [], []
    for axis in range(3):
        low = max(bone.start[axis], solid.start[axis])
        high = min(
            bone.start[axis] + bone.fraction.shape[axis],
            solid.start[axis] + solid.fraction.shape[axis],
        )
        if low >= high:
            return inside
        mine.append(slice(low - solid.start[axis], high - solid.start[axis]))
        theirs.append(slice(low - bone.start[axis], high - bone.start[axis]))
    inside[tuple(mine)] = solid.fraction[tuple(mine)] * bone.fraction[tuple(theirs)]
    return inside


def _add_rim(
    body: Body,
    bone: Bone,
    ellipsoid: VoxelEllipsoid,
    solid: VoxelBlock,
    added: NDArray[np.float32],
    level: float,
) -> NDArray[np.float32]:
    """Add the reaction of the bone around a cold lesion: a hot shell in its outer third."""
    core_radii = tuple(0.67 * radius for radius in ellipsoid.radii_mm)
    core = solid_block(
        VoxelEllipsoid(
            ellipsoid.centre, (core_radii[0], core_radii[1], core_radii[2]), ellipsoid.axes
        ),
        body.shape,
        body.spacing_mm,
    )
    shell = _cut(bone.block, solid)
    if core is not None:
        inner = _cut(core, VoxelBlock(solid.start, np.ones_like(solid.fraction)))
        shell = np.maximum(shell - inner, 0)
        added = added * np.minimum(inner + 0.2, 1)
    return added + shell * np.float32(level * (RIM_CONTRAST - 1))


def _superscan(
    body: Body, uptake: Uptake, volumes: Mapping[str, float], rng: np.random.Generator
) -> tuple[Lesion, ...]:
    """Return metastases that take all of the axial skeleton and the limbs' upper bones."""
    skeleton = sum(volumes.values())
    contrast = rng.uniform(*SUPERSCAN_CONTRAST)
    lesions: list[Lesion] = []
    for name, bone in body.bones.items():
        stem = base_region(bone.region)
        axial = stem[1:].isdigit() or stem in ("sacrum", "manubrium", "sternum")
        if volumes[name] < 1 or not (axial or stem in SUPERSCAN_REGIONS):
            continue
        own = float(max(contrast * rng.lognormal(0.0, 0.25), 1.3))
        centre = _draw_centre(bone, "focal", rng)
        added = bone.block.fraction * np.float32(uptake.bones[name] * (own - 1))
        volume_mm3 = volumes[name] * float(np.prod(body.spacing_mm))
        lesions.append(
            Lesion(
                number=len(lesions) + 1,
                bone=name,
                region=bone.region,
                diameter_mm=(6 * volume_mm3 / np.pi) ** (1 / 3),
                contrast=own,
                shape="diffuse",
                centre=centre,
                added=VoxelBlock(bone.block.start, added),
                bone_share=volumes[name] / skeleton,
            )
        )
    return tuple(lesions)
