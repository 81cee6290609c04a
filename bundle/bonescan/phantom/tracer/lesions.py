"""Bone metastases: how many, where, how large, how hot, and their own activity in the body."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bonescan.labels import AXIAL_REGIONS
from bonescan.phantom.anatomy.voxels import Body, Bone, Point, VoxelBlock
from bonescan.phantom.presets import Preset, Primary, region_weights
from bonescan.phantom.tracer.ellipsoids import UPRIGHT, VoxelEllipsoid, solid_block
from bonescan.phantom.tracer.hot_spots import FindingContext
from bonescan.phantom.tracer.lesion_kinds import DIFFUSE, LesionKind, draw_kind
from bonescan.phantom.tracer.uptake import Uptake, base_region

CONTRAST_RANGE = (1.5, 6.0, 18.0)
"""Lowest, most frequent and highest activity ratio of lesion to local bone: triangular in its
logarithm. A default of ours. Tissue in front of and behind a lesion dilutes it: peaks in the image
are about twice their surroundings (median), fainter than conspicuous lesions of real scans (2.4 to
10.5 times)."""
DIAMETER_MM = 17.0
DIAMETER_SIGMA = 0.45
DIAMETER_RANGE_MM = (6.0, 40.0)
"""Median, log-normal spread and limits of a lesion's diameter. A default of ours: half-height
diameters of 12 to 33 mm in real images, which the camera widens."""
NUMBER_SHAPE = 0.9
"""Shape of the gamma distribution behind the number of lesions: many with few, few with many."""
MOST_LESIONS = 40
SUPERSCAN_CONTRAST = (1.8, 3.5)
SUPERSCAN_REGIONS = (frozenset(AXIAL_REGIONS) - {"face"}) | frozenset(
    ("clavicle", "scapula", "ribs", "humerus", "pelvis", "femur")
)
"""Regions, without their sides, that a superscan takes."""
CROWDED = 0.35
"""Chance that a lesion grows in a region that already has one: metastases come in groups."""
SMALLEST_BONE_MM3 = 150.0


@dataclass(frozen=True)
class Lesion:
    """A metastasis and the activity that it adds.

    Attributes:
        number: from 1.
        bone: name of the bone.
        region: of `bonescan.labels.REGIONS`.
        diameter_mm: geometric mean of its axes, before clipping to the bone.
        contrast: activity over that of the local bone; below 1 for a cold lesion.
        kind: how it grows.
        centre: (row, depth, column) in voxels.
        added: activity that it adds to the body; negative inside a cold lesion.
        bone_share: part of the whole skeleton's volume that it takes.
    """

    number: int
    bone: str
    region: str
    diameter_mm: float
    contrast: float
    kind: LesionKind
    centre: Point
    added: VoxelBlock
    bone_share: float


def draw_lesions(
    body: Body, uptake: Uptake, preset: Preset, primary: Primary, rng: np.random.Generator
) -> tuple[Lesion, ...]:
    """Draw the metastases of one patient; empty for a patient who has none."""
    if rng.random() < preset.free_share:
        return ()
    context = FindingContext(body, uptake, rng)
    volumes = {name: float(bone.block.fraction.sum()) for name, bone in body.bones.items()}
    if rng.random() < preset.superscan_share:
        return _superscan(context, volumes)
    smallest = SMALLEST_BONE_MM3 / float(np.prod(body.spacing_mm))
    candidates = {name: volume for name, volume in volumes.items() if volume > smallest}
    weights = region_weights(primary, preset.sites)
    skeleton = sum(volumes.values())
    lesions: list[Lesion] = []
    for _ in range(_draw_number(preset.lesion_factor * primary.mean_lesions, rng)):
        taken = {lesion.region for lesion in lesions}
        bone = body.bones[_draw_bone(body, candidates, weights, taken, rng)]
        kind = draw_kind(bone.region, primary, rng)
        lesion = _draw_lesion(context, bone, kind, number=len(lesions) + 1, skeleton=skeleton)
        if lesion is not None:
            lesions.append(lesion)
    return tuple(lesions)


def _draw_number(mean_lesions: float, rng: np.random.Generator) -> int:
    mean = rng.gamma(NUMBER_SHAPE, (mean_lesions - 1) / NUMBER_SHAPE)
    return min(1 + int(rng.poisson(mean)), MOST_LESIONS)


def _draw_bone(
    body: Body,
    volumes: Mapping[str, float],
    region_weights: Mapping[str, float],
    taken: set[str],
    rng: np.random.Generator,
) -> str:
    """Draw a bone by its region's weight, shared among the region's bones by volume."""
    regions = {name: body.bones[name].region for name in volumes}
    if taken and rng.random() < CROWDED:
        neighbours = [name for name, region in regions.items() if region in taken]
        return neighbours[rng.integers(len(neighbours))]
    sums: dict[str, float] = {}
    for name, volume in volumes.items():
        sums[regions[name]] = sums.get(regions[name], 0.0) + volume
    weights = np.array(
        [
            region_weights[regions[name]] * volume / sums[regions[name]]
            for name, volume in volumes.items()
        ]
    )
    return list(volumes)[rng.choice(len(weights), p=weights / weights.sum())]


def _draw_lesion(
    context: FindingContext, bone: Bone, kind: LesionKind, *, number: int, skeleton: float
) -> Lesion | None:
    """Draw one lesion in a bone; None where hardly anything of it lies inside.

    Args:
        context: the patient.
        bone: where it grows.
        kind: how it grows.
        number: of the lesion.
        skeleton: volume of all bones in voxels.
    """
    body, level = context.body, context.uptake.bones[bone.name]
    diameter_mm, contrast = _draw_size(kind, context.rng)
    centre = _draw_centre(bone, kind, context.rng)
    ellipsoid = _draw_ellipsoid(context, bone, kind, centre, diameter_mm)
    solid = solid_block(ellipsoid, body.shape, body.spacing_mm)
    if solid is None:
        return None
    fraction = solid.fraction * bone.block.within(solid)
    if kind.outside_share:
        fraction = np.maximum(fraction, kind.outside_share * solid.fraction)
        fraction = fraction * body.outline[solid.slices]
    volume = float(fraction.sum())
    if volume < 1:
        return None
    added = fraction * np.float32(level * (contrast - 1))
    if kind.rim_contrast is not None:
        core, shell = _core_and_shell(body, bone, ellipsoid, solid)
        added = added * np.minimum(core + 0.2, 1)
        added = added + shell * np.float32(level * (kind.rim_contrast - 1))
    return Lesion(
        number=number,
        bone=bone.name,
        region=bone.region,
        diameter_mm=2 * float(np.prod(ellipsoid.radii_mm)) ** (1 / 3),
        contrast=contrast,
        kind=kind,
        centre=centre,
        added=VoxelBlock(solid.start, added),
        bone_share=volume / skeleton,
    )


def _draw_size(kind: LesionKind, rng: np.random.Generator) -> tuple[float, float]:
    """Draw the diameter in mm and the contrast of a lesion."""
    contrast = float(np.exp(rng.triangular(*np.log(CONTRAST_RANGE))))
    diameter_mm = rng.lognormal(np.log(DIAMETER_MM), DIAMETER_SIGMA)
    diameter_mm = float(np.clip(diameter_mm, *DIAMETER_RANGE_MM))
    if kind.diameter_mm is not None:
        diameter_mm = rng.uniform(*kind.diameter_mm)
    if kind.contrast_limit is not None:
        contrast = min(contrast, rng.uniform(*kind.contrast_limit))
    return max(diameter_mm, kind.least_diameter_mm), contrast


def _draw_centre(bone: Bone, kind: LesionKind, rng: np.random.Generator) -> Point:
    """Draw a voxel of the bone, in the part of it where such a lesion grows."""
    fraction = bone.block.fraction
    voxels = np.argwhere(fraction > 0.6 * fraction.max())
    allowed = kind.site(bone, voxels, rng)
    chosen = voxels[allowed] if allowed.any() else voxels
    voxel = chosen[rng.integers(len(chosen))] + np.array(bone.block.start)
    return float(voxel[0]), float(voxel[1]), float(voxel[2])


def _draw_ellipsoid(
    context: FindingContext, bone: Bone, kind: LesionKind, centre: Point, diameter_mm: float
) -> VoxelEllipsoid:
    """Draw the axes of a lesion: along the bone where it is long, irregular elsewhere."""
    if kind.elongation is None:
        uneven = context.rng.lognormal(0.0, 0.15, 3)
        radii = 0.5 * diameter_mm * uneven / np.prod(uneven) ** (1 / 3)
        return VoxelEllipsoid(centre, (float(radii[0]), float(radii[1]), float(radii[2])), UPRIGHT)
    ratio = context.rng.uniform(*kind.elongation)
    long, short = 0.5 * diameter_mm * ratio ** (2 / 3), 0.5 * diameter_mm * ratio ** (-1 / 3)
    axes = _bone_axes(context.body, bone, centre, long)
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


def _core_and_shell(
    body: Body, bone: Bone, ellipsoid: VoxelEllipsoid, solid: VoxelBlock
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the inner two thirds of a lesion and the bone of its outer third, in its block."""
    row, depth, column = ellipsoid.radii_mm
    inner = replace(ellipsoid, radii_mm=(0.67 * row, 0.67 * depth, 0.67 * column))
    core = solid_block(inner, body.shape, body.spacing_mm)
    whole = solid.fraction * bone.block.within(solid)
    if core is None:
        return np.ones_like(whole), whole
    inside = core.within(solid)
    return inside, np.maximum(whole - inside, 0)


