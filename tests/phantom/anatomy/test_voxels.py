import numpy as np
import pytest

from bonescan.phantom.anatomy.voxels import VoxelBlock


def numbered(start, shape):
    return VoxelBlock(start, np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape))


@pytest.mark.parametrize(
    ("start", "shape"), [((3, 1, 4), (4, 2, 3)), ((0, 0, 0), (9, 9, 9)), ((4, 3, 5), (1, 1, 1))]
)
def test_a_block_within_another_is_what_the_whole_grid_shows_there(start, shape):
    block, other = numbered((2, 2, 3), (3, 4, 5)), numbered(start, shape)
    grid = np.zeros((9, 9, 9), np.float32)
    grid[block.slices] = block.fraction
    np.testing.assert_array_equal(block.within(other), grid[other.slices])


@pytest.mark.parametrize("start", [(7, 2, 3), (2, 0, 3), (0, 0, 0)])
def test_blocks_that_do_not_meet_share_nothing(start):
    block, other = numbered((2, 3, 3), (3, 4, 5)), numbered(start, (2, 2, 2))
    assert block.within(other).shape == (2, 2, 2)
    assert not block.within(other).any()
