import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from bonescan.metrics.agreement import cohen_kappa
from bonescan.metrics.pixel import confusion_counts


def test_cohens_own_example():
    # 20 both yes, 5 and 10 one yes, 15 both no: observed 0.7, by chance 0.5.
    assert cohen_kappa(np.array([20, 5, 10, 15])) == pytest.approx(0.4)


def test_kappa_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    counts, wanted = [], []
    for share in (0.1, 0.4, 0.8):
        first, second = rng.random((2, 300)) < share
        second[:150] = first[:150]
        counts.append(confusion_counts(first, second))
        wanted.append(cohen_kappa_score(first, second))
    np.testing.assert_allclose(cohen_kappa(np.stack(counts)), wanted)


def test_nothing_and_everything_marked_by_both_is_perfect():
    np.testing.assert_array_equal(cohen_kappa(np.array([[0, 0, 0, 9], [9, 0, 0, 0]])), 1.0)
    np.testing.assert_array_equal(cohen_kappa(np.array([[0, 9, 0, 0], [5, 0, 0, 5]])), [0, 1])
