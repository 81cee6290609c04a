"""Lesion-wise detection on small drawings: '#' is foreground."""

import numpy as np
import pytest

from bonescan.metrics.lesion import (
    THRESHOLDS,
    LesionScores,
    detection,
    label_components,
    lesion_f,
    match_by_threshold,
    match_lesions,
    rate_lesions,
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


def outcomes(pred: np.ndarray, truth: np.ndarray, **scores) -> list[int]:
    """Found, missed, false."""
    return match_lesions(pred, truth, LesionScores(**scores)).tolist()


def test_diagonal_neighbours_are_one_component():
    numbers, count = label_components(draw("#..", ".#.", "..#"))
    assert count == 1
    assert numbers.sum() == 3
    assert label_components(draw("#.#"))[1] == 2


def test_perfect_prediction():
    assert outcomes(TRUTH, TRUTH) == [3, 0, 0]


def test_found_missed_and_false():
    pred = draw(
        ".##....",  # overlaps 1 of 4 with an area of 3: IoU 1 / 6
        "..#....",
        "......#",
        "#......",
    )
    assert outcomes(pred, TRUTH) == [2, 1, 1]


def test_iou_must_exceed_the_limit():
    truth = draw("#.........", "..........")
    ten = draw("##########", "..........")  # IoU 1 / 10, not above
    nine = draw("#########.", "..........")
    assert outcomes(ten, truth) == [0, 1, 1]
    assert outcomes(nine, truth) == [1, 0, 0]


def test_pieces_of_one_lesion_beyond_the_first_are_false():
    lesion, three_pieces = draw("########"), draw("##.##.##")
    assert outcomes(three_pieces, lesion) == [1, 0, 2]


def test_a_bridge_finds_one_of_its_lesions():
    assert outcomes(draw("#####"), draw("##.##")) == [1, 1, 0]


def test_as_many_pairs_as_can_be():
    # The first prediction fits the first lesion best, but the second fits that lesion alone.
    truth = draw("####....##")
    pred = draw("#.########")
    assert outcomes(pred, truth) == [2, 0, 0]
    truth, pred = draw("########.##"), draw(".#.########")
    assert outcomes(pred, truth) == [2, 0, 0]


def test_empty_sets():
    assert outcomes(EMPTY, TRUTH) == [0, 3, 0]
    assert outcomes(TRUTH, EMPTY) == [0, 0, 3]
    assert outcomes(EMPTY, EMPTY) == [0, 0, 0]


def test_detection_by_hand():
    np.testing.assert_allclose(detection(np.array([[2, 1, 1], [0, 1, 4]])), [2 / 4, 2 / 7, 5 / 2])
    counted = detection(np.array([[2, 1, 1], [0, 1, 4]]), np.array([[2.0, 0], [0, 1]]))
    np.testing.assert_allclose(counted, [[2 / 3, 2 / 3, 1], [0, 0, 4]])
    np.testing.assert_array_equal(detection(np.array([[0, 3, 0]])), [0, np.nan, 0])
    np.testing.assert_array_equal(detection(np.array([[0, 0, 3]])), [np.nan, 0, 3])


def test_f_of_lesions_by_hand():
    sensitivity, precision = 2 / 3, 2 / 5
    f1 = lesion_f(np.array([[2, 1, 3], [0, 0, 0]]))
    np.testing.assert_allclose(
        f1, [2 * sensitivity * precision / (sensitivity + precision), np.nan]
    )
    f2 = 5 * sensitivity * precision / (4 * precision + sensitivity)
    assert lesion_f(np.array([2, 1, 3]), beta=2) == pytest.approx(f2)


def test_lesions_below_the_least_area_do_not_count():
    pred = draw(
        "##...#.",
        "##...#.",
        ".......",
        "#...###",
    )
    assert outcomes(pred, TRUTH) == [3, 0, 1]
    assert outcomes(pred, TRUTH, min_area_px=2) == [2, 1, 1]
    assert outcomes(pred, TRUTH, min_area_px=2.5) == [1, 2, 1]
    assert outcomes(pred, TRUTH, min_area_px=3 * 1.1 / 1.1) == [1, 2, 1]


def test_touching_instances_are_lesions_of_their_own():
    truth = draw("##.##")
    instances = np.array([[7, 7, 7, 3, 3]])
    assert outcomes(instances > 0, truth) == [1, 1, 0]
    assert outcomes(instances > 0, truth, instances=instances) == [2, 0, 0]
    assert outcomes(instances == 3, truth, instances=instances) == [1, 1, 0]
    assert outcomes(instances > 0, truth, instances=instances, min_area_px=3) == [1, 1, 0]


def test_each_threshold_is_matched_anew():
    prob = np.array([[0.9, 0.9, 0.3, 0.8, 0.8, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]])
    truth = np.zeros(prob.shape, dtype=bool)
    truth[0, [0, 3, 4]] = True
    scores = LesionScores(prob=prob, thresholds=(0.95, 0.85, 0.5, 0.25))
    # nothing; the first; both; one blob of 13 pixels that fits neither
    assert match_by_threshold(scores, truth).tolist() == [
        [0, 2, 0],
        [1, 1, 0],
        [2, 0, 0],
        [1, 1, 0],
    ]
    assert match_by_threshold(LesionScores(), truth) is None


def test_thresholds_hold_the_one_of_argmax():
    assert 0.5 in THRESHOLDS
    assert sorted(THRESHOLDS, reverse=True) == list(THRESHOLDS)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r"\(row, column\), got shape \(1, 4, 7\)"):
        match_lesions(TRUTH[None], TRUTH[None])
    with pytest.raises(ValueError, match="at least one unit, got none"):
        detection(np.zeros((0, 3)))


def test_predicted_lesions_are_rated_by_their_highest_pixel():
    pred = draw(
        ".##....",  # the partner of a true lesion
        "..#...#",
        "......#",  # false, and so is the last pixel of the row below
        "#.....#",  # of one pixel: does not count
    )
    prob = np.linspace(0, 0.9, pred.size).reshape(pred.shape)
    rated = rate_lesions(pred, TRUTH, LesionScores(min_area_px=2, prob=prob))
    np.testing.assert_allclose(rated, [[prob[1, 2], 1], [prob[3, 6], 0]])
    assert rate_lesions(EMPTY, TRUTH, LesionScores(prob=prob)).shape == (0, 2)
    with pytest.raises(ValueError, match="scores must hold probabilities to rate lesions"):
        rate_lesions(pred, TRUTH, LesionScores())
