"""Overlap losses: values by hand, the background left out, gradients where sums are empty."""

import math

import pytest
import torch
from monai.losses import DiceLoss

from bonescan.losses import BothOutputsLoss, FocalTverskyLoss

# two images of 1 x 3 pixels, probabilities of three classes per pixel
PROB = torch.tensor(
    [
        [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]],
        [[0.5, 0.4, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]],
    ]
)
LOGITS = PROB.log().permute(0, 2, 1)[:, :, None]  # (2, 3, 1, 3)
LABEL = torch.tensor([[0, 1, 2], [1, 1, 0]])[:, None, None]  # (2, 1, 1, 3)

# class 1: TP .6 + .4 + .7, sum of p 2.2, of y 3; class 2: TP .6, sum of p 2.0, of y 1
TP = (1.7, 0.6)
FP = (0.5, 1.4)
FN = (1.3, 0.4)


def dice_without_air() -> DiceLoss:
    return DiceLoss(include_background=False, softmax=True, to_onehot_y=True, batch=True)


def test_focal_tversky_is_the_value_by_hand():
    terms = [
        (1 - tp / (tp + 0.3 * fp + 0.7 * fn)) ** 0.75 for tp, fp, fn in zip(TP, FP, FN, strict=True)
    ]
    assert FocalTverskyLoss()(LOGITS, LABEL).item() == pytest.approx(sum(terms) / 2, abs=1e-5)


def test_dice_of_monai_is_the_value_by_hand():
    expected = ((1 - 2 * 1.7 / (2.2 + 3)) + (1 - 2 * 0.6 / (2.0 + 1))) / 2
    assert dice_without_air()(LOGITS, LABEL).item() == pytest.approx(expected, abs=1e-5)


def test_one_class_is_on_a_sigmoid():
    prob = torch.tensor([[0.9, 0.2], [0.4, 0.3]])[:, None, None]
    label = torch.tensor([[1.0, 0.0], [1.0, 0.0]])[:, None, None]
    expected = (1 - 1.3 / (1.3 + 0.3 * 0.5 + 0.7 * 0.7)) ** 0.75
    loss = FocalTverskyLoss(classes=1)(prob.logit(), label)
    assert loss.item() == pytest.approx(expected, abs=1e-5)


def test_constants_are_those_given():
    loss = FocalTverskyLoss(alpha=0.5, beta=0.5, gamma=1.0)(LOGITS, LABEL)
    torch.testing.assert_close(loss, dice_without_air()(LOGITS, LABEL), atol=1e-5, rtol=0)


@pytest.mark.parametrize("loss", [FocalTverskyLoss(), dice_without_air()])
def test_air_is_left_out_and_still_learns(loss):
    logits = LOGITS.clone().requires_grad_()
    loss(logits, LABEL).backward()
    assert logits.grad[:, 0].abs().max() > 1e-3, "through the softmax"
    only_air = torch.tensor([50.0, 0.0, 0.0])[None, :, None, None].expand(2, 3, 1, 3)
    assert loss(only_air, torch.zeros_like(LABEL)) < 1e-3, "nothing wrong in the other classes"
    assert loss(only_air, LABEL) > 0.99, "air that is found counts for nothing"


@pytest.mark.parametrize("loss", [FocalTverskyLoss(), dice_without_air()])
def test_false_positives_of_an_empty_image_count_in_its_batch(loss):
    logits = torch.zeros(2, 3, 4, 5)
    label = torch.zeros(2, 1, 4, 5, dtype=torch.long)
    label[0, :, 1:3] = 1
    label[0, :, 3:, 2:] = 2
    logits.requires_grad_()
    loss(logits, label).backward()
    assert (logits.grad[1, 2] > 1e-4).all(), "less metastasis where there is none"


@pytest.mark.parametrize("label_value", [0, 2])
def test_gradient_of_a_perfect_or_an_empty_label_is_finite(label_value):
    label = torch.full((2, 1, 4, 5), label_value)
    logits = torch.full((2, 3, 4, 5), -200.0)
    logits[:, label_value] = 200.0
    logits.requires_grad_()
    loss = FocalTverskyLoss()(logits, label)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_both_outputs_are_averaged():
    loss = FocalTverskyLoss()
    other = LOGITS.flip(0)
    both = BothOutputsLoss(loss)(torch.cat([LOGITS, other], dim=1), LABEL)
    torch.testing.assert_close(both, (loss(LOGITS, LABEL) + loss(other, LABEL)) / 2)
    assert loss(other, LABEL) != loss(LOGITS, LABEL)


def added_by_weight(logits: torch.Tensor, label: torch.Tensor, loss: torch.nn.Module) -> float:
    """What a metastasis of weight 10 adds, on two equal outputs."""
    twice = torch.cat([logits, logits], dim=1)
    plain, weighted = BothOutputsLoss(loss), BothOutputsLoss(loss, metastasis_weight=10.0)
    return (weighted(twice, label) - plain(twice, label)).item()


def test_the_added_cross_entropy_is_the_value_by_hand():
    terms = [-math.log(p) for p in (0.7, 0.6, 0.4, 0.7, 0.1)] + [-10 * math.log(0.6)]
    added = added_by_weight(LOGITS, LABEL, FocalTverskyLoss())
    assert added == pytest.approx(sum(terms) / (5 + 10), abs=1e-5)


def test_the_added_cross_entropy_of_one_class_is_the_value_by_hand():
    logits = torch.tensor([0.2, 0.9, 0.5]).logit()[None, None, None]  # (1, 1, 1, 3)
    label = torch.tensor([0.0, 1.0, 0.0])[None, None, None]
    terms = [-math.log(0.8), -10 * math.log(0.9), -math.log(0.5)]
    added = added_by_weight(logits, label, FocalTverskyLoss(1))
    assert added == pytest.approx(sum(terms) / (2 + 10), abs=1e-5)


def test_an_odd_number_of_channels_is_refused():
    with pytest.raises(ValueError, match="two outputs of equal channels, got 3 channels"):
        BothOutputsLoss(FocalTverskyLoss())(LOGITS, LABEL)
