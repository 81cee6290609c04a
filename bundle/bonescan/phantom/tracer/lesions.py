"""Bone metastases: how many, where, how large, how hot, and their own activity in the body."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bonescan.labels import AXIAL_REGIONS
from bonescan.phantom.anatomy.ellipsoids import rough_block, solid_block
from bonescan.phantom.anatomy.voxels import (
    UPRIGHT,
    Body,
    Bone,
    Point,
    VoxelBlock,
    VoxelEllipsoid,
    union,
)
from bonescan.phantom.presets import (
    TERRITORIES,
    Preset,
    Primary,
    Territory,
    region_weights,
    territory_odds,
)
from bonescan.phantom.tracer.hot_spots import FindingContext
from bonescan.phantom.tracer.lesion_kinds import DIFFUSE, LesionKind, draw_kind
from bonescan.phantom.tracer.uptake import Uptake, base_region

PEAK_OVER_RING = 4.2
PEAK_OVER_RING_SIGMA = 0.72
"""Median and log-normal spread of a lesion's peak in the image over its surroundings, in the view
that shows it best; 2.4 to 10.5 were measured on conspicuous lesions of real scans. Fitted on seed
700, so that over both views the median is 3.0 to 3.5, with at most 10 % below 1.8 and 10 to 15 %
above 6."""
DIAMETER_MM = 23.0
DIAMETER_SIGMA = 0.5
DIAMETER_RANGE_MM = (8.0, 80.0)
"""Median, log-normal spread and limits of a lesion's diameter, before it is cut off at the bone. A
default of ours: half-height diameters of 12 to 33 mm in real images, which the camera widens."""
DIAMETER_GROWTH = 0.35
"""Power of the spread of the disease with which its lesions grow: where there are many they are
large. A default of ours, with which the share of the skeleton has a tail beyond 5 %."""
MOST_CONTRAST = 25.0
"""Activity over that of the bone beyond which none is drawn; bones differ in level as drawn."""
EXTENT_SIGMA = 0.8
"""Log-normal spread of how far the disease has spread, between patients of one primary."""
MOST_LESIONS = 60
SUPERSCAN_CONTRAST = (1.8, 3.5)
SUPERSCAN_SIGMA = 0.35
SUPERSCAN_SHARE = 0.85
"""Mean contrast of a superscan's bones, log-normal spread between them, and share that it takes."""
SUPERSCAN_REGIONS = (frozenset(AXIAL_REGIONS) - {"face"}) | frozenset(
    ("clavicle", "scapula", "ribs", "humerus", "pelvis", "femur")
)
"""Regions, without their sides, that a superscan takes."""
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
        peak_over_ring: peak in the image over its surroundings that it is to have in the view that
            shows it best; None where `contrast` alone decides.
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
    peak_over_ring: float | None
    kind: LesionKind
    centre: Point
    added: VoxelBlock
    bone_share: float

    def scaled(self, factor: float) -> "Lesion":
        """Return the lesion with so many times the activity that it adds, up to MOST_CONTRAST."""
        factor = min(factor, (MOST_CONTRAST - 1) / (self.contrast - 1))
        added = VoxelBlock(self.added.start, self.added.fraction * np.float32(factor))
        return replace(self, contrast=1 + factor * (self.contrast - 1), added=added)


@dataclass(frozen=True)
class LesionSeed:
    """What a lesion grows from.

    Attributes:
        number: of the lesion, from 1.
        bone: where it grows.
        kind: how it grows.
        centre: (row, depth, column) in voxels.
        diameter_mm: geometric mean of its axes, before clipping to the bone.
        contrast: activity over that of the local bone, before it is made to stand out.
        peak_over_ring: as of a Lesion; drawn if None, where the kind has one.
    """

    number: int
    bone: Bone
    kind: LesionKind
    centre: Point
    diameter_mm: float
    contrast: float
    peak_over_ring: float | None = None


