"""What each structure of a body holds of the tracer per unit of its level, voxel by voxel.

All of it is linear: a patient's activity is the sum of these, each times a level.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.phantom.anatomy.ellipsoids import gaussian_block
from bonescan.phantom.anatomy.implants import metal_blocks, share_beside_metal
from bonescan.phantom.anatomy.voxels import (
    Body,
    Bone,
    VoxelBlock,
    add_coarsely,
    union,
)
from bonescan.phantom.presets import SITES
from bonescan.phantom.tracer.uptake import Clip, HotSpot, base_region, joints_of

FRONT_TO_BACK: Mapping[str, tuple[float, float]] = {
    "ribs": (0.75, 1.45),
    **dict.fromkeys(SITES["thoracic_spine"], (0.76, 1.18)),
    **dict.fromkeys(SITES["lumbar_spine"], (1.4, 0.55)),
}
"""Factors at the front and the back of a bone: occiput, posterior ribs and thoracic arches are
hotter, as the posterior views show against the anterior ones. Fitted with BONE_LEVELS."""
VAULT_FRONT_TO_BACK = (0.86, 2.8)
"""The same of the vault of the skull; its base and the face are even."""

TEXTURE_MM = 15.0
"""Length over which the unevenness inside a bone changes."""


def soft_tissues(body: Body) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return muscle and fat, what is neither bone, organ nor metal.

    Returns:
        (rows / 2, depths, columns / 2) each.
    """
    values = body.outline.values.astype(np.float32)
    for organ in body.organs.values():
        add_coarsely(values, organ, -1.0)
    for bone in body.bones.values():
        add_coarsely(values, bone.block, -1.0)
    for metal in metal_blocks(body):
        add_coarsely(values, metal, -1.0)
    np.maximum(values, 0, out=values)
    fat = np.minimum(body.fat.values, values)
    return values - fat, fat


def organ_uptake(body: Body, organ: VoxelBlock) -> VoxelBlock:
    """Return the tracer in an organ of level 1."""
    return VoxelBlock(organ.start, organ.fraction * share_beside_metal(body, organ))


def bone_uptake(body: Body, bone: Bone) -> VoxelBlock:
    """Return the tracer in an even bone of level 1."""
    block = bone.block
    values = block.fraction * bone.density * _depth_factor(bone)
    return VoxelBlock(block.start, values * share_beside_metal(body, block))


def _depth_factor(bone: Bone) -> NDArray[np.float32]:
    """Return the factor of a bone's level at each depth of its block, (1, depth, 1)."""
    front, back = FRONT_TO_BACK.get(base_region(bone.region), (1.0, 1.0))
    if bone.name == "skull_vault":
        front, back = VAULT_FRONT_TO_BACK
    share = np.linspace(0, 1, bone.block.fraction.shape[1], dtype=np.float32)[None, :, None]
    return np.float32(front) + np.float32(back - front) * share**2


def draw_texture(body: Body, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw two smooth random fields of mean 0 and variance 1, large enough for every bone.

    With c and s the cosine and sine of any angle, c times the one and s times the other is such a
    field, too: each patient of a body has fields of their own. They are drawn on every second row
    and column, which the camera cannot tell from every one.

    Returns:
        (2, rows / 2, depths, columns / 2).
    """
    sizes = np.array([bone.block.fraction.shape for bone in body.bones.values()])
    step = np.array([2, 1, 2])
    noise = rng.standard_normal((2, *((sizes.max(axis=0) + 16) // step)), dtype=np.float32)
    sigma = TEXTURE_MM / 2 / (step * body.spacing_mm)
    smooth = ndimage.gaussian_filter(noise, (0, *sigma), mode="wrap", truncate=2.5)
    return smooth / smooth.std(axis=(1, 2, 3), keepdims=True)


def cut_texture(
    texture: NDArray[np.float32], bone: Bone, places: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Cut the fields of one bone from anywhere in the common ones, (2, n).

    Args:
        texture: of `draw_texture`.
        bone: whose voxels they are.
        places: row, depth and column of the voxels in the bone's block, (3, n).
        rng: draws where.
    """
    sizes = (2 * texture.shape[1], texture.shape[2], 2 * texture.shape[3])
    starts = [
        rng.integers(0, whole - part + 1)
        for whole, part in zip(sizes, bone.block.fraction.shape, strict=True)
    ]
    rows, depths, columns = places + np.array(starts)[:, None]
    return texture[:, rows // 2, depths, columns // 2]


def joint_blocks(body: Body) -> Iterator[tuple[str, VoxelBlock]]:
    """Yield the joints that lie in the grid, by name of the point: Gaussians, 1 at the centre."""
    for name, ellipsoid in joints_of(body).items():
        gaussian = gaussian_block(ellipsoid, body.shape, body.spacing_mm)
        if gaussian is not None:
            yield name, gaussian


def spot_block(body: Body, spot: HotSpot) -> VoxelBlock | None:
    """Return the activity that a hot spot adds; None where it lies outside the grid."""
    if spot.bone:
        shape = body.bones[spot.bone].block
    else:
        parts = (gaussian_block(part, body.shape, body.spacing_mm) for part in spot.ellipsoids)
        together = union([part for part in parts if part is not None])
        if together is None:
            return None
        shape = together
    values = np.float32(spot.level) * shape.fraction
    if spot.clip is Clip.BODY:
        values *= body.outline.cut(shape.slices)
    elif spot.clip is Clip.BONE:
        values *= skeleton_within(body, shape)
    return VoxelBlock(shape.start, values * share_beside_metal(body, shape))


def skeleton_within(body: Body, block: VoxelBlock) -> NDArray[np.float32]:
    """Return the share 0..1 of each voxel of a block that is bone."""
    share = np.zeros_like(block.fraction)
    for bone in body.bones.values():
        if bone.block.meets(block):
            share += bone.block.within(block)
    return np.minimum(share, 1, out=share)
