import numpy as np
import pytest

from bonescan.phantom.anatomy.ellipsoids import gaussian_block, solid_block
from bonescan.phantom.anatomy.voxels import VoxelEllipsoid

SHAPE, SPACING_MM = (60, 30, 50), (2.4, 5.0, 2.2)


def test_gaussian_has_its_radii_as_standard_deviations():
    block = gaussian_block(VoxelEllipsoid((30.0, 15.0, 25.0), (8.0, 12.0, 5.0)), SHAPE, SPACING_MM)
    assert block is not None
    for axis, sigma in enumerate((8.0, 12.0, 5.0)):
        profile = block.fraction.sum(axis=tuple({0, 1, 2} - {axis}))
        places = (np.arange(len(profile)) + block.start[axis]) * SPACING_MM[axis]
        middle = np.average(places, weights=profile)
        spread = np.sqrt(np.average((places - middle) ** 2, weights=profile))
        assert middle == pytest.approx((30.0, 15.0, 25.0)[axis] * SPACING_MM[axis], abs=0.2)
        assert spread == pytest.approx(sigma, rel=0.15)


def test_solid_has_the_volume_of_its_ellipsoid():
    radii = (20.0, 25.0, 15.0)
    block = solid_block(VoxelEllipsoid((30.0, 15.0, 25.0), radii), SHAPE, SPACING_MM)
    assert block is not None
    volume = block.fraction.sum() * np.prod(SPACING_MM)
    assert volume == pytest.approx(4 / 3 * np.pi * np.prod(radii), rel=0.05)


def test_axes_turn_the_ellipsoid():
    along = 1 / np.sqrt(2)
    axes = ((along, 0.0, along), (0.0, 1.0, 0.0), (along, 0.0, -along))
    block = solid_block(
        VoxelEllipsoid((30.0, 15.0, 25.0), (30.0, 6.0, 6.0), axes), SHAPE, SPACING_MM
    )
    assert block is not None
    rows, _, columns = np.argwhere(block.fraction > 0.5).T
    assert np.corrcoef(rows, columns)[0, 1] > 0.9


def test_a_blob_is_cut_at_the_grid_and_none_outside():
    cut = solid_block(VoxelEllipsoid((0.0, 0.0, 0.0), (20.0, 20.0, 20.0)), SHAPE, SPACING_MM)
    assert cut is not None
    assert cut.start == (0, 0, 0)
    assert (
        solid_block(VoxelEllipsoid((-40.0, 5.0, 5.0), (9.0, 9.0, 9.0)), SHAPE, SPACING_MM) is None
    )
    assert (
        gaussian_block(VoxelEllipsoid((5.0, 5.0, 90.0), (9.0, 9.0, 9.0)), SHAPE, SPACING_MM) is None
    )
