"""Build one person's body on the detector's grid."""

from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from bonescan.phantom.anatomy.arms import arm_bones
from bonescan.phantom.anatomy.legs import leg_bones
from bonescan.phantom.anatomy.pelvis import pelvis_bones
from bonescan.phantom.anatomy.person import Person
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.ribcage import ribcage_bones
from bonescan.phantom.anatomy.shapes import BoneShape, VoxelGrid, rasterise, rasterise_with_cover
from bonescan.phantom.anatomy.shoulder import shoulder_bones
from bonescan.phantom.anatomy.sites import landmarks
from bonescan.phantom.anatomy.skull import skull_bones
from bonescan.phantom.anatomy.soft_tissue import flesh_shapes, organ_blocks, trunk_outline
from bonescan.phantom.anatomy.spine import spine_bones
from bonescan.phantom.anatomy.voxels import Body, Bone, Point, VoxelBlock


def bone_shapes(posture: Posture) -> Iterator[BoneShape]:
    """Yield every bone of one person."""
    return chain(
        skull_bones(posture),
        spine_bones(posture),
        ribcage_bones(posture),
        shoulder_bones(posture),
        arm_bones(posture),
        pelvis_bones(posture),
        leg_bones(posture),
    )


def _merge(outline: NDArray[np.float32], block: VoxelBlock) -> None:
    part = outline[block.slices]
    np.maximum(part, block.fraction, out=part)


def _rasterise_bone(bone: BoneShape, grid: VoxelGrid, outline: NDArray[np.float32]) -> Bone:
    """Return a bone as voxels, and cover it with soft tissue in the outline."""
    block, covered = rasterise_with_cover(
        grid, bone.shapes, without=bone.without, cover_mm=bone.cover_mm
    )
    _merge(outline, covered)
    return Bone(bone.name, bone.region, block)


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
    outline = np.zeros(grid.shape, np.float32)
    _merge(outline, trunk_outline(posture, grid))
    for shape in flesh_shapes(posture):
        for part in shape.parts():
            _merge(outline, rasterise(grid, [part]))
    bones = {bone.name: _rasterise_bone(bone, grid, outline) for bone in bone_shapes(posture)}
    organs = organ_blocks(posture, grid)
    points: dict[str, Point] = {
        name: grid.to_voxel(point) for name, point in landmarks(posture).items()
    }
    return Body(person, grid.shape, grid.spacing_mm, outline, bones, organs, points)
