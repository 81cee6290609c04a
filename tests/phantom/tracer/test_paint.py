from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.anatomy.voxels import CoarseVolume, Implant, VoxelBlock, VoxelEllipsoid
from bonescan.phantom.tracer.paint import (
    FRONT_TO_BACK,
    TEXTURE_MM,
    bone_uptake,
    cut_texture,
    draw_texture,
    organ_uptake,
    skeleton_within,
    soft_tissues,
    spot_block,
)
from bonescan.phantom.tracer.uptake import Clip, HotSpot
from tests.phantom.bodies import SPACING_MM, block_body, filled

CENTRE = (100.0, 20.0, 48.0)


@pytest.fixture(scope="module")
def body():
    return block_body()


@pytest.fixture(scope="module")
def metal_body(body):
    piece = VoxelEllipsoid(CENTRE, (15.0, 20.0, 15.0))
    return replace(body, implants=(Implant("buckle", "", (piece,)),))


def rng():
    return np.random.default_rng(4)


def coarse(point):
    row, depth, column = point
    return row // 2, depth, column // 2


def test_bones_organs_and_metal_leave_the_rest_to_soft_tissue(body, metal_body):
    values, _ = soft_tissues(body)
    assert values[coarse((100, 20, 22))] == 1
    assert values[2, 2, 2] == 0
    assert values[coarse((118, 26, 62))] == 0  # kidney
    assert values[coarse((34, 28, 48))] == 0  # spine
    assert soft_tissues(metal_body)[0][coarse((100, 20, 48))] < 0.01
    assert values.min() >= 0


def test_fat_takes_its_share_of_what_is_neither_bone_nor_organ(body):
    """A body whose right half is fat by 0.3: bones and organs in it keep their place."""
    fat = np.zeros_like(body.outline.values)
    fat[:, :, :24] = 0.3 * body.outline.values[:, :, :24]
    muscle, found = soft_tissues(replace(body, fat=CoarseVolume(fat)))
    assert found[coarse((100, 20, 22))] == pytest.approx(0.3)
    assert found[coarse((100, 20, 70))] == 0
    assert found[coarse((60, 16, 30))] == 0  # right lung
    np.testing.assert_allclose(muscle + found, soft_tissues(body)[0], atol=1e-6)


def test_marrow_holds_less_than_the_bone_around_it(body):
    """Marrow of a tenth of the bone's level in the middle of the breastbone."""
    bone = body.bones["sternum"]
    density = filled(bone.block.fraction.shape)
    density[10:20] = 0.1
    solid, hollow = (
        bone_uptake(body, each).fraction for each in (bone, replace(bone, density=density))
    )
    np.testing.assert_array_equal(hollow[:10], solid[:10])
    np.testing.assert_allclose(hollow[10:20], 0.1 * solid[10:20], rtol=1e-4)


def test_partly_filled_voxels_share_their_activity(body):
    bone = body.bones["sternum"]
    half = replace(bone, block=VoxelBlock(bone.block.start, filled((30, 3, 6), 0.5)))
    np.testing.assert_allclose(bone_uptake(body, half).fraction, 0.5)


def test_the_back_of_bones_follows_its_factor(body):
    rib = bone_uptake(body, body.bones["rib_05_left"]).fraction
    front, back = FRONT_TO_BACK["ribs"]
    np.testing.assert_allclose(rib[:, 0], front)
    np.testing.assert_allclose(rib[:, -1], back)


def test_metal_holds_no_activity(metal_body):
    block = VoxelBlock((90, 10, 40), filled((20, 20, 40)))
    organ = organ_uptake(metal_body, block).fraction
    assert organ[10, 10, 8] < 0.01
    assert organ[10, 10, 39] == 1
    spot = HotSpot((VoxelEllipsoid(CENTRE, (30.0, 30.0, 30.0)),), 50.0, Clip.NOTHING)
    added = spot_block(metal_body, spot)
    place = tuple(int(c) - start for c, start in zip(CENTRE, added.start, strict=True))
    assert added.fraction[place] < 0.5
    assert added.fraction.max() > 30


