"""Lesion-wise detection on small drawings: '#' is foreground."""

import numpy as np
import pytest

from bonescan.metrics.lesion import (
    detection,
    froc,
    label_components,
    match_lesions,
    merge_matches,
    sensitivity_at,
)


def draw(*rows: str) -> np.ndarray:
    return np.array([[cell == "#" for cell in row] for row in rows])


TRUTH = draw(
    "##.....",
    "##...#.",
    ".......",
    "#......",
)
EMPTY = np.zeros_like(TRUTH)


def test_diagonal_neighbours_are_one_component():
    numbers, count = label_components(draw("#..", ".#.", "..#"))
    assert count == 1
    assert numbers.sum() == 3
    assert label_components(draw("#.#"))[1] == 2


def test_perfect_prediction():
    match = match_lesions(TRUTH, TRUTH)
    assert match.lesion_scores.tolist() == [1, 1, 1]
    np.testing.assert_allclose(detection([match]), [1, 1, 0])


def test_found_missed_and_false():
    pred = draw(
        ".##....",  # overlaps 1 of 4 with an area of 3: IoU 1 / 6
        "..#....",
        "......#",
        "#......",
    )
    match = match_lesions(pred, TRUTH)
    assert match.lesion_scores.tolist() == [1, -np.inf, 1]
    assert len(match.true_scores) == 2
    assert len(match.false_scores) == 1
    np.testing.assert_allclose(detection([match]), [2 / 3, 2 / 3, 1])
    np.testing.assert_allclose(detection([match, match, match_lesions(EMPTY, EMPTY)])[2], 2 / 3)


def test_iou_must_exceed_the_limit():
    truth = draw("#.........", "..........")
    ten = draw("##########", "..........")  # IoU 1 / 10, not above
    nine = draw("#########.", "..........")
    assert detection([match_lesions(ten, truth)])[0] == 0
    assert detection([match_lesions(nine, truth)])[0] == 1


def test_matching_is_not_one_to_one():
    two = draw("##.##")
    bridge = draw("#####")  # IoU 2 / 5 with each
    np.testing.assert_allclose(detection([match_lesions(bridge, two)]), [1, 1, 0])
    np.testing.assert_allclose(detection([match_lesions(two, bridge)]), [1, 1, 0])


def test_empty_sets():
    sensitivity, precision, false_positives = detection([match_lesions(EMPTY, TRUTH)])
    assert sensitivity == 0
    assert np.isnan(precision)
    assert false_positives == 0
    sensitivity, precision, false_positives = detection([match_lesions(TRUTH, EMPTY)])
    assert np.isnan(sensitivity)
    assert precision == 0
    assert false_positives == 3
    assert np.isnan(detection([match_lesions(EMPTY, EMPTY)])).tolist() == [True, True, False]


def test_component_scores_are_maxima_of_the_probability():
    prob = np.zeros(TRUTH.shape, dtype=np.float32)
    prob[0, :2] = 0.5, 0.75
    prob[3, 0] = 0.25
    prob[3, 6] = 0.625
    match = match_lesions(prob > 0.1, TRUTH, prob=prob)
    assert match.lesion_scores.tolist() == [0.75, -np.inf, 0.25]
    assert match.false_scores.tolist() == [0.625]


def test_views_of_a_scan_are_merged():
    both = merge_matches([match_lesions(TRUTH, TRUTH), match_lesions(EMPTY, TRUTH)])
    assert detection([both])[0] == pytest.approx(0.5)


def test_froc_by_hand():
    prob = np.zeros((1, 9))
    truth = draw("#.#......")
    prob[0, [0, 2, 4, 6]] = 0.9, 0.4, 0.6, 0.4
    scans = [match_lesions(prob > 0.1, truth, prob=prob), match_lesions(EMPTY, TRUTH)]
    curve = froc(scans)  # 5 lesions, 2 scans
    np.testing.assert_allclose(curve.thresholds, [0.9, 0.6, 0.4])
    np.testing.assert_allclose(curve.sensitivity, [1 / 5, 1 / 5, 2 / 5])
    np.testing.assert_allclose(curve.false_positives_per_scan, [0, 1 / 2, 1])
    assert sensitivity_at(curve, 0.7) == pytest.approx(1 / 5)
    assert sensitivity_at(curve, 1) == pytest.approx(2 / 5)


def test_froc_ends_at_the_operating_point_of_the_mask():
    generator = np.random.default_rng(5)
    scans = []
    for _ in range(6):
        prob, truth = generator.random((2, 20, 15))
        scans.append(match_lesions(prob > 0.8, truth > 0.8, prob=prob))
    curve = froc(scans)
    sensitivity, _, false_positives = detection(scans)
    assert curve.sensitivity[-1] == pytest.approx(sensitivity)
    assert curve.false_positives_per_scan[-1] == pytest.approx(false_positives)
    assert (np.diff(curve.sensitivity) >= 0).all()
    assert (np.diff(curve.false_positives_per_scan) >= 0).all()


def test_froc_without_predictions_or_lesions():
    nothing = froc([match_lesions(EMPTY, TRUTH)])
    assert nothing.thresholds.size == 0
    assert sensitivity_at(nothing, 1) == 0
    assert np.isnan(froc([match_lesions(TRUTH, EMPTY)]).sensitivity).all()


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r"\(row, column\), got shape \(1, 4, 7\)"):
        match_lesions(TRUTH[None], TRUTH[None])
    with pytest.raises(ValueError, match="at least one match, got none"):
        detection([])
