from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.anatomy.voxels import VoxelBlock
from bonescan.phantom.tracer.ellipsoids import VoxelEllipsoid
from bonescan.phantom.tracer.paint import FRONT_TO_BACK, paint
from bonescan.phantom.tracer.uptake import (
    Clip,
    HotSpot,
    JointGain,
    Metal,
    Uptake,
    draw_uptake,
)
from tests.phantom.bodies import block_body, filled

CENTRE = (100.0, 20.0, 48.0)


@pytest.fixture(scope="module")
def body():
    return block_body()


def plain(body, **changes):
    quiet = Uptake(dict.fromkeys(body.bones, 1.0), dict.fromkeys(body.organs, 1.0))
    return replace(quiet, **changes)


def rng():
    return np.random.default_rng(4)


def test_a_joint_multiplies_the_level_of_each_bone_that_it_reaches(body):
    """At the middle of both, a gain of 0.5 makes 30 of 20 and 15 of 10."""
    middle = {"sternum": (64.0, 5.0, 47.5), "vertebra_t6": (64.0, 28.5, 47.5)}
    for name, level in {"sternum": 20.0, "vertebra_t6": 10.0}.items():
        levels = dict.fromkeys(body.bones, 1.0) | {name: level}
        joint = JointGain(VoxelEllipsoid(middle[name], (8.0, 60.0, 8.0)), 0.5)
        place = tuple(round(value) for value in middle[name])
        alone, near = (
            paint(body, plain(body, bones=levels, joints=joints), rng()).values
            for joints in ((), (joint,))
        )
        assert near[place] / alone[place] == pytest.approx(1.5, rel=0.02)
        np.testing.assert_array_equal(near[:, :, 70], alone[:, :, 70])  # soft tissue is as it was


def test_painted_bone_has_its_level(body):
    levels = dict.fromkeys(body.bones, 1.0) | {"vertebra_l2": 30.0}
    values = paint(body, plain(body, bones=levels), rng()).values
    block = body.bones["vertebra_l2"].block
    assert values[block.slices].mean() == pytest.approx(30.0, rel=0.25)
    assert values[100, 20, 22] == 1
    assert values[2, 2, 2] == 0


def test_marrow_holds_less_than_the_bone_around_it(body):
    """Marrow of a tenth of the bone's level in the middle of the breastbone."""
    bone = body.bones["sternum"]
    density = filled(bone.block.fraction.shape)
    density[10:20] = 0.1
    hollow = replace(body, bones={"sternum": replace(bone, density=density)})
    solid = replace(body, bones={"sternum": bone})
    levels = {"sternum": 40.0}
    inside, outside = (
        paint(each, replace(plain(each), bones=levels), rng()).values[bone.block.slices]
        for each in (hollow, solid)
    )
    np.testing.assert_array_equal(inside[:10], outside[:10])
    np.testing.assert_allclose(inside[10:20], 0.1 * outside[10:20], rtol=1e-4)


def test_painted_organ_replaces_soft_tissue(body):
    organs = dict.fromkeys(body.organs, 1.0) | {"kidney_left": 7.0, "lung_left": 0.25}
    values = paint(body, plain(body, organs=organs), rng()).values
    assert values[body.organs["kidney_left"].slices].mean() == pytest.approx(7.0)
    assert values[60, 15, 60] == pytest.approx(0.25)


def test_partly_filled_voxels_share_their_activity(body):
    bone = body.bones["sternum"]
    half = replace(bone, block=VoxelBlock(bone.block.start, filled((30, 3, 6), 0.5)))
    shared = replace(body, bones={"sternum": half})
    values = paint(shared, replace(plain(shared), bones={"sternum": 9.0}), rng()).values
    assert values[half.block.slices].mean() == pytest.approx(5.0, rel=0.1)


def test_spots_keep_to_what_they_are_clipped_to(body):
    spots = {
        clip: paint(body, plain(body, hot_spots=(HotSpot(ellipsoid, 50.0, clip),)), rng()).values
        for clip, ellipsoid in {
            Clip.BONE: VoxelEllipsoid((74.0, 9.0, 21.0), (6.0, 6.0, 6.0)),
            Clip.BODY: VoxelEllipsoid((74.0, 9.0, 20.0), (6.0, 6.0, 6.0)),
            Clip.NOTHING: VoxelEllipsoid((74.0, 9.0, 18.0), (6.0, 6.0, 6.0)),
        }.items()
    }
    assert spots[Clip.BONE][74, 9, 23] > 20
    assert spots[Clip.BONE][74, 9, 21] == 1
    assert spots[Clip.BODY][74, 9, 20] == pytest.approx(51)
    assert spots[Clip.BODY][74, 9, 19] == 0
    assert spots[Clip.NOTHING][74, 9, 18] == pytest.approx(50)


def test_metal_holds_no_activity(body):
    metal = (Metal(VoxelEllipsoid(CENTRE, (15.0, 20.0, 15.0)), 0.1),)
    values = paint(body, plain(body, metal=metal), rng()).values
    assert values[100, 20, 48] < 0.01
    assert values[100, 20, 70] == 1


def test_same_seed_same_activity(body):
    first = paint(body, draw_uptake(body, rng()), rng()).values
    np.testing.assert_array_equal(first, paint(body, draw_uptake(body, rng()), rng()).values)


def test_long_bones_and_the_back_of_bones_follow_their_factors(body):
    levels = dict.fromkeys(body.bones, 1.0) | {"femur_left": 30.0, "rib_05_left": 30.0}
    values = paint(body, plain(body, bones=levels), rng()).values
    femur, rib = (values[body.bones[name].block.slices] for name in ("femur_left", "rib_05_left"))
    assert femur[-1].mean() == pytest.approx(0.5 * femur[10:16].mean(), rel=0.2)
    front, back = FRONT_TO_BACK["ribs"]
    assert rib[:, -1].mean() / rib[:, 0].mean() == pytest.approx(back / front, rel=0.2)
