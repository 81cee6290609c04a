import numpy as np
import pytest

from bonescan.data.annotation.consensus import area_difference, majority, pick_agreed, staple


def boxes(*places, shape=(30, 44)):
    """Return one mask per place (top, left, bottom, right), ends left out."""
    masks = np.zeros((len(places), *shape), dtype=bool)
    for mask, (top, left, bottom, right) in zip(masks, places, strict=True):
        mask[top:bottom, left:right] = True
    return masks


def test_majority_counts_votes():
    masks = np.array([[1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [1, 0, 0, 1, 0]], dtype=bool)
    for votes, wanted in ((1, [1, 1, 1, 1, 0]), (2, [1, 1, 0, 0, 0]), (3, [1, 0, 0, 0, 0])):
        np.testing.assert_array_equal(majority(masks, votes=votes), np.array(wanted, bool))
    for votes in (0, 4):
        message = f"votes must be from 1 to the 3 annotators, got {votes}"
        with pytest.raises(ValueError, match=message):
            majority(masks, votes=votes)


def test_area_difference_is_one_less_iou_and_zero_for_empty_masks():
    empty, full = np.zeros(3, bool), np.ones(3, bool)
    assert (area_difference(empty, empty), area_difference(empty, full)) == (0, 1)
    pair = np.array([[1, 1, 0], [0, 1, 1]], dtype=bool)
    assert area_difference(*pair) == pytest.approx(2 / 3)


def test_lesions_within_five_percent_are_drawn_by_one_annotator():
    # 200 and 190 pixels inside: 1 - IoU = 0.05 exactly.
    masks = boxes((2, 3, 12, 23), (2, 3, 12, 22), (2, 3, 12, 23))
    picks = {pick_agreed(masks, np.random.default_rng(seed))[0].sum().item() for seed in range(20)}
    assert picks == {190, 200}
    agreed, disputes = pick_agreed(masks, np.random.default_rng(3))
    np.testing.assert_array_equal(agreed, pick_agreed(masks, np.random.default_rng(3))[0])
    assert any((agreed == mask).all() for mask in masks)
    assert disputes == []


def test_lesions_beyond_the_limit_are_disputed_and_the_others_still_agreed():
    masks = boxes((2, 3, 12, 23), (2, 3, 12, 21), (2, 3, 12, 23))
    masks[:, 20:25, 30:40] = True
    masks[1, 28, 1] = True
    agreed, disputes = pick_agreed(masks, np.random.default_rng(0))
    np.testing.assert_array_equal(agreed, boxes((20, 30, 25, 40))[0])
    first, second = disputes
    assert (first.box_px, first.pixels) == ((2, 3, 11, 22), (200, 180, 200))
    assert first.difference == pytest.approx(0.1)
    assert (second.box_px, second.difference, second.pixels) == ((28, 1, 28, 1), 1, (0, 1, 0))
    assert pick_agreed(masks, np.random.default_rng(0), max_difference=0.1)[1] == [second]


def slow_staple(masks, steps):
    """STAPLE as the paper writes it, pixel by pixel."""
    decisions = masks.reshape(len(masks), -1).astype(float)
    prior = decisions.mean()
    p = q = np.full(len(masks), 0.99999)
    for _ in range(steps):
        a = prior * np.prod(np.where(decisions, p[:, None], 1 - p[:, None]), axis=0)
        b = (1 - prior) * np.prod(np.where(decisions, 1 - q[:, None], q[:, None]), axis=0)
        w = a / (a + b)
        p = (w * decisions).sum(axis=1) / w.sum()
        q = ((1 - w) * (1 - decisions)).sum(axis=1) / (1 - w).sum()
    return w.reshape(masks.shape[1:]), p, q


def noisy_readers(truth, sensitivity, specificity):
    rng = np.random.default_rng(5)
    return np.stack(
        [
            np.where(truth, rng.random(truth.shape) < p, rng.random(truth.shape) >= q)
            for p, q in zip(sensitivity, specificity, strict=True)
        ]
    )


def test_staple_is_the_papers_iteration():
    truth = boxes((4, 5, 20, 30))[0]
    masks = noisy_readers(truth, (0.9, 0.7, 0.8), (0.99, 0.9, 0.95))
    result = staple(masks)
    prob, sensitivity, specificity = slow_staple(masks, result.iterations)
    np.testing.assert_allclose(result.prob, prob, atol=1e-10)
    np.testing.assert_allclose(result.sensitivity, sensitivity, atol=1e-10)
    np.testing.assert_allclose(result.specificity, specificity, atol=1e-10)


def test_staple_finds_out_who_is_good():
    truth = boxes((20, 10, 140, 150), shape=(200, 180))[0]
    sensitivity, specificity = (0.95, 0.6, 0.8, 0.9), (0.98, 0.97, 0.8, 0.95)
    result = staple(noisy_readers(truth, sensitivity, specificity))
    np.testing.assert_allclose(result.sensitivity, sensitivity, atol=0.02)
    np.testing.assert_allclose(result.specificity, specificity, atol=0.02)
    assert ((result.prob > 0.5) != truth).mean() < 0.02


def test_staple_of_annotators_of_one_mind_is_what_they_say():
    mask = boxes((4, 5, 9, 30))[0]
    result = staple(np.stack([mask] * 3))
    np.testing.assert_allclose(result.prob, mask, atol=1e-9)
    np.testing.assert_allclose([result.sensitivity, result.specificity], 1)


@pytest.mark.parametrize("value", [False, True])
def test_staple_of_nothing_and_of_everything(value):
    result = staple(np.full((3, 4, 5), value))
    np.testing.assert_array_equal(result.prob, float(value))
    np.testing.assert_array_equal([result.sensitivity, result.specificity], 1.0)


def test_what_is_no_stack_of_masks_is_refused():
    with pytest.raises(ValueError, match=r"masks must be boolean \(annotator, ...\), got uint8"):
        majority(np.zeros((3, 4), np.uint8))
    with pytest.raises(ValueError, match="masks must be those of 2 annotators or more, got 1"):
        staple(np.zeros((1, 4), bool))
    with pytest.raises(ValueError, match=r"masks must be \(annotator, row, column\), got shape"):
        pick_agreed(np.zeros((3, 4), bool), np.random.default_rng(0))
    masks = noisy_readers(boxes((4, 5, 20, 30))[0], (0.9, 0.7), (0.99, 0.9))
    with pytest.raises(RuntimeError, match="STAPLE must settle within 2 steps"):
        staple(masks, max_iterations=2)
