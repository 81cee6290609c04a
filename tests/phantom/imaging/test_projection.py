from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from bonescan.dicom.scan import View
from bonescan.phantom.anatomy.voxels import VoxelBlock
from bonescan.phantom.cameras import CAMERAS
from bonescan.phantom.imaging.detectors import Geometry, place_detectors
from bonescan.phantom.imaging.projection import Voxels, occupied, project, project_coarse
from tests.phantom.bodies import SPACING_MM, block_body

CAMERA = replace(CAMERAS[0], pixel_mm=SPACING_MM[2])
SHAPE = (200, 40, 96)


@pytest.fixture(scope="module")
def detectors():
    geometry = Geometry(front_gap_mm=30.0, follows_contour=True, first_row=10, last_row=190)
    return place_detectors(block_body(), CAMERA, geometry)


def photons(detector, volume):
    """The image of a whole volume, slab by slab in the plane of the image."""
    seen = volume * detector.transmission.repeat(2, axis=0).repeat(2, axis=2)
    slab = detector.slab.repeat(2, axis=0)[..., None]
    planes = [(seen * (slab == number)).sum(axis=1) for number in range(len(detector.sigma_px))]
    return sum(
        ndimage.gaussian_filter(plane, sigma, mode="constant", truncate=3.0)
        for plane, sigma in zip(planes, detector.sigma_px, strict=True)
    )


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("start", [(60, 10, 30), (0, 3, 0), (193, 31, 88)])
def test_a_block_projects_like_the_whole_grid(detectors, view, start):
    """Also where the grid cuts the blur off."""
    block = VoxelBlock(start, np.random.default_rng(2).random((7, 9, 8), np.float32))
    whole = np.zeros(SHAPE, np.float32)
    whole[block.slices] = block.fraction
    (patch,) = project(detectors[view], occupied(block), SHAPE)
    image = np.zeros((200, 96), np.float32)
    image[patch.slices] = patch.values
    wanted = photons(detectors[view], whole)
    np.testing.assert_allclose(image, wanted, atol=1e-5 * wanted.max())


def test_activities_of_the_same_voxels_are_projected_apart_and_linearly(detectors):
    first, second = np.random.default_rng(1).random((2, 6, 4, 5), dtype=np.float32)
    start, detector = (60, 10, 30), detectors[View.POSTERIOR]
    voxels = occupied(VoxelBlock(start, first))
    values = np.stack([first.ravel(), second.ravel(), (first + 2 * second).ravel()])
    one, two, both = project(detector, Voxels(voxels.places, values), SHAPE)
    np.testing.assert_allclose(both.values, one.values + 2 * two.values, rtol=1e-3, atol=1e-5)
    (alone,) = project(detector, voxels, SHAPE)
    np.testing.assert_allclose(one.values, alone.values, atol=1e-6)


@pytest.mark.parametrize("view", View)
def test_something_smooth_projects_like_the_whole_grid(detectors, view):
    coarse = np.zeros((100, 40, 48), np.float32)
    coarse[30:70, 8:28, 20:29] = 1
    coarse = ndimage.gaussian_filter(coarse, (3, 2, 3))
    patch = project_coarse(detectors[view], coarse, SHAPE)
    wanted = photons(detectors[view], coarse.repeat(2, axis=0).repeat(2, axis=2))
    assert (patch.row, patch.column, patch.values.shape) == (0, 0, (200, 96))
    np.testing.assert_allclose(patch.values, wanted, atol=0.015 * wanted.max())
    assert patch.values.sum() == pytest.approx(wanted.sum(), rel=1e-3)
