"""Metrics over trainings, worked out by hand; how often nothing is taken for something."""

import math

import numpy as np
import pytest
from scipy import stats

from bonescan.studies.experiments.experiment import F1_OF_MEANS
from bonescan.studies.experiments.row_images import RowImages
from bonescan.studies.experiments.statistics import (
    Estimate,
    compare,
    describe_interval,
    estimate,
    holm,
    to_entry,
)


def make(rows: list[tuple[str, str, tuple[int, int, int]]]) -> RowImages:
    """Images of one view, one scan a patient: (run, patient, (TP, FP, FN))."""
    return RowImages(
        confusion=np.array([[*counts, 1000 - sum(counts)] for _, _, counts in rows]),
        patients=[patient for _, patient, _ in rows],
        keys=[(patient, "anterior") for _, patient, _ in rows],
        runs=[run for run, _, _ in rows],
    )


TWO_FOLDS = make(
    [
        ("fold0", "a", (6, 2, 0)),
        ("fold0", "b", (0, 2, 4)),
        ("fold1", "c", (9, 1, 1)),
        ("fold1", "d", (9, 1, 1)),
    ]
)


def test_mean_over_runs_of_pooled_pixels():
    metrics = ["dsc", "precision", "recall", F1_OF_MEANS]
    estimates = estimate(TWO_FOLDS, metrics, "pooled", test_to_training=0.5)
    assert estimates["dsc"].value == pytest.approx((12 / 20 + 0.9) / 2)
    assert estimates["precision"].value == pytest.approx((6 / 10 + 0.9) / 2)
    assert estimates["recall"].value == pytest.approx((6 / 10 + 0.9) / 2)
    assert estimates["dsc"].spread == pytest.approx(np.std([0.6, 0.9], ddof=1))
    assert estimates[F1_OF_MEANS].value == pytest.approx(0.75)
    assert estimates[F1_OF_MEANS].spread is None
    assert math.isnan(estimates[F1_OF_MEANS].lower)


def test_mean_over_runs_of_image_means():
    estimates = estimate(TWO_FOLDS, ["iou"], "per_image", test_to_training=0.5)
    assert estimates["iou"].value == pytest.approx(((6 / 8 + 0) / 2 + 9 / 11) / 2)


def test_images_without_lesion_do_not_count_where_lesions_are_asked_for():
    images = make([("seed0", "a", (6, 2, 0)), ("seed0", "b", (0, 0, 0)), ("seed0", "c", (1, 0, 1))])
    means = {
        name: estimate(images, ["iou"], name, test_to_training=None)["iou"].value
        for name in ("per_image", "per_image_with_lesion")
    }
    assert means == pytest.approx(
        {"per_image": (6 / 8 + 1 + 1 / 2) / 3, "per_image_with_lesion": (6 / 8 + 1 / 2) / 2}
    )


def test_one_training_has_an_interval_over_its_patients_alone():
    one = estimate(
        make([("seed0", "a", (6, 2, 0)), ("seed0", "b", (3, 0, 1))]),
        ["dsc"], "pooled", test_to_training=None,
    )["dsc"]  # fmt: skip
    assert one.spread is None
    assert 6 / 7 - 0.01 <= one.lower <= one.value <= one.upper <= 6 / 7 + 0.01
    assert "of this one training" in describe_interval(1, test_to_training=None)


def test_interval_over_folds_is_that_of_the_corrected_resampled_t_test():
    row = make([(f"fold{k}", p, (10 + k, 2, 3)) for k, p in enumerate("abcd")])
    other = make([(f"fold{k}", p, (8, 2, 5 + k)) for k, p in enumerate("abcd")])
    differences = [2 * (10 + k) / (25 + 2 * k) - 16 / (23 + k) for k in range(4)]
    found = compare(row, other, "dsc", "pooled", test_to_training=1 / 8)
    error = math.sqrt(np.var(differences, ddof=1) * (1 / 4 + 1 / 8))
    assert found.difference == pytest.approx(np.mean(differences))
    assert found.upper - found.difference == pytest.approx(3.182446 * error)
    assert found.p == pytest.approx(2 * stats.t.sf(np.mean(differences) / error, 3))


def test_interval_over_seeds_holds_the_scatter_of_trainings_and_of_patients():
    recall = np.array([[0.5, 0.9, 0.7], [0.6, 0.8, 0.4], [0.3, 0.9, 0.6], [0.5, 0.6, 0.6]])
    row = make(
        [
            (f"seed{s}", p, (round(10 * recall[s, i]), 0, round(10 * (1 - recall[s, i]))))
            for s in range(4)
            for i, p in enumerate("abc")
        ]
    )
    found = estimate(row, ["recall"], "per_image", test_to_training=None)["recall"]
    scatter = recall.mean(axis=1).var(ddof=1) / 4
    # For a mean the jackknife's covariance is the sample covariance over the number of patients.
    covariance = np.cov(recall) / 3
    shared = (covariance.sum() - np.trace(covariance)) / 12
    freedom = (scatter + shared) ** 2 / (scatter**2 / 3 + shared**2 / 2)
    reach = stats.t.ppf(0.975, freedom) * math.sqrt(scatter + shared)
    assert found.value == pytest.approx(recall.mean())
    assert found.lower == pytest.approx(max(recall.mean() - reach, 0))
    assert found.spread == pytest.approx(recall.mean(axis=1).std(ddof=1))


