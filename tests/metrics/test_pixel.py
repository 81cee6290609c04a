"""Pixel metrics, worked out by hand."""

import numpy as np
import pytest

from bonescan.metrics.pixel import METRICS, confusion_counts, per_image, pooled, scores

TRUTH = np.array([[1, 1, 0], [1, 0, 0]], dtype=bool)
PRED = np.array([[1, 0, 1], [1, 0, 1]], dtype=bool)
EMPTY = np.zeros((2, 3), dtype=bool)
# one image with everything, one with nothing in truth or prediction, one missed, one invented
COUNTS = np.array([[2, 2, 1, 1], [0, 0, 0, 6], [0, 0, 3, 3], [0, 2, 0, 4]])


def test_counts_by_outcome():
    assert confusion_counts(PRED, TRUTH).tolist() == [2, 2, 1, 1]
    assert confusion_counts(TRUTH, PRED).tolist() == [2, 1, 2, 1]
    assert confusion_counts(EMPTY, TRUTH).tolist() == [0, 0, 3, 3]
    assert confusion_counts(EMPTY, EMPTY).tolist() == [0, 0, 0, 6]


def test_one_pixel():
    pixel = EMPTY.copy()
    pixel[1, 2] = True
    assert confusion_counts(pixel, EMPTY).tolist() == [0, 1, 0, 5]
    assert confusion_counts(pixel, pixel).tolist() == [1, 0, 0, 5]
    assert scores(confusion_counts(pixel, pixel)).tolist() == [1, 1, 1, 1, 1]


def test_scores_by_hand():
    assert METRICS == ("pa", "cpa", "recall", "iou", "dsc")
    np.testing.assert_allclose(scores([2, 2, 1, 1]), [3 / 6, 2 / 4, 2 / 3, 2 / 5, 4 / 7])


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([0, 0, 0, 6], [1, 1, 1, 1, 1]),
        ([0, 0, 3, 3], [0.5, 0, 0, 0, 0]),
        ([0, 2, 0, 4], [4 / 6, 0, 0, 0, 0]),
        ([0, 2, 3, 1], [1 / 6, 0, 0, 0, 0]),
    ],
)
def test_empty_sets(counts, expected):
    np.testing.assert_allclose(scores(counts), expected)


def test_pooled_sums_before_it_divides():
    # TP 2, FP 4, FN 4, TN 14
    np.testing.assert_allclose(pooled(COUNTS), [16 / 24, 2 / 6, 2 / 6, 2 / 10, 4 / 12])


def test_per_image_divides_before_it_averages():
    expected = [
        (3 / 6 + 1 + 3 / 6 + 4 / 6) / 4,
        (2 / 4 + 1) / 4,
        (2 / 3 + 1) / 4,
        (2 / 5 + 1) / 4,
        (4 / 7 + 1) / 4,
    ]
    np.testing.assert_allclose(per_image(COUNTS), expected)


def test_images_without_lesion_are_dropped_for_all_metrics():
    expected = [3 / 6, 2 / 8, 1 / 3, 1 / 5, 2 / 7]  # of the first and the third image
    np.testing.assert_allclose(per_image(COUNTS, skip_empty_label=True), expected)
    assert np.isnan(per_image(COUNTS[[1, 3]], skip_empty_label=True)).all()


def test_identities():
    counts = np.random.default_rng(0).integers(1, 50, size=(40, 4))
    _, cpa, recall, iou, dsc = pooled(counts)
    assert dsc == pytest.approx(2 * cpa * recall / (cpa + recall))
    assert iou == pytest.approx(dsc / (2 - dsc))
    _, cpa, recall, _, dsc = per_image(counts)
    assert dsc < 2 * cpa * recall / (cpa + recall)


def test_one_image_is_the_same_in_both_conventions():
    np.testing.assert_allclose(pooled(COUNTS[:1]), per_image(COUNTS[:1]))


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r"truth's shape \(3, 2\), got \(2, 3\)"):
        confusion_counts(PRED, TRUTH.T)
    with pytest.raises(ValueError, match="pred_mask must be boolean, got int64"):
        confusion_counts(PRED.astype(np.int64), TRUTH)
    with pytest.raises(ValueError, match=r"with an image at least, got \(0, 4\)"):
        pooled(np.zeros((0, 4)))
    with pytest.raises(ValueError, match=r"\(image, 4\) .* got \(4,\)"):
        per_image(COUNTS[0])