def draw_lesions(
    body: Body, uptake: Uptake, preset: Preset, primary: Primary, rng: np.random.Generator
) -> tuple[Lesion, ...]:
    """Draw the metastases of one patient; empty for a patient who has none.

    First the territories that the disease has reached, then the lesions in each.
    """
    if rng.random() < preset.free_share:
        return ()
    context = FindingContext(body, uptake, rng)
    volumes = {name: float(bone.block.fraction.sum()) for name, bone in body.bones.items()}
    if rng.random() < preset.superscans * primary.superscan_share:
        return _superscan(context, volumes)
    skeleton = sum(volumes.values())
    extent = float(rng.lognormal(np.log(primary.extent * preset.extent), EXTENT_SIGMA))
    growth = extent**DIAMETER_GROWTH
    lesions: list[Lesion] = []
    for territory in _draw_sites(preset, primary, extent, rng):
        bone = _draw_bone(body, volumes, region_weights(territory, primary, preset.sites), rng)
        if bone is None:
            continue
        kind = draw_kind(bone.region, primary, rng)
        lesion = _draw_lesion(
            context, bone, kind, number=len(lesions) + 1, growth=growth, skeleton=skeleton
        )
        if lesion is not None:
            lesions.append(lesion)
    return tuple(lesions)


def _draw_sites(
    preset: Preset, primary: Primary, extent: float, rng: np.random.Generator
) -> list[Territory]:
    """Draw the territory of each lesion of a patient, at least one."""
    odds = np.array(
        [territory_odds(part, primary, preset.sites, extent) for part in TERRITORIES.values()]
    )
    reached = rng.random(len(odds)) < odds / (1 + odds)
    if not reached.any():
        reached[rng.choice(len(odds), p=odds / odds.sum())] = True
    sites: list[Territory] = []
    for part, hit in zip(TERRITORIES.values(), reached, strict=True):
        sites += [part] * (int(1 + rng.poisson(part.more * extent)) if hit else 0)
    rng.shuffle(sites)
    return sites[:MOST_LESIONS]


def _draw_bone(
    body: Body,
    volumes: Mapping[str, float],
    weights: Mapping[str, float],
    rng: np.random.Generator,
) -> Bone | None:
    """Draw a bone by its region's weight, shared among the region's bones by volume.

    None where the body has none of these regions: a limb may lie outside the field of view.
    """
    smallest = SMALLEST_BONE_MM3 / float(np.prod(body.spacing_mm))
    names = [
        name
        for name, bone in body.bones.items()
        if bone.region in weights and volumes[name] > smallest
    ]
    if not names:
        return None
    regions = [body.bones[name].region for name in names]
    sums = {
        region: sum(volumes[name] for name in names if body.bones[name].region == region)
        for region in set(regions)
    }
    chances = np.array(
        [
            weights[region] * volumes[name] / sums[region]
            for name, region in zip(names, regions, strict=True)
        ]
    )
    return body.bones[names[rng.choice(len(names), p=chances / chances.sum())]]


def _draw_lesion(
    context: FindingContext,
    bone: Bone,
    kind: LesionKind,
    *,
    number: int,
    growth: float,
    skeleton: float,
) -> Lesion | None:
    """Draw one lesion in a bone; None where hardly anything of it lies inside.

    Args:
        context: the patient.
        bone: where it grows.
        kind: how it grows.
        number: of the lesion.
        growth: its diameter over that where the disease has spread as far as the median, for kinds
            that have no diameter of their own.
        skeleton: volume of all bones in voxels.
    """
    diameter_mm, contrast = _draw_size(kind, growth, context.rng)
    centre = _draw_centre(bone, kind, context.rng)
    seed = LesionSeed(number, bone, kind, centre, diameter_mm, contrast)
    return grow_lesion(context, seed, skeleton=skeleton)


def grow_lesion(context: FindingContext, seed: LesionSeed, *, skeleton: float) -> Lesion | None:
    """Draw the shape of a lesion; None where hardly anything of it lies inside its bone.

    Args:
        context: the patient.
        seed: what is known of the lesion.
        skeleton: volume of all bones in voxels.
    """
    body, bone, kind = context.body, seed.bone, seed.kind
    level = context.uptake.bones[bone.name]
    ellipsoid = _draw_ellipsoid(context, bone, kind, seed.centre, seed.diameter_mm)
    solid = _draw_solid(context, bone, kind, ellipsoid)
    if solid is None:
        return None
    fraction = solid.fraction * bone.block.within(solid)
    if kind.outside_share:
        fraction = np.maximum(fraction, kind.outside_share * solid.fraction)
        fraction = fraction * body.outline.cut(solid.slices)
    volume = float(fraction.sum())
    if volume < 1:
        return None
    added = fraction * np.float32(level * (seed.contrast - 1))
    if kind.rim_contrast is not None:
        core, shell = _core_and_shell(body, bone, ellipsoid, solid)
        added = added * np.minimum(core + 0.2, 1)
        added = added + shell * np.float32(level * (kind.rim_contrast - 1))
    peak = seed.peak_over_ring
    return Lesion(
        number=seed.number,
        bone=bone.name,
        region=bone.region,
        diameter_mm=2 * float(np.prod(ellipsoid.radii_mm)) ** (1 / 3),
        contrast=seed.contrast,
        peak_over_ring=_draw_peak(kind, context.rng) if peak is None else peak,
        kind=kind,
        centre=seed.centre,
        added=VoxelBlock(solid.start, added),
        bone_share=volume / skeleton,
    )


