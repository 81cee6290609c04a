"""Shares, areas under curves, correlations, and their tests."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bonescan.metrics.statistics import (
    auc,
    auc_difference,
    chi_square,
    correlation,
    diagnostic_accuracy,
    mcnemar,
    share,
)

# Liu et al. 2021, Table 4: right of 123 patients, of 54 with and of 69 without metastases
READERS = {
    "two years": (74, 30, 44),
    "five years": (107, 47, 60),
    "ten years": (116, 47, 69),
    "model": (109, 50, 59),
}
CASES = (123, 54, 69)
# the same paper, Table 5: p for accuracy, sensitivity, specificity; 0.0005 stands for "< 0.001"
PUBLISHED = [
    ("two years", "five years", (0.0005, 0.0005, 0.002)),
    ("two years", "ten years", (0.0005, 0.0005, 0.0005)),
    ("five years", "ten years", (0.049, 1.000, 0.002)),
    ("two years", "model", (0.0005, 0.0005, 0.003)),
    ("five years", "model", (0.697, 0.340, 0.805)),
    ("ten years", "model", (0.110, 0.340, 0.001)),
]


@pytest.mark.parametrize(("first", "second", "published"), PUBLISHED)
def test_chi_square_is_that_of_the_paper(first, second, published):
    rows = zip(READERS[first], READERS[second], CASES, published, strict=True)
    for first_hits, second_hits, cases, expected in rows:
        p = chi_square(share(first_hits, cases), share(second_hits, cases))
        assert p == pytest.approx(expected, abs=0.0005)


def test_chi_square_of_shares_without_spread():
    assert chi_square(share(7, 7), share(4, 4)) == 1.0
    assert np.isnan(chi_square(share(0, 0), share(4, 4)))


def test_wilson_by_hand():
    # Wilson's formula written out for 2 of 11, z = 1.959964
    found = share(2, 11)
    z2 = 1.959964**2
    middle = (2 + z2 / 2) / (11 + z2)
    half = 1.959964 / (11 + z2) * np.sqrt(2 * 9 / 11 + z2 / 4)
    assert (found.low, found.high) == pytest.approx((middle - half, middle + half), abs=1e-6)
    assert (found.value, found.hits, found.cases) == (2 / 11, 2, 11)


def test_shares_at_the_ends():
    assert share(0, 5).low == 0.0 < share(0, 5).high
    assert share(5, 5).high == 1.0 > share(5, 5).low
    assert np.isnan([share(0, 0).value, share(0, 0).low]).all()
    with pytest.raises(ValueError, match="hits must be 0 to 5, the number of cases, got 6"):
        share(6, 5)


def test_accuracy_tells_the_two_kinds_of_error_apart():
    diseased = [True, True, True, False, False]
    called = [True, True, False, True, False]
    found = diagnostic_accuracy(diseased, called)
    assert (found.accuracy.hits, found.accuracy.cases) == (3, 5)
    assert (found.sensitivity.hits, found.sensitivity.cases) == (2, 3)
    assert (found.specificity.hits, found.specificity.cases) == (1, 2)


def test_mcnemar_by_hand():
    # The first alone is right in 4 cases, the second in 1, both are in 3: of the 32 ways that five
    # coins fall, 6 show at most one head.
    first = [True] * 7 + [False]
    second = [False] * 4 + [True] * 4
    assert mcnemar(first, second) == pytest.approx(2 * 6 / 32)
    assert mcnemar(second, first) == mcnemar(first, second)
    assert mcnemar(first, first) == 1.0


def draw_scores(n_diseased: int, n_healthy: int, shift: float, seed: int):
    rng = np.random.default_rng(seed)
    truth = np.r_[np.ones(n_diseased, bool), np.zeros(n_healthy, bool)]
    # whole numbers: ties
    return truth, np.round(2 * (rng.normal(size=len(truth)) + shift * truth))


def test_auc_with_ties_is_that_of_scikit_learn():
    truth, scores = draw_scores(17, 40, 1.1, seed=3)
    assert auc(truth, scores).value == pytest.approx(roc_auc_score(truth, scores))
    assert auc(truth, -scores).value == pytest.approx(1 - roc_auc_score(truth, scores))


def test_delong_by_its_double_sum():
    truth, scores = draw_scores(5, 9, 0.8, seed=1)
    wins = (scores[truth][:, None] > scores[~truth]) + 0.5 * (
        scores[truth][:, None] == scores[~truth]
    )
    variance = wins.mean(axis=1).var(ddof=1) / 5 + wins.mean(axis=0).var(ddof=1) / 9
    found = auc(truth, scores)
    assert found.value - found.low == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-5)


def test_delong_interval_holds_the_true_area():
    # two normal distributions one deviation apart: area = Phi(1 / sqrt(2)) = 0.760
    held = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        truth = np.arange(90) < 30
        found = auc(truth, rng.normal(size=90) + truth)
        held += found.low <= 0.7602 <= found.high
    assert 0.91 <= held / 300 <= 0.98


def test_copies_of_a_patient_add_no_certainty():
    truth, scores = draw_scores(12, 20, 0.9, seed=5)
    single = auc(truth, scores)
    copies = auc(np.tile(truth, 4), np.tile(scores, 4), [str(i) for i in range(32)] * 4)
    assert (copies.value, copies.low) == pytest.approx((single.value, single.low))
    assert auc(np.tile(truth, 4), np.tile(scores, 4)).low > single.low


def test_both_kinds_of_case_in_one_patient():
    # each patient's healthy case scores like his diseased one: the clustered area varies less
    rng = np.random.default_rng(7)
    level = rng.normal(size=40)
    scores = np.r_[level + 0.5, level] + 0.1 * rng.normal(size=80)
    truth = np.arange(80) < 40
    paired = auc(truth, scores, [str(i) for i in range(40)] * 2)
    apart = auc(truth, scores)
    assert paired.high - paired.low < 0.6 * (apart.high - apart.low)


def test_area_without_both_kinds_or_error():
    assert np.isnan(auc([True, True], [0.1, 0.4]).value)
    perfect = auc([False, False, True, True, True], [0, 1, 2, 3, 4])
    assert (perfect.value, perfect.low, perfect.high) == (1.0, 1.0, 1.0)
    lone = auc([True, False, False], [0.5, 0.7, 0.2])
    assert lone.value == 0.5
    assert np.isnan(lone.low)


def test_difference_of_areas():
    truth, good = draw_scores(40, 60, 1.5, seed=11)
    _, poor = draw_scores(40, 60, 0.2, seed=12)
    found = auc_difference(truth, good, poor)
    assert found.value == pytest.approx(auc(truth, good).value - auc(truth, poor).value)
    assert found.low > 0
    assert found.p < 0.01
    turned = auc_difference(truth, poor, good)
    assert (turned.value, turned.low, turned.p) == pytest.approx(
        (-found.value, -found.high, found.p)
    )
    same = auc_difference(truth, good, good)
    assert (same.value, same.p) == (0.0, 1.0)


def test_pairs_are_told_apart_better_than_separate_cases():
    truth, scores = draw_scores(30, 50, 1.0, seed=2)
    jitter = np.random.default_rng(0).normal(scale=0.1, size=80)
    found = auc_difference(truth, scores, scores + jitter)
    single = auc(truth, scores)
    assert found.high - found.low < 0.4 * (single.high - single.low)


def test_pearson_by_hand():
    # r = 0.72, n = 50 (Liu et al. 2021): tanh(atanh(0.72) -+ 1.96 / sqrt(47))
    rng = np.random.default_rng(4)
    x = rng.normal(size=50)
    noise = rng.normal(size=50)
    x, noise = (each - each.mean() for each in (x, noise))
    noise -= noise @ x / (x @ x) * x
    y = 0.72 * x / np.linalg.norm(x) + np.sqrt(1 - 0.72**2) * noise / np.linalg.norm(noise)
    found = correlation(3 * x + 5, y)
    assert found.value == pytest.approx(0.72)
    assert (found.low, found.high) == pytest.approx((0.5523, 0.8317), abs=1e-4)
    assert found.p < 1e-6


def test_ranks_ignore_a_bent_scale():
    rng = np.random.default_rng(6)
    x = rng.normal(size=25)
    y = x + rng.normal(size=25)
    straight, bent = (correlation(each, y, "spearman") for each in (x, np.exp(3 * x)))
    assert bent == straight
    plain = correlation(x, y)
    of_ranks = np.arctanh(straight.high) - np.arctanh(straight.low)
    assert of_ranks > np.arctanh(plain.high) - np.arctanh(plain.low)


def test_correlation_of_too_little():
    assert np.isnan(correlation([1, 2, 3], [4, 4, 4]).value)
    short = correlation([1, 2, 4], [1, 3, 2])
    assert np.isnan(short.low)
    line = correlation([1, 2, 3, 5], [2, 4, 6, 10])
    assert (line.low, line.high) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: diagnostic_accuracy([True], [True, False]), "diseased and called must be columns"),
        (lambda: auc([True, False], [0.1, np.nan]), "scores 1 must be finite, got 1 others"),
        (lambda: auc([True, False], [0.1, 0.2], ["a"]), "one for each of 2 cases, got 1"),
        (lambda: correlation([1, 2], [1, 2], "kendall"), "method must be 'pearson' or 'spearman'"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
