import numpy as np
import pytest

from bonescan.phantom.anatomy.voxels import CoarseVolume, VoxelBlock, add_coarsely, midway, union
from tests.phantom.bodies import SPACING_MM, block_body


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


def test_a_union_holds_the_highest_value_of_its_blocks():
    first, second = numbered((2, 1, 3), (3, 4, 5)), numbered((4, 2, 0), (2, 5, 6))
    grid = np.zeros((9, 9, 9), np.float32)
    for block in (first, second):
        grid[block.slices] = np.maximum(grid[block.slices], block.fraction)
    whole = union([first, second])
    np.testing.assert_array_equal(whole.fraction, grid[whole.slices])
    assert whole.fraction.sum() == grid.sum()
    assert union([first]) is first
    assert union([]) is None


def test_a_coarse_volume_is_linear_between_its_centres():
    """Fine row i lies at (i - 0.5) / 2 coarse rows: a slope stays one."""
    rows, depths, columns = np.indices((10, 3, 6)).astype(np.float32)
    volume = CoarseVolume(3 * rows + 10 * depths - 2 * columns)
    slices = (slice(3, 17), slice(1, 3), slice(2, 9))
    fine = [np.arange(part.start, part.stop) for part in slices]
    row, depth, column = np.ix_((fine[0] - 0.5) / 2, fine[1], (fine[2] - 0.5) / 2)
    np.testing.assert_allclose(
        volume.cut(slices), 3 * row + 10 * depth - 2 * column, rtol=1e-5, atol=1e-5
    )


def test_any_part_of_a_coarse_volume_is_that_of_the_whole():
    volume = CoarseVolume(np.random.default_rng(0).random((6, 4, 7)).astype(np.float16))
    whole = volume.cut((slice(0, 12), slice(0, 4), slice(0, 14)))
    assert whole.dtype == np.float32
    for slices in (
        (slice(0, 3), slice(1, 2), slice(5, 14)),
        (slice(11, 12), slice(0, 4), slice(4, 8)),
    ):
        np.testing.assert_array_equal(volume.cut(slices), whole[slices])


@pytest.mark.parametrize("start", [(2, 1, 4), (3, 0, 5), (3, 1, 4)])
def test_adding_coarsely_is_taking_the_mean_of_four_voxels(start):
    block = numbered(start, (3, 2, 4))
    grid = np.zeros((10, 4, 12), np.float32)
    grid[block.slices] = block.fraction
    coarse = np.ones((5, 4, 6), np.float32)
    add_coarsely(coarse, block, -2.0)
    wanted = 1 - 2 * grid.reshape(5, 2, 4, 6, 2).mean(axis=(1, 4))
    np.testing.assert_allclose(coarse, wanted, rtol=1e-6)


def test_blocks_meet_where_they_share_a_voxel():
    block = numbered((2, 3, 3), (3, 4, 5))
    assert block.meets(numbered((4, 6, 7), (2, 2, 2)))
    assert not block.meets(numbered((5, 3, 3), (3, 4, 5)))
    assert not block.meets(numbered((2, 3, 8), (3, 4, 5)))


def test_the_skin_of_a_body_and_places_in_it():
    body = block_body()
    assert body.front_skin(100.0, 40.0) == 2
    for row, column in ((100.0, 5.0), (-1.0, 40.0), (100.0, 96.0)):
        assert body.front_skin(row, column) is None
    moved = body.moved((10, 10, 10), (SPACING_MM[0], 2 * SPACING_MM[1], -SPACING_MM[2]))
    assert moved == pytest.approx((11, 12, 9))
    assert midway((0, 0, 0), (4, 8, 12), 0.25) == (1, 2, 3)
