"""The intensity threshold of highest pooled Dice."""

import numpy as np
import pytest

from bonescan.metrics.pixel import confusion, score
from bonescan.metrics.threshold import best_threshold


def test_separable_intensities_give_a_dice_of_one():
    image = np.array([[0.0, 0.1, 0.2], [0.8, 0.9, 1.0]])
    threshold = best_threshold([image], [image > 0.5])
    assert threshold.dsc == 1
    assert threshold.intensity == 0.8


def test_overlapping_intensities_by_hand():
    images = [np.array([0.0, 1.0, 2.0]), np.array([[3.0, 4.0]])]
    truth = [np.array([False, False, True]), np.array([[False, True]])]
    # from 2: TP 2, FP 1, FN 0 -> 4/5; from 4: TP 1, FN 1 -> 2/3
    threshold = best_threshold(images, truth)
    assert threshold.intensity == 2
    assert threshold.dsc == pytest.approx(4 / 5)


def test_dice_is_that_of_the_pooled_masks():
    generator = np.random.default_rng(2)
    images = [generator.random(shape, dtype=np.float32) for shape in ((9, 4), (3, 11))]
    truth = [image + generator.normal(scale=0.3, size=image.shape) > 0.8 for image in images]
    threshold = best_threshold(images, truth)
    pixels = sum(
        confusion(image >= threshold.intensity, mask)
        for image, mask in zip(images, truth, strict=True)
    )
    assert score(pixels, "dsc") == pytest.approx(threshold.dsc)


def test_no_other_threshold_is_better():
    generator = np.random.default_rng(4)
    image = generator.random((13, 7))
    mask = image + generator.normal(scale=0.3, size=image.shape) > 0.7
    best = best_threshold([image], [mask])
    for intensity in np.linspace(0, 1, 101):
        assert score(confusion(image >= intensity, mask), "dsc") <= best.dsc + 1e-12


def test_an_outlier_does_not_coarsen_the_choice():
    image = np.array([0.0, 0.1, 0.2, 0.3, 1e6])
    mask = np.array([False, False, True, True, False])
    assert best_threshold([image], [mask]).intensity == 0.2


def test_nothing_to_choose_from_is_refused():
    with pytest.raises(ValueError, match="at least one image, got none"):
        best_threshold([], [])
    with pytest.raises(ValueError, match="must hold lesion pixels"):
        best_threshold([np.zeros((2, 3))], [np.zeros((2, 3), dtype=bool)])
