import numpy as np
import pytest

from bonescan.phantom.imaging import motion
from bonescan.phantom.imaging.motion import Motion, draw_motion
from tests.phantom.bodies import block_body


def test_the_part_below_the_row_moves_and_nothing_else():
    image = np.arange(8 * 10).reshape(8, 10)
    moved = Motion(slice(5, None), slice(4, None), 2).apply(image)
    np.testing.assert_array_equal(moved[:5], image[:5])
    np.testing.assert_array_equal(moved[5:, :4], image[5:, :4])
    np.testing.assert_array_equal(moved[5:, 6:], image[5:, 4:8])
    np.testing.assert_array_equal(moved[5:, 4:6], image[5:, [4, 4]])


def test_no_shift_is_the_identity():
    image = np.random.default_rng(0).random((6, 7))
    np.testing.assert_array_equal(Motion(slice(2, 4), slice(1, 5), 0).apply(image), image)


def test_movement_is_seldom_and_takes_head_and_both_legs():
    body, rng = block_body(), np.random.default_rng(1)
    drawn = [draw_motion(body, rng) for _ in range(2000)]
    moves = [item for item in drawn if item is not None]
    assert len(moves) / len(drawn) == pytest.approx(motion.MOTION_SHARE, abs=0.02)
    heads = [item for item in moves if item.rows.start == 0]
    assert all(item.rows.stop == 34 for item in heads)
    assert {np.sign(item.shift_px) for item in moves if item not in heads} == {-1, 1}
    assert len(heads) > 10
    legs = [item for item in moves if item not in heads]
    assert all((item.columns.start == 0) == (item.shift_px < 0) for item in legs)  # outwards
