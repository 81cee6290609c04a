from dataclasses import replace

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.phantom.anatomy.voxels import CoarseVolume, Implant, VoxelBlock, VoxelEllipsoid
from bonescan.phantom.cameras import CAMERAS
from bonescan.phantom.imaging.bases import BaseKey, BaseKind, base_weights, build_bases
from bonescan.phantom.imaging.detectors import Geometry
from bonescan.phantom.imaging.projection import occupied, project, project_coarse
from bonescan.phantom.tracer.paint import bone_uptake, joint_blocks, organ_uptake, soft_tissues
from bonescan.phantom.tracer.uptake import Uptake, draw_uptake
from tests.phantom.bodies import SPACING_MM, block_body, filled

CAMERA = replace(CAMERAS[0], pixel_mm=SPACING_MM[2])
GEOMETRY = Geometry(front_gap_mm=30.0, follows_contour=True, first_row=10, last_row=190)
JOINT = "sternoclavicular_left"


@pytest.fixture(scope="module")
def body():
    piece = VoxelEllipsoid((74.0, 5.0, 50.0), (12.0, 9.0, 12.0))
    whole = block_body()
    fat = CoarseVolume(0.3 * whole.outline.values)
    return replace(whole, fat=fat, implants=(Implant("buckle", "", (piece,)),))


@pytest.fixture(scope="module")
def bases(body):
    return build_bases(body, CAMERA, GEOMETRY, np.random.default_rng(1))


@pytest.fixture
def uptake(body):
    drawn = draw_uptake(body, np.random.default_rng(2))
    return replace(drawn, joints=drawn.joints | {JOINT: 0.8}, soft_tissue=1.3, fat=0.4)


