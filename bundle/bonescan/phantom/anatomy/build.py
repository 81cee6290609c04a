"""Build one person's body on the detector's grid."""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from bonescan.phantom.anatomy.arms import arm_bones
from bonescan.phantom.anatomy.bone_shape import CORTEX_MM, MARROW_DENSITY, SPONGY_DENSITY, BoneShape
from bonescan.phantom.anatomy.legs import leg_bones
from bonescan.phantom.anatomy.organs import organ_blocks
from bonescan.phantom.anatomy.pelvis import pelvis_bones
from bonescan.phantom.anatomy.person import Person
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.ribcage import RibPaths, rib_paths, ribcage_bones
from bonescan.phantom.anatomy.shapes import VoxelGrid, rasterise, to_fraction, union_distance
from bonescan.phantom.anatomy.shoulder import shoulder_bones
from bonescan.phantom.anatomy.sites import landmarks
from bonescan.phantom.anatomy.skull import skull_bones
from bonescan.phantom.anatomy.soft_tissue import flesh_parts, trunk_blocks, visceral_fat
from bonescan.phantom.anatomy.spine import Frames, spine_bones, vertebra_frames
from bonescan.phantom.anatomy.voxels import Body, Bone, CoarseVolume, Point, VoxelBlock


def bone_shapes(posture: Posture, frames: Frames, ribs: RibPaths) -> Iterator[BoneShape]:
    """Yield every bone of one person."""
    return chain(
        skull_bones(posture),
        spine_bones(posture, frames),
        ribcage_bones(posture, ribs),
        shoulder_bones(posture),
        arm_bones(posture),
        pelvis_bones(posture),
        leg_bones(posture),
    )


def _merge(outline: NDArray[np.float32], block: VoxelBlock) -> None:
    part = outline[block.slices]
    np.maximum(part, block.fraction, out=part)


def _rasterise_bone(bone: BoneShape, grid: VoxelGrid) -> Bone:
    """Return a bone as voxels, its marrow and its spongy ends apart from its cortex."""
    block = rasterise(grid, bone.shapes, without=bone.without)
    if not (bone.marrow or bone.spongy):
        return Bone(bone.name, bone.region, block)
    held = block.fraction.copy()
    # Where a cavity reaches into a spongy end, marrow is what is left of it.
    for shapes, level, cortex_mm in (
        (bone.spongy, SPONGY_DENSITY, CORTEX_MM),
        (bone.marrow, MARROW_DENSITY, 0.0),
    ):
        if shapes:
            filled = rasterise(grid, shapes, grown_mm=-cortex_mm).within(block)
            np.minimum(held, block.fraction - np.float32(1 - level) * filled, out=held)
    density = held / np.maximum(block.fraction, np.float32(1e-3))
    return Bone(bone.name, bone.region, block, density.clip(MARROW_DENSITY, 1))


def _soft_tissue(
    posture: Posture, bones: Sequence[BoneShape], grid: VoxelGrid
) -> tuple[CoarseVolume, CoarseVolume]:
    """Return the share of each voxel inside the skin, and the share that is fat."""
    rows, depths, columns = grid.shape
    row_mm, depth_mm, column_mm = grid.spacing_mm
    size = (-(-rows // 2), depths, -(-columns // 2))
    coarse = VoxelGrid(size, (2 * row_mm, depth_mm, 2 * column_mm))
    outline, lean = np.zeros((2, *size), np.float32)
    for volume, block in zip((outline, lean), trunk_blocks(posture, coarse), strict=True):
        _merge(volume, block)
    viscera, share = visceral_fat(posture)
    block = rasterise(coarse, [viscera])
    lean[block.slices] *= 1 - np.float32(share) * block.fraction
    for flesh in flesh_parts(posture):
        slices, distance = union_distance(coarse, [flesh.shape])
        start = tuple(part.start for part in slices)
        _merge(outline, VoxelBlock(start, to_fraction(coarse, distance)))
        if flesh.fat_mm is not None:
            distance += np.float32(flesh.fat_mm)
            _merge(lean, VoxelBlock(start, to_fraction(coarse, distance)))
    for bone in bones:
        if bone.cover_mm:
            block = rasterise(coarse, bone.shapes, grown_mm=bone.cover_mm)
            _merge(outline, block)
            _merge(lean, block)
    return CoarseVolume(outline), CoarseVolume(np.maximum(outline - lean, 0))


def build_body(
    person: Person,
    *,
    pixel_mm: float,
    depth_mm: float = 5.0,
    rows: int = 1024,
    columns: int = 256,
) -> Body:
    """Return a person's body on the detector's grid.

    Args:
        person: who.
        pixel_mm: side of a detector pixel.
        depth_mm: size of a voxel along the camera's axis.
        rows: of the detector's scan.
        columns: of the detector.
    """
    posture = Posture(person, columns * pixel_mm)
    depths = int(np.ceil((posture.front_mm + posture.scale.bed_mm + 10) / depth_mm))
    grid = VoxelGrid((rows, depths, columns), (pixel_mm, depth_mm, pixel_mm))
    frames, ribs = vertebra_frames(posture), rib_paths(posture)
    shapes = tuple(bone_shapes(posture, frames, ribs))
    bones = {shape.name: _rasterise_bone(shape, grid) for shape in shapes}
    points: dict[str, Point] = {
        name: grid.to_voxel(point) for name, point in landmarks(posture, frames, ribs).items()
    }
    outline, fat = _soft_tissue(posture, shapes, grid)
    organs = organ_blocks(posture, grid)
    return Body(person, grid.shape, grid.spacing_mm, outline, fat, bones, organs, points)
