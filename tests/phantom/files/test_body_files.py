from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from bonescan.dicom.scan import View
from bonescan.phantom.anatomy.voxels import Implant, VoxelBlock, VoxelEllipsoid
from bonescan.phantom.body_source import draw_new_body
from bonescan.phantom.cameras import CAMERAS
from bonescan.phantom.files.body_files import read_body, write_body
from bonescan.phantom.imaging.bases import base_weights, build_bases
from bonescan.phantom.imaging.detectors import Geometry
from bonescan.phantom.patient import draw_patient
from bonescan.phantom.presets import PRESETS, PROSTATE
from bonescan.phantom.tracer.paint import spot_block
from bonescan.phantom.tracer.uptake import Clip, HotSpot, draw_uptake
from tests.phantom.bodies import SPACING_MM, block_body, filled


@pytest.fixture(scope="module")
def bases():
    body = block_body()
    pieces = (
        VoxelEllipsoid((74.0, 5.0, 50.0), (12.0, 9.0, 12.0)),
        VoxelEllipsoid(
            (160.0, 17.0, 64.0), (9.0, 8.0, 7.0), ((0, 0, 1.0), (0, 1.0, 0), (1.0, 0, 0))
        ),
    )
    body = replace(body, implants=(Implant("hip prosthesis", "left", pieces),))
    breastbone = body.bones["sternum"]
    density = filled(breastbone.block.fraction.shape)
    density[10:20] = 0.4
    bones = {**body.bones, "sternum": replace(breastbone, density=density)}
    geometry = Geometry(front_gap_mm=30.0, follows_contour=True, first_row=10, last_row=190)
    camera = replace(CAMERAS[2], pixel_mm=SPACING_MM[2])
    body = replace(body, bones=bones)
    return build_bases(body, camera, geometry, np.random.default_rng(1))


@pytest.fixture
def stored(bases, tmp_path):
    write_body(bases, tmp_path)
    return read_body(tmp_path, "bank/7")


def near(first, second, share=0.01):
    np.testing.assert_allclose(first, second, rtol=share, atol=1e-4 * np.abs(second).max())


@pytest.mark.parametrize("unevenness", [0.0, 0.4])
def test_a_stored_body_expects_the_same_photons(bases, stored, unevenness):
    uptake = draw_uptake(bases.body, np.random.default_rng(3))
    new, old = (
        each.photons(base_weights(each.keys, uptake, unevenness, np.random.default_rng(5)))
        for each in (bases, stored)
    )
    for view in View:
        near(old[view], new[view])


def test_lesions_and_hot_spots_are_projected_alike(bases, stored):
    spot = HotSpot((VoxelEllipsoid((74.0, 9.0, 27.0), (9.0, 7.0, 8.0)),), 50.0)
    for clip in Clip:
        new, old = (
            each.project(spot_block(each.body, replace(spot, clip=clip)))
            for each in (bases, stored)
        )
        for view in View:
            near(old[view].values, new[view].values)
    lesion = VoxelBlock((110, 26, 45), np.random.default_rng(0).random((9, 4, 7), np.float32) - 0.3)
    new, old = bases.project(lesion), stored.project(lesion)
    near(old[View.POSTERIOR].values, new[View.POSTERIOR].values)


def test_the_body_is_the_same(bases, stored):
    body, again = bases.body, stored.body
    for name in ("person", "shape", "spacing_mm", "points", "implants"):
        assert getattr(again, name) == getattr(body, name), name
    assert list(again.bones) == list(body.bones)
    for name, bone in body.bones.items():
        assert (again.bones[name].region, again.bones[name].block.start) == (
            bone.region, bone.block.start,
        )  # fmt: skip
        np.testing.assert_allclose(
            again.bones[name].block.fraction, bone.block.fraction, atol=0.002
        )
        np.testing.assert_allclose(again.bones[name].density, bone.density, atol=0.002)
    for name, organ in body.organs.items():
        np.testing.assert_allclose(again.organs[name].fraction, organ.fraction, atol=0.002)
    assert again.front_skin(100.0, 40.0) == body.front_skin(100.0, 40.0)
    assert (stored.camera, stored.geometry, stored.keys) == (
        bases.camera, bases.geometry, bases.keys,
    )  # fmt: skip
    assert stored.body_of == "bank/7"
    np.testing.assert_array_equal(stored.regions, bases.regions)


def test_writing_again_gives_the_same_bytes(bases, stored, tmp_path):
    other = tmp_path / "again"
    other.mkdir()
    write_body(bases, other)
    for path in other.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


@pytest.mark.parametrize("broken", ["body.json", "images.npy"])
def test_a_broken_body_is_told(stored, tmp_path, broken):
    (tmp_path / broken).unlink()
    with pytest.raises(ValueError, match=r"must hold a body of a bank .* delete the folder"):
        read_body(tmp_path, "bank/7")


def test_a_patient_of_a_stored_body_expects_the_same_counts(tmp_path):
    """A whole person with benign findings, with so many counts that their noise is small."""
    preset = replace(PRESETS["default"], free_share=1.0, total_counts=(2e8, 2e8))
    bases = draw_new_body(preset, PROSTATE, np.random.default_rng(8))
    write_body(bases, tmp_path)
    new, old = (
        draw_patient(each, preset, PROSTATE, tuple(View), np.random.default_rng(9), unit=0)
        for each in (bases, read_body(tmp_path, ""))
    )
    assert new.benign_findings == old.benign_findings
    assert new.benign_foci
    for view in View:
        first, second = (
            ndimage.gaussian_filter(patient.views[view].counts.astype(float), 2)
            for patient in (new, old)
        )
        body = first > 2000
        assert second.sum() == pytest.approx(first.sum(), rel=1e-3)
        assert np.quantile(np.abs(second[body] / first[body] - 1), 0.95) < 0.01
        assert np.mean(old.views[view].benign != new.views[view].benign) < 2e-4
