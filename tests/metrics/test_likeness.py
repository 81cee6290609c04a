"""Copies are found, and a distribution lies nearer to itself than to another."""

import numpy as np
import pytest

from bonescan.metrics.likeness import compare_with_halves, find_nearest, sliced_wasserstein

SIDE = 32


def textures(number: int, seed: int, *, contrast: float = 0.2, width: int = 3) -> np.ndarray:
    """Images of a bright column, each at a place of its own, under noise."""
    rng = np.random.default_rng(seed)
    images = rng.normal(0.3, contrast, (number, SIDE, SIDE))
    for image, column in zip(images, rng.integers(4, 28, number), strict=True):
        image[:, column : column + width] += 0.6
    return images


def test_a_copy_under_noise_is_found_and_stands_out():
    real = textures(6, 1)
    patients = ["a", "a", "b", "c", "c", "d"]
    rng = np.random.default_rng(2)
    copies = real[[4, 1]] + rng.normal(0, 0.05, (2, SIDE, SIDE))
    found = find_nearest(np.concatenate([copies, textures(3, 9)]), real, patients)
    assert found.index[:2].tolist() == [4, 1]
    assert found.ratio[:2].max() < 0.25 < found.ratio[2:].min()
    assert found.distance[:2].max() < found.distance[2:].min()
    assert found.distance[0] == pytest.approx(0.05 / 4, rel=0.3)  # means of 16 pixels


def test_distance_is_that_of_block_means_by_hand():
    black, grey = np.zeros((1, 8, 8)), np.zeros((1, 8, 8))
    grey[0, :4, :4] = 0.8  # one of four blocks
    found = find_nearest(grey, np.concatenate([black, black + 1]), ["a", "b"])
    assert found.index.tolist() == [0]
    assert found.distance[0] == pytest.approx(0.4)
    assert found.ratio[0] == pytest.approx(0.4 / np.sqrt((3 + 0.2**2) / 4))


def test_the_next_nearest_is_of_another_patient():
    images = np.zeros((3, 8, 8)) + np.array([0.1, 0.11, 0.5])[:, None, None]
    image = np.zeros((1, 8, 8))
    ratio = find_nearest(image, images, ["a", "a", "b"]).ratio[0]
    assert ratio == pytest.approx(0.1 / 0.5)
    assert find_nearest(image, images, ["a", "c", "b"]).ratio[0] == pytest.approx(0.1 / 0.11)


def test_what_equals_two_patients_is_no_ones_copy_alone():
    assert find_nearest(np.zeros((1, 8, 8)), np.zeros((2, 8, 8)), ["a", "b"]).ratio[0] == 1


def test_one_patient_is_refused():
    with pytest.raises(ValueError, match="patients must be two or more, got 1"):
        find_nearest(np.zeros((1, 8, 8)), np.zeros((2, 8, 8)), ["a", "a"])
    with pytest.raises(ValueError, match="patients must be two or more, got 1"):
        compare_with_halves(np.zeros((2, 8, 8)), np.zeros((2, 8, 8)), ["a", "a"], seed=0)


def test_levels_halve_down_to_the_coarsest():
    images = textures(4, 1)
    assert list(sliced_wasserstein(images, images, seed=0)) == [32, 16]
    assert list(sliced_wasserstein(images[:, :8, :8], images[:, :8, :8], seed=0)) == [8]


def test_a_set_lies_nearer_to_its_like_than_to_another():
    first, second = textures(40, 1), textures(40, 2)
    near = sliced_wasserstein(first, second, seed=0)
    flat = sliced_wasserstein(first, textures(40, 3, contrast=0.1), seed=0)
    wide = sliced_wasserstein(first, textures(40, 3, width=9), seed=0)
    assert flat[32] > 3 * near[32], "its contrast differs"
    assert wide[16] > 2 * near[16], "its shapes differ"


def test_noise_is_missed_at_the_finest_level_alone():
    blurred = textures(40, 2)
    blurred = (blurred + np.roll(blurred, 1, axis=1)) / 2  # along the bright columns
    near = sliced_wasserstein(textures(40, 1), textures(40, 2), seed=0)
    far = sliced_wasserstein(textures(40, 1), blurred, seed=0)
    assert far[32] / near[32] > 2 * far[16] / near[16]


def test_distance_scales_with_nothing_but_the_reference():
    first, second = textures(10, 1), textures(10, 2)
    one = sliced_wasserstein(first, second, seed=3)
    same = sliced_wasserstein(10 * first, 10 * second, seed=3)
    assert same == pytest.approx(one, rel=1e-3)
    brighter = sliced_wasserstein(first, 2 * second, seed=3)
    assert all(brighter[side] > 3 * one[side] for side in one)


def test_sets_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"as many images of one size, 7 pixels or more, got \(3"):
        sliced_wasserstein(np.zeros((3, 8, 8)), np.zeros((2, 8, 8)), seed=0)
    with pytest.raises(ValueError, match=r"7 pixels or more, got \(3, 6, 6\)"):
        sliced_wasserstein(np.zeros((3, 6, 6)), np.zeros((3, 6, 6)), seed=0)


def test_real_images_are_their_own_measure():
    real, patients = textures(24, 1), [number // 2 for number in range(24)]
    like = compare_with_halves(textures(24, 2), real, patients, seed=0)
    unlike = compare_with_halves(textures(24, 2, contrast=0.05, width=9), real, patients, seed=0)
    assert list(like) == [32, 16]
    assert all(len(row.real) == len(row.generated) == 5 for row in like.values())
    assert all(0.5 < row.times < 2 for row in like.values())
    assert all(row.times > 1.5 for row in unlike.values())
