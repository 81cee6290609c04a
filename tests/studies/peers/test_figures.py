"""Figures worked out by hand, of images of three patients."""

import numpy as np
import pytest

from bonescan.image_form import ImageForm
from bonescan.metrics.lesion import LesionScores
from bonescan.report.image_results import score_image
from bonescan.studies.peers.figures import compare_rows, compare_sensitivities, measure_row

SPACING_MM = (2.0, 3.0)
TRUTH = {"a": slice(0, 4), "b": slice(2, 4), "c": slice(0, 0)}


def score(predicted, scores=None):
    """Score images of 1 x 9 pixels whose pixels in a slice are lesion; scans named as patients."""
    results = []
    for patient, part in predicted.items():
        masks = np.zeros((2, 1, 9), bool)
        masks[0, 0, part] = True
        masks[1, 0, TRUTH[patient]] = True
        prob = np.where(masks[0], 0.9 if scores is None else scores[patient], 0.0)
        results.append(
            score_image(
                masks[0], masks[1], scan_id=patient, patient=patient, form=ImageForm.ANTERIOR,
                spacing_mm=SPACING_MM, lesion_scores=LesionScores(prob=prob),
            )
        )  # fmt: skip
    return results


OURS = {"a": slice(0, 2), "b": slice(2, 4), "c": slice(0, 0)}
THEIRS = {"a": slice(0, 4), "b": slice(6, 8), "c": slice(0, 0)}


def test_figures_of_a_row():
    row = measure_row(score(OURS), resamples=50)
    # pooled: 2 * 4 / (2 * 4 + 0 + 2); per image 2/3, 1 and, both empty, 1
    assert row["pooled"]["value"] == pytest.approx(0.8)
    assert row["per_image"]["value"] == pytest.approx((2 / 3 + 1 + 1) / 3, abs=1e-6)
    assert row["most_false_positives"] == 0
    assert row["sensitivity"]["1.0"]["value"] is None, "the curve ends before one false positive"


def test_sensitivity_is_read_at_one_false_positive_a_scan():
    everywhere = {"a": slice(6, 8), "b": slice(6, 8), "c": slice(6, 8)}
    row = measure_row(score(everywhere), resamples=50)
    assert row["most_false_positives"] == 1
    assert row["sensitivity"]["1.0"]["value"] == 0
    assert row["sensitivity"]["2.0"]["value"] is None


def test_differences_are_of_the_same_images():
    difference = compare_rows(score(THEIRS), score(OURS), resamples=200)
    # pooled: 2 * 4 / (2 * 4 + 2 + 2) - 0.8; per image (1 + 0 + 1) / 3 - (2/3 + 1 + 1) / 3
    assert difference["pooled"]["value"] == pytest.approx(8 / 12 - 0.8, abs=1e-6)
    assert difference["per_image"]["value"] == pytest.approx(-2 / 9, abs=1e-6)
    assert difference["per_image"]["lower"] < -2 / 9 < difference["per_image"]["upper"]


def test_sensitivities_differ_at_the_same_false_positives():
    # ours finds a at 0.9, and two false ones below; theirs marks two false ones before it finds b
    scores, false = {"a": 0.9, "b": 0.5, "c": 0.7}, slice(6, 8)
    ours = score({"a": slice(0, 4), "b": false, "c": false}, scores)
    theirs = score({"a": false, "b": slice(2, 4), "c": false}, scores)
    differences = compare_sensitivities(theirs, ours, resamples=200)
    assert differences["0.5"]["value"] == 0 - 1 / 2
    assert differences["1.0"]["value"] is None, "no curve has as many false positives"


def test_a_system_does_not_differ_from_itself():
    for entry in compare_rows(score(OURS), score(OURS), resamples=50).values():
        assert (entry["value"], entry["lower"], entry["upper"]) == (0, 0, 0)


def test_other_images_are_not_compared():
    with pytest.raises(ValueError, match="must be scored on the same images"):
        compare_rows(score(OURS), score({"b": slice(0, 1), "a": slice(0, 1)}))