def photons(bases, uptake, unevenness=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return bases.photons(base_weights(bases.keys, uptake, unevenness, rng))


def painted(body, uptake):
    """All activity of an even skeleton in one volume, fine, and that of soft tissue, coarse."""
    volume = np.zeros(body.shape, np.float32)
    joints = np.ones(body.shape, np.float32)
    for name, gaussian in joint_blocks(body):
        joints[gaussian.slices] += np.float32(uptake.joints[name]) * gaussian.fraction
    for name, organ in body.organs.items():
        volume[organ.slices] += uptake.organs[name] * organ_uptake(body, organ).fraction
    for name, bone in body.bones.items():
        part = bone_uptake(body, bone)
        volume[part.slices] += uptake.bones[name] * part.fraction * joints[part.slices]
    muscle, fat = soft_tissues(body)
    soft = np.float32(uptake.soft_tissue) * muscle + np.float32(uptake.fat) * fat
    return VoxelBlock((0, 0, 0), volume), soft


@pytest.mark.parametrize("view", View)
def test_the_weighted_sum_is_the_image_of_the_summed_activity(body, bases, uptake, view):
    fine, coarse = painted(body, uptake)
    detector = bases.detectors[view]
    (wanted,) = project(detector, occupied(fine), body.shape)
    image = project_coarse(detector, coarse, body.shape).values
    image[wanted.slices] += wanted.values
    np.testing.assert_allclose(photons(bases, uptake)[view], image, atol=2e-5 * image.max())


def test_a_joint_multiplies_the_level_of_each_bone_that_it_reaches(body, bases, uptake):
    reached = {key.structure for key in bases.keys if key.joint == JOINT}
    assert reached == {"sternum"}
    others = uptake.joints | {JOINT: 0.0}
    with_joint = photons(bases, uptake)[View.ANTERIOR]
    without = photons(bases, replace(uptake, joints=others))[View.ANTERIOR]
    added = with_joint - without
    row, column = np.unravel_index(added.argmax(), added.shape)
    assert abs(row - 52) < 5
    assert abs(column - 48) < 5
    double = replace(uptake, bones=uptake.bones | {"sternum": 2 * uptake.bones["sternum"]})
    twice = photons(bases, double)[View.ANTERIOR]
    twice -= photons(bases, replace(double, joints=others))[View.ANTERIOR]
    np.testing.assert_allclose(twice, 2 * added, atol=1e-3 * added.max())


def test_an_organ_without_a_level_is_soft_tissue(bases, uptake):
    rest = {name: level for name, level in uptake.organs.items() if name != "bladder"}
    named = photons(bases, replace(uptake, organs=rest | {"bladder": uptake.soft_tissue}))
    unnamed = photons(bases, replace(uptake, organs=rest))
    np.testing.assert_array_equal(named[View.POSTERIOR], unnamed[View.POSTERIOR])


def test_unevenness_spreads_as_asked_around_the_even_image(bases):
    """The spread of a bone's own image grows in proportion, and its mean stays."""
    levels = dict.fromkeys((key.structure for key in bases.keys if key.kind is BaseKind.BONE), 0.0)
    uptake = Uptake(levels | {"vertebra_t6": 10.0}, {}, soft_tissue=0.0, fat=0.0)
    even = photons(bases, uptake)[View.POSTERIOR]
    peak = np.unravel_index(even.argmax(), even.shape)

    def values(unevenness):
        return np.array(
            [photons(bases, uptake, unevenness, seed)[View.POSTERIOR][peak] for seed in range(60)]
        )

    assert values(0.0).std() < 1e-5 * even[peak]
    slight, strong = values(0.1), values(0.3)
    assert strong.std() == pytest.approx(3 * slight.std(), rel=1e-3)
    assert slight.mean() == pytest.approx(even[peak], rel=0.03)
    assert len(set(slight.tolist())) == 60


def test_one_more_structure_is_projected_onto_both_views(body, bases):
    block = VoxelBlock((100, 8, 40), filled((4, 2, 5), 3.0))
    patches = bases.project(block)
    front, back = (patches[view].values.sum() for view in View)
    assert front > 2 * back
    (alone,) = project(bases.detectors[View.ANTERIOR], occupied(block), body.shape)
    np.testing.assert_array_equal(patches[View.ANTERIOR].values, alone.values)
    nothing = bases.project(VoxelBlock((100, 8, 40), filled((4, 2, 5), 0.0)))
    assert not any(patch.values.any() for patch in nothing.values())


def test_an_image_can_be_had_alone(bases):
    key = BaseKey(BaseKind.ORGAN, "bladder")
    patches = bases.patch(key, 30.0)
    weights = [30.0 * (each == key) for each in bases.keys]
    image = bases.photons(weights)[View.ANTERIOR]
    np.testing.assert_allclose(patches[View.ANTERIOR].values, image[patches[View.ANTERIOR].slices])
    assert bases.patch(BaseKey(BaseKind.ORGAN, "gallbladder"), 1.0) is None


def test_same_seed_same_images(body, bases):
    again = build_bases(body, CAMERA, GEOMETRY, np.random.default_rng(1))
    other = build_bases(body, CAMERA, GEOMETRY, np.random.default_rng(2))
    assert again.keys == bases.keys
    for key, first, second, third in zip(
        bases.keys, *(each.patches[View.POSTERIOR] for each in (bases, again, other)), strict=True
    ):
        np.testing.assert_array_equal(first.values, second.values)
        uneven = key.kind in (BaseKind.UNEVEN_COSINE, BaseKind.UNEVEN_SINE)
        assert np.array_equal(first.values, third.values) is not uneven


def test_metal_takes_photons_from_what_lies_behind_it(body, bases):
    bare = replace(body, implants=())
    plain = build_bases(bare, CAMERA, GEOMETRY, np.random.default_rng(1))
    number = plain.keys.index(BaseKey(BaseKind.BONE, "vertebra_t6"))
    shaded = bases.keys.index(BaseKey(BaseKind.BONE, "vertebra_t6"))
    front, back = (
        bases.patches[view][shaded].values.sum() / plain.patches[view][number].values.sum()
        for view in View
    )
    assert front < 0.9
    assert back == pytest.approx(1, abs=1e-4)
