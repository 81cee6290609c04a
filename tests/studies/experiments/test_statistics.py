"""Metrics over runs, worked out by hand."""

import math

import numpy as np
import pytest

from bonescan.studies.experiments.experiment import F1_OF_MEANS
from bonescan.studies.experiments.statistics import (
    Estimate,
    RowImages,
    compare,
    estimate,
    read_images,
    to_entry,
)

HEADER = "scan_id,patient,form,label,tp,fp,fn,tn"


def make(rows: list[tuple[int, str, tuple[int, int, int]]]) -> RowImages:
    """Images of one view, one scan a patient: (run, patient, (TP, FP, FN))."""
    return RowImages(
        confusion=np.array([[*counts, 1000 - sum(counts)] for _, _, counts in rows]),
        patients=[patient for _, patient, _ in rows],
        keys=[(patient, "anterior") for _, patient, _ in rows],
        runs=np.array([run for run, _, _ in rows]),
    )


TWO_RUNS = make(
    [(0, "a", (6, 2, 0)), (0, "b", (0, 2, 4)), (1, "c", (9, 1, 1)), (1, "d", (9, 1, 1))]
)


def test_mean_over_runs_of_pooled_pixels():
    estimates = estimate(TWO_RUNS, ["dsc", "precision", "recall", F1_OF_MEANS], "pooled")
    assert estimates["dsc"].value == pytest.approx((12 / 20 + 0.9) / 2)
    assert estimates["precision"].value == pytest.approx((6 / 10 + 0.9) / 2)
    assert estimates["recall"].value == pytest.approx((6 / 10 + 0.9) / 2)
    assert estimates["dsc"].spread == pytest.approx(np.std([0.6, 0.9], ddof=1))
    assert estimates[F1_OF_MEANS].value == pytest.approx(0.75)
    assert estimates[F1_OF_MEANS].spread is None
    assert estimates["dsc"].lower <= estimates["dsc"].value <= estimates["dsc"].upper


def test_mean_over_runs_of_image_means():
    estimates = estimate(TWO_RUNS, ["iou"], "per_image")
    assert estimates["iou"].value == pytest.approx(((6 / 8 + 0) / 2 + 9 / 11) / 2)


def test_one_run_has_no_spread():
    estimates = estimate(make([(0, "a", (6, 2, 0)), (0, "b", (3, 0, 1))]), ["dsc"], "pooled")
    assert estimates["dsc"].spread is None


def test_comparison_of_two_rows():
    patients = "abcdefgh"
    worse = make([(i % 4, p, (10, 10, 4 + i)) for i, p in enumerate(patients)])
    better = make([(i % 4, p, (10, 5, 4 + i)) for i, p in enumerate(patients)])
    shuffled = RowImages(
        confusion=better.confusion[::-1],
        patients=better.patients[::-1],
        keys=better.keys[::-1],
        runs=better.runs[::-1],
    )
    comparison = compare(shuffled, worse, "dsc", "pooled")
    by_run = [40 / (40 + 10 + (8 + 2 * k + 4)) - 40 / (40 + 20 + (8 + 2 * k + 4)) for k in range(4)]
    assert comparison.difference == pytest.approx(np.mean(by_run))
    assert 0 < comparison.lower <= comparison.difference <= comparison.upper
    assert comparison.patients == 8
    assert comparison.wilcoxon_p == pytest.approx(2 / 2**8)
    assert comparison.t_p < 0.001


def test_equal_rows_have_no_test():
    comparison = compare(TWO_RUNS, TWO_RUNS, "dsc", "pooled")
    assert (comparison.difference, comparison.lower, comparison.upper) == (0, 0, 0)
    assert comparison.wilcoxon_p is None
    assert comparison.t_p is None


def test_other_images_are_refused():
    other = make([(0, "a", (6, 2, 0)), (0, "b", (0, 2, 4)), (1, "c", (9, 1, 1))])
    with pytest.raises(ValueError, match="rows must be evaluated on the same images"):
        compare(TWO_RUNS, other, "dsc", "pooled")


def test_images_are_read_with_their_run(tmp_path):
    for number, rows in enumerate(
        (["s,p,anterior,metastasis,1,2,3,4"], ["t,q,posterior,metastasis,5,6,7,8"])
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "images.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    images = read_images([tmp_path / "0", tmp_path / "1"])
    np.testing.assert_array_equal(images.confusion, [[1, 2, 3, 4], [5, 6, 7, 8]])
    assert (images.patients, images.keys) == (["p", "q"], [("s", "anterior"), ("t", "posterior")])
    assert images.runs.tolist() == [0, 1]


def test_results_are_ready_for_json():
    entry = to_entry(Estimate(math.nan, 0.1, 1 / 3, None))
    assert entry == {
        "value": None, "lower": 0.1, "upper": pytest.approx(0.333333), "spread": None
    }  # fmt: skip
