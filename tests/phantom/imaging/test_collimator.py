import numpy as np
import pytest

from bonescan.phantom.imaging.collimator import PENETRATION, add_penetration, star_kernel

PIXEL_MM = 2.4


def point():
    counts = np.zeros((400, 240), np.float32)
    counts[202, 121] = 1e5
    return counts


def test_counts_are_kept():
    seen = add_penetration(point(), PIXEL_MM)
    assert seen.sum() == pytest.approx(1e5, rel=1e-3)
    assert seen[202, 121] == pytest.approx((1 - PENETRATION) * 1e5, rel=1e-3)


def test_the_haze_lies_round_the_point_and_fades():
    seen = add_penetration(point(), PIXEL_MM)
    rows, columns = np.indices(seen.shape)
    middle = np.array([(seen * axis).sum() / seen.sum() for axis in (rows, columns)])
    np.testing.assert_allclose(middle, [202, 121], atol=0.05)
    along = seen[202, 121 + np.array([5, 15, 30, 50])]
    assert (np.diff(along) < 0).all()
    assert 0.05 < along[0] < 5  # counts per pixel round a very hot spot
    assert seen[202, 121 + 80] < 1e-6


def test_a_star_has_six_rays():
    kernel = star_kernel(4.0)
    middle = len(kernel) // 2
    angles = np.radians(np.arange(0, 360, 30))
    ring = kernel[
        np.rint(middle + 20 * np.sin(angles)).astype(int),
        np.rint(middle + 20 * np.cos(angles)).astype(int),
    ]
    assert (ring[::2] > 1.3 * ring[1::2]).all()
    assert kernel.sum() == pytest.approx(1, rel=1e-5)


def test_no_expected_count_is_negative():
    assert add_penetration(point(), PIXEL_MM).min() >= 0


def test_what_is_even_stays_even_away_from_the_border():
    seen = add_penetration(np.full((400, 240), 3, np.float32), PIXEL_MM)
    np.testing.assert_allclose(seen[100:-100, 90:-90], 3, rtol=1e-3)
