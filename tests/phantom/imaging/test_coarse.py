import numpy as np
import pytest
from scipy import ndimage

from bonescan.phantom.imaging.coarse import enlarge, shrink


def test_a_coarse_pixel_is_the_mean_of_its_square():
    image = np.arange(6 * 9, dtype=np.float32).reshape(6, 9)
    coarse = shrink(image, 3)
    assert coarse.shape == (2, 3)
    assert coarse[1, 2] == pytest.approx(image[3:, 6:].mean())
    assert coarse.dtype == np.float32


@pytest.mark.parametrize("step", [2, 3, 4])
def test_enlarging_is_linear_between_the_centres(step):
    image = np.random.default_rng(1).random((7, 5), dtype=np.float32)
    expected = ndimage.zoom(image, step, order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(enlarge(image, step), expected, atol=1e-6)


def test_a_plane_stays_a_plane_away_from_the_border():
    rows, columns = np.indices((24, 16)).astype(np.float32)
    plane = 2 * rows - 3 * columns
    again = enlarge(shrink(plane, 4), 4)
    np.testing.assert_allclose(again[4:-4, 4:-4], plane[4:-4, 4:-4], atol=1e-4)