def value_at(block, point):
    """What a block adds at a point of the grid, 0 outside it."""
    return float(block.within(VoxelBlock(point, filled((1, 1, 1))))[0, 0, 0])


def test_spots_keep_to_what_they_are_clipped_to(body):
    spots = {
        clip: spot_block(body, HotSpot((VoxelEllipsoid(centre, (6.0, 6.0, 6.0)),), 50.0, clip))
        for clip, centre in {
            Clip.BONE: (74.0, 9.0, 21.0),
            Clip.BODY: (74.0, 9.0, 20.0),
            Clip.NOTHING: (74.0, 9.0, 16.0),
        }.items()
    }
    assert value_at(spots[Clip.BONE], (74, 9, 23)) > 20
    assert value_at(spots[Clip.BONE], (74, 9, 21)) == 0
    assert value_at(spots[Clip.BODY], (74, 9, 22)) > 20
    assert value_at(spots[Clip.BODY], (74, 9, 18)) == 0
    assert value_at(spots[Clip.NOTHING], (74, 9, 16)) == pytest.approx(50)
    outside = HotSpot((VoxelEllipsoid((74.0, 9.0, 300.0), (6.0, 6.0, 6.0)),), 50.0)
    assert spot_block(body, outside) is None


def test_a_spot_of_several_parts_has_the_highest_of_them_everywhere(body):
    centres = ((74.0, 9.0, 30.0), (74.0, 9.0, 33.0), (74.0, 9.0, 300.0))
    parts = tuple(VoxelEllipsoid(centre, (6.0, 6.0, 9.0)) for centre in centres)
    together, *alone = (
        spot_block(body, HotSpot(some, 50.0, Clip.NOTHING))
        for some in (parts, parts[:1], parts[1:2])
    )
    for column in range(24, 40):
        place = (74, 9, column)
        assert value_at(together, place) == max(value_at(one, place) for one in alone)


def test_a_spot_may_take_a_whole_bone(body):
    added = spot_block(body, HotSpot((), 3.0, bone="rib_05_left"))
    block = body.bones["rib_05_left"].block
    assert added.start == block.start
    np.testing.assert_allclose(added.fraction, 3 * block.fraction)


def test_bones_that_meet_fill_a_voxel_once(body):
    bone = body.bones["sternum"]
    twice = replace(body, bones={"one": bone, "two": bone})
    share = skeleton_within(twice, VoxelBlock((48, 4, 45), filled((4, 3, 6))))
    np.testing.assert_array_equal(share[:2], 0)
    np.testing.assert_array_equal(share[2:], 1)


def test_texture_is_as_uneven_at_any_angle_and_new_at_each(body):
    texture = draw_texture(body, rng())
    np.testing.assert_allclose(texture.mean(axis=(1, 2, 3)), 0, atol=0.2)
    for angle in (0.0, 0.7, 2.0):
        mixed = np.cos(angle) * texture[0] + np.sin(angle) * texture[1]
        assert mixed.std() == pytest.approx(1, abs=0.1)
    assert abs(np.corrcoef(texture.reshape(2, -1))[0, 1]) < 0.15
    half = round(0.5 * TEXTURE_MM / SPACING_MM[1])
    near, far = (
        np.corrcoef(texture[:, :, :-step].ravel(), texture[:, :, step:].ravel())[0, 1]
        for step in (half, 4 * half)
    )
    assert near > 0.5
    assert far < 0.3


def test_each_bone_has_a_texture_of_its_own(body):
    bone, texture, source = body.bones["sternum"], draw_texture(body, rng()), rng()
    places = np.array(np.nonzero(bone.block.fraction))
    first, second = (cut_texture(texture, bone, places, source) for _ in range(2))
    assert first.shape == (2, places.shape[1])
    assert np.abs(first - second).max() > 0.5
