"""Paint the tracer of one patient into the voxels of the body."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.phantom.anatomy.voxels import Body, Bone, VoxelBlock
from bonescan.phantom.presets import SITES
from bonescan.phantom.tracer.ellipsoids import gaussian_block, solid_block
from bonescan.phantom.tracer.uptake import Clip, HotSpot, JointGain, Uptake, base_region

FRONT_TO_BACK: Mapping[str, tuple[float, float]] = {
    "ribs": (0.75, 1.4),
    **dict.fromkeys(SITES["thoracic_spine"], (0.8, 1.3)),
    **dict.fromkeys(SITES["lumbar_spine"], (1.05, 1.05)),
}
"""Factors at the front and the back of a bone: occiput, posterior ribs and vertebral arches are
hotter, as the posterior views show against the anterior ones."""
VAULT_FRONT_TO_BACK = (0.6, 3.2)
"""The same of the vault of the skull; its base and the face are even."""

END_FACTORS: Mapping[str, tuple[float, float]] = {
    "humerus": (0.75, 1.0),
    "femur": (1.0, 0.5),
    "tibia": (0.6, 1.0),
}
END_SHARE = 0.16
"""Factors at the upper and the lower end of a long bone, and the share of its length that an end
takes: spongy bone with fat marrow holds less per volume than the shaft."""

TEXTURE_SIGMA = 0.2
"""Unevenness inside a bone. Nobody has measured it; how hard it is to tell a lesion from normal
bone depends on it more than on anything else here."""
TEXTURE_MM = 15.0
"""Length over which that unevenness changes."""


@dataclass(frozen=True)
class Activity:
    """The tracer in every voxel.

    Attributes:
        values: concentration, (row, depth, column); where many structures meet it may fall a little
            below zero.
        foci: the benign hot spots, each with what it adds.
    """

    values: NDArray[np.float32]
    foci: tuple[tuple[HotSpot, VoxelBlock], ...]


def paint(body: Body, uptake: Uptake, rng: np.random.Generator) -> Activity:
    """Return the concentration in every voxel of the grid."""
    values = body.outline * np.float32(uptake.soft_tissue)
    for name, level in uptake.organs.items():
        organ = body.organs[name]
        values[organ.slices] += np.float32(level - uptake.soft_tissue) * organ.fraction
    skeleton = _paint_bones(values, body, uptake, rng)
    clips = {Clip.BONE: skeleton, Clip.BODY: body.outline}
    foci = []
    for spot in uptake.hot_spots:
        gaussian = gaussian_block(spot.ellipsoid, body.shape, body.spacing_mm)
        if gaussian is not None:
            clip = np.minimum(clips[spot.clip][gaussian.slices], 1) if spot.clip in clips else 1
            added = VoxelBlock(gaussian.start, np.float32(spot.level) * gaussian.fraction * clip)
            values[added.slices] += added.fraction
            if spot.finding:
                foci.append((spot, added))
    for metal in uptake.metal:
        hole = solid_block(metal.ellipsoid, body.shape, body.spacing_mm)
        if hole is not None:
            values[hole.slices] *= 1 - hole.fraction
    return Activity(values, tuple(foci))


def _paint_bones(
    values: NDArray[np.float32], body: Body, uptake: Uptake, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Paint the bones over soft tissue; return how much of each voxel they fill."""
    skeleton = np.zeros(body.shape, np.float32)
    texture, joints = _draw_texture(body, rng), _joint_factors(body, uptake.joints)
    for name, level in uptake.bones.items():
        bone, block = body.bones[name], body.bones[name].block
        uneven = _cut_texture(texture, block, rng) * (_depth_factor(bone) * _row_factor(bone))
        uneven *= joints[block.slices] * bone.density
        added = np.float32(level) * uneven - np.float32(uptake.soft_tissue)
        values[block.slices] += added * block.fraction
        skeleton[block.slices] += block.fraction
    return skeleton


def _joint_factors(body: Body, joints: Sequence[JointGain]) -> NDArray[np.float32]:
    """Return what joints multiply the level of bone by, in every voxel of the grid."""
    factors = np.ones(body.shape, np.float32)
    for joint in joints:
        gaussian = gaussian_block(joint.ellipsoid, body.shape, body.spacing_mm)
        if gaussian is not None:
            factors[gaussian.slices] += np.float32(joint.gain) * gaussian.fraction
    return factors


def _depth_factor(bone: Bone) -> NDArray[np.float32]:
    """Return the factor of a bone's level at each depth of its block, (1, depth, 1)."""
    front, back = FRONT_TO_BACK.get(base_region(bone.region), (1.0, 1.0))
    if bone.name == "skull_vault":
        front, back = VAULT_FRONT_TO_BACK
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