def _superscan(context: FindingContext, volumes: Mapping[str, float]) -> tuple[Lesion, ...]:
    """Return metastases that take all of the axial skeleton and the limbs' upper bones."""
    body, rng = context.body, context.rng
    skeleton = sum(volumes.values())
    mean_contrast = rng.uniform(*SUPERSCAN_CONTRAST)
    lesions: list[Lesion] = []
    for name, bone in body.bones.items():
        if volumes[name] < 1 or base_region(bone.region) not in SUPERSCAN_REGIONS:
            continue
        contrast = float(max(mean_contrast * rng.lognormal(0.0, 0.25), 1.3))
        centre = _draw_centre(bone, DIFFUSE, rng)
        added = bone.block.fraction * np.float32(context.uptake.bones[name] * (contrast - 1))
        volume_mm3 = volumes[name] * float(np.prod(body.spacing_mm))
        lesions.append(
            Lesion(
                number=len(lesions) + 1,
                bone=name,
                region=bone.region,
                diameter_mm=(6 * volume_mm3 / np.pi) ** (1 / 3),
                contrast=contrast,
                kind=DIFFUSE,
                centre=centre,
                added=VoxelBlock(bone.block.start, added),
                bone_share=volumes[name] / skeleton,
            )
        )
    return tuple(lesions)
