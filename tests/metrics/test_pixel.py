"""Pixel metrics, worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from bonescan.metrics.pixel import (
    METRICS,
    cohen_kappa,
    confusion,
    per_image,
    pooled,
    score,
    scores,
)

TRUTH = np.array([[1, 1, 0], [1, 0, 0]], dtype=bool)
PRED = np.array([[1, 0, 1], [1, 0, 1]], dtype=bool)
EMPTY = np.zeros((2, 3), dtype=bool)
# one image with everything, one with nothing in truth or prediction, one missed, one invented
CONFUSIONS = np.array([[2, 2, 1, 1], [0, 0, 0, 6], [0, 0, 3, 3], [0, 2, 0, 4]])


def test_pixels_by_outcome():
    assert confusion(PRED, TRUTH).tolist() == [2, 2, 1, 1]
    assert confusion(TRUTH, PRED).tolist() == [2, 1, 2, 1]
    assert confusion(EMPTY, TRUTH).tolist() == [0, 0, 3, 3]
    assert confusion(EMPTY, EMPTY).tolist() == [0, 0, 0, 6]


def test_one_pixel():
    pixel = EMPTY.copy()
    pixel[1, 2] = True
    assert confusion(pixel, EMPTY).tolist() == [0, 1, 0, 5]
    assert confusion(pixel, pixel).tolist() == [1, 0, 0, 5]
    assert scores(confusion(pixel, pixel)).tolist() == [1, 1, 1, 1, 1]


def test_scores_by_hand():
    assert METRICS == ("accuracy", "precision", "recall", "iou", "dsc")
    np.testing.assert_allclose(scores([2, 2, 1, 1]), [3 / 6, 2 / 4, 2 / 3, 2 / 5, 4 / 7])


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([0, 0, 0, 6], [1, 1, 1, 1, 1]),
        ([0, 0, 3, 3], [0.5, 0, 0, 0, 0]),
        ([0, 2, 0, 4], [4 / 6, 0, 0, 0, 0]),
        ([0, 2, 3, 1], [1 / 6, 0, 0, 0, 0]),
    ],
)
def test_empty_sets(outcomes, expected):
    np.testing.assert_allclose(scores(outcomes), expected)


@pytest.mark.parametrize("metric", METRICS)
def test_one_metric_is_that_column_of_all(metric):
    column = scores(CONFUSIONS)[:, METRICS.index(metric)]
    np.testing.assert_array_equal(score(CONFUSIONS, metric), column)


def test_pooled_sums_before_it_divides():
    # TP 2, FP 4, FN 4, TN 14
    np.testing.assert_allclose(pooled(CONFUSIONS), [16 / 24, 2 / 6, 2 / 6, 2 / 10, 4 / 12])


def test_per_image_divides_before_it_averages():
    expected = [
        (3 / 6 + 1 + 3 / 6 + 4 / 6) / 4,
        (2 / 4 + 1) / 4,
        (2 / 3 + 1) / 4,
        (2 / 5 + 1) / 4,
        (4 / 7 + 1) / 4,
    ]
    np.testing.assert_allclose(per_image(CONFUSIONS), expected)


def test_images_without_lesion_are_dropped_for_all_metrics():
    expected = [3 / 6, 2 / 8, 1 / 3, 1 / 5, 2 / 7]  # of the first and the third image
    np.testing.assert_allclose(per_image(CONFUSIONS, skip_empty_label=True), expected)
    assert np.isnan(per_image(CONFUSIONS[[1, 3]], skip_empty_label=True)).all()


def test_identities():
    confusions = np.random.default_rng(0).integers(1, 50, size=(40, 4))
    _, precision, recall, iou, dsc = pooled(confusions)
    assert dsc == pytest.approx(2 * precision * recall / (precision + recall))
    assert iou == pytest.approx(dsc / (2 - dsc))
    _, precision, recall, _, dsc = per_image(confusions)
    assert dsc < 2 * precision * recall / (precision + recall)


def test_one_image_is_the_same_in_both_conventions():
    np.testing.assert_allclose(pooled(CONFUSIONS[:1]), per_image(CONFUSIONS[:1]))


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r"truth's shape \(3, 2\), got \(2, 3\)"):
        confusion(PRED, TRUTH.T)
    with pytest.raises(ValueError, match="pred_mask must be boolean, got int64"):
        confusion(PRED.astype(np.int64), TRUTH)
    with pytest.raises(ValueError, match=r"with an image at least, got \(0, 4\)"):
        pooled(np.zeros((0, 4)))
    with pytest.raises(ValueError, match=r"\(image, 4\) .* got \(4,\)"):
        per_image(CONFUSIONS[0])


def test_cohens_own_example():
    # 20 both yes, 5 and 10 one yes, 15 both no: observed 0.7, by chance 0.5.
    assert cohen_kappa(np.array([20, 5, 10, 15])) == pytest.approx(0.4)


def test_kappa_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    confusions, expected = [], []
    for share in (0.1, 0.4, 0.8):
        first, second = rng.random((2, 300)) < share
        second[:150] = first[:150]
        confusions.append(confusion(first, second))
        expected.append(cohen_kappa_score(first, second))
    np.testing.assert_allclose(cohen_kappa(np.stack(confusions)), expected)


def test_nothing_and_everything_marked_by_both_is_perfect():
    np.testing.assert_array_equal(cohen_kappa(np.array([[0, 0, 0, 9], [9, 0, 0, 0]])), 1.0)
    np.testing.assert_array_equal(cohen_kappa(np.array([[0, 9, 0, 0], [5, 0, 0, 5]])), [0, 1])