def _draw_size(kind: LesionKind, growth: float, rng: np.random.Generator) -> tuple[float, float]:
    """Draw the diameter in mm and the contrast of a lesion."""
    diameter_mm = growth * rng.lognormal(np.log(DIAMETER_MM), DIAMETER_SIGMA)
    diameter_mm = float(np.clip(diameter_mm, *DIAMETER_RANGE_MM))
    if kind.diameter_mm is not None:
        diameter_mm = rng.uniform(*kind.diameter_mm)
    contrast = 2.0 if kind.contrast is None else float(rng.uniform(*kind.contrast))
    return max(diameter_mm, kind.least_diameter_mm), contrast


def _draw_peak(kind: LesionKind, rng: np.random.Generator) -> float | None:
    """Draw how far a lesion stands out in the image; None where its contrast is drawn."""
    if kind.contrast is not None:
        return None
    return float(rng.lognormal(np.log(PEAK_OVER_RING), PEAK_OVER_RING_SIGMA))


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


def _draw_solid(
    context: FindingContext, bone: Bone, kind: LesionKind, ellipsoid: VoxelEllipsoid
) -> VoxelBlock | None:
    """Draw the shape of a lesion around its ellipsoid, before it is cut off at the bone.

    The first of several foci keeps the ellipsoid's volume, the others grow beside it.
    """
    body, rng = context.body, context.rng
    if kind.rim_contrast is not None:
        return solid_block(ellipsoid, body.shape, body.spacing_mm)
    foci = [ellipsoid]
    if kind.foci is not None:
        near = _near(bone, ellipsoid.centre, 1.2 * max(ellipsoid.radii_mm), body)
        shrink = rng.uniform(0.45, 0.9, rng.integers(*kind.foci, endpoint=True) - 1)
        for factor in shrink.tolist():
            row, depth, column = near[rng.integers(len(near))].tolist()
            radii = tuple(factor * radius for radius in ellipsoid.radii_mm)
            foci.append(VoxelEllipsoid((row, depth, column), radii, ellipsoid.axes))
    blocks = [rough_block(focus, body.shape, body.spacing_mm, rng) for focus in foci]
    return union([block for block in blocks if block is not None])


def _near(bone: Bone, centre: Point, reach_mm: float, body: Body) -> NDArray[np.float64]:
    """Return the voxels of a bone up to a distance from a point, (n, 3), never none."""
    voxels = np.argwhere(bone.block.fraction > 0.5 * bone.block.fraction.max())
    places = voxels + np.array(bone.block.start, dtype=float)
    distance = np.linalg.norm((places - centre) * body.spacing_mm, axis=1)
    return places[distance <= max(reach_mm, float(distance.min()))]


def _bone_axes(
    body: Body, bone: Bone, centre: Point, reach_mm: float
) -> tuple[Point, Point, Point]:
    """Return the local directions of a bone, its course first."""
    near = _near(bone, centre, max(reach_mm, 20.0), body)
    if len(near) < 4:
        return UPRIGHT
    _, vectors = np.linalg.eigh(np.cov(((near - centre) * body.spacing_mm).T))
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
    """Return metastases that take most of the axial skeleton and the limbs' upper bones."""
    body, rng = context.body, context.rng
    skeleton = sum(volumes.values())
    mean_contrast = rng.uniform(*SUPERSCAN_CONTRAST)
    lesions: list[Lesion] = []
    for name, bone in body.bones.items():
        if volumes[name] < 1 or base_region(bone.region) not in SUPERSCAN_REGIONS:
            continue
        if rng.random() > SUPERSCAN_SHARE:
            continue
        contrast = float(max(mean_contrast * rng.lognormal(0.0, SUPERSCAN_SIGMA), 1.3))
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
                peak_over_ring=None,
                kind=DIFFUSE,
                centre=centre,
                added=VoxelBlock(bone.block.start, added),
                bone_share=volumes[name] / skeleton,
            )
        )
    return tuple(lesions)
