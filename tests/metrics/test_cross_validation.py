"""F1 of means against Table 2 of Chen 2023, fold by fold."""

import numpy as np
import pytest

from bonescan.metrics.cross_validation import f1_of_means

# Chen 2023, Table 2: precision and sensitivity in per cent, folds 1 to 10
PRECISION = [49.21, 58.74, 70.56, 81.69, 60.57, 72.55, 43.63, 49.03, 61.73, 67.89]
RECALL = [79.19, 64.98, 60.01, 52.20, 54.06, 45.92, 83.32, 68.21, 60.84, 61.13]


def test_reproduces_the_printed_f1():
    # 62.265 from the folds; the paper prints the value of its means rounded to 0.01
    assert f1_of_means(PRECISION, RECALL) == pytest.approx(62.27, abs=0.006)
    means = [round(float(np.mean(values)), 2) for values in (PRECISION, RECALL)]
    assert means == [61.56, 62.99]
    assert round(f1_of_means(means[:1], means[1:]), 2) == 62.27


def test_is_in_the_unit_given():
    shares = f1_of_means(np.divide(PRECISION, 100), np.divide(RECALL, 100))
    assert shares == pytest.approx(f1_of_means(PRECISION, RECALL) / 100)


def test_one_fold_has_one_f1():
    assert f1_of_means([0.5], [0.25]) == pytest.approx(1 / 3)


def test_is_never_less_than_the_mean_f1_of_the_folds():
    rng = np.random.default_rng(1)
    for _ in range(20):
        precisions, recalls = rng.random((2, 7))
        by_fold = 2 * precisions * recalls / (precisions + recalls)
        assert f1_of_means(precisions, recalls) >= by_fold.mean()


def test_nothing_found_is_zero():
    assert f1_of_means([0, 0], [0, 0]) == 0


@pytest.mark.parametrize(("precisions", "recalls"), [([1.0], [0.5, 0.5]), ([], []), (0.5, 0.5)])
def test_other_than_one_value_a_fold_is_refused(precisions, recalls):
    with pytest.raises(ValueError, match="one value for each fold, got shapes"):
        f1_of_means(precisions, recalls)