def test_comparison_does_not_depend_on_the_order_of_images():
    worse = make([(f"seed{s}", p, (10, 10 + s, 4)) for s in range(3) for p in "abcdefgh"])
    better = make([(f"seed{s}", p, (10, 5, 4 + s)) for s in range(3) for p in "abcdefgh"])
    order = np.random.default_rng(0).permutation(24)
    found = compare(better.take(order), worse, "dsc", "pooled", test_to_training=None)
    assert found == compare(better, worse, "dsc", "pooled", test_to_training=None)
    by_seed = [20 / (29 + s) - 20 / (34 + s) for s in range(3)]
    assert found.difference == pytest.approx(np.mean(by_seed))


def test_equal_rows_have_no_p():
    rows = make([(f"fold{k}", p, (6, k, 0)) for k, p in enumerate("abc")])
    found = compare(rows, rows, "dsc", "pooled", test_to_training=1.0)
    assert (found.difference, found.lower, found.upper, found.p) == (0, 0, 0, None)


def test_rows_that_cannot_be_compared_are_refused():
    other = TWO_FOLDS.take([0, 1, 2])
    with pytest.raises(ValueError, match="rows must be evaluated on the same images"):
        compare(TWO_FOLDS, other, "dsc", "pooled", test_to_training=None)
    with pytest.raises(ValueError, match=r"rows must have 3 trainings at least .*, got 2"):
        compare(TWO_FOLDS, TWO_FOLDS, "dsc", "pooled", test_to_training=0.5)


def test_correction_for_the_number_of_comparisons():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == [1, 1]
    assert holm([]) == []


TRIALS = 300


def alike(rng: np.random.Generator, seeds: int, patients: int) -> list[RowImages]:
    """Make two rows that differ by the chance of their trainings alone: recall on 8 patients."""
    ease = rng.normal(0.6, 0.1, patients)
    positive = rng.integers(200, 600, patients)
    rows = []
    for _ in range(2):
        training = rng.normal(0, 0.05, (seeds, 1))
        recall = np.clip(ease + training + rng.normal(0, 0.05, (seeds, patients)), 0, 1)
        found = np.round(positive * recall).astype(int)
        rows.append(
            make(
                [
                    (f"seed{s}", f"p{i}", (found[s, i], 0, positive[i] - found[s, i]))
                    for s in range(seeds)
                    for i in range(patients)
                ]
            )
        )
    return rows


def over_patients_alone(row: RowImages, other: RowImages) -> bool:
    """Tell whether the interval over patients of the mean over seeds excludes 0."""
    recall = [
        (each.confusion[:, 0] / each.confusion[:, [0, 2]].sum(axis=1)).reshape(-1, 8).mean(axis=0)
        for each in (row, other)
    ]
    return stats.ttest_1samp(recall[0] - recall[1], 0).pvalue < 0.05


def test_nothing_is_rarely_taken_for_something():
    rng = np.random.default_rng(1)
    wrong = wrong_over_patients = 0
    for _ in range(TRIALS):
        row, other = alike(rng, 3, 8)
        found = compare(row, other, "recall", "per_image", test_to_training=None)
        wrong += found.lower > 0 or found.upper < 0
        wrong_over_patients += over_patients_alone(row, other)
    assert 0.02 < wrong / TRIALS < 0.09
    assert wrong_over_patients / TRIALS > 0.3


def test_folds_that_share_training_patients_are_rarely_taken_for_something():
    """Differences of folds are correlated by n_test / (n_test + n_train), as the test supposes."""
    rng = np.random.default_rng(2)
    folds, share = 5, 1 / 3
    correlation = share / (1 + share)
    wrong = wrong_uncorrected = 0
    for _ in range(TRIALS):
        common = math.sqrt(correlation) * rng.normal()
        differences = common + math.sqrt(1 - correlation) * rng.normal(size=folds)
        recall = np.round(500 + 20 * differences).astype(int)
        row = make([(f"fold{k}", f"p{k}", (recall[k], 0, 1000 - recall[k])) for k in range(folds)])
        other = make([(f"fold{k}", f"p{k}", (500, 0, 500)) for k in range(folds)])
        found = compare(row, other, "recall", "pooled", test_to_training=share)
        wrong += found.lower > 0 or found.upper < 0
        wrong_uncorrected += stats.ttest_1samp(recall, 500).pvalue < 0.05
    assert 0.02 < wrong / TRIALS < 0.09
    assert wrong_uncorrected / TRIALS > 0.15


def test_results_are_ready_for_json():
    entry = to_entry(Estimate(math.nan, 0.1, 1 / 3, None))
    assert entry == {
        "value": None, "lower": 0.1, "upper": pytest.approx(0.333333), "spread": None
    }  # fmt: skip
