"""Pulls of loss terms, compared."""

import pytest
from monai.losses import DiceLoss
from torch.nn import functional as F

from bonescan.studies.mechanisms.loss_gradients import measure_gradient_ratio


def cross_entropy(logits, label):
    return F.cross_entropy(logits, label[:, 0].long())


@pytest.mark.parametrize("channels", [2, 3])
def test_a_term_pulls_as_its_weight_says(channels):
    ratio = measure_gradient_ratio(
        lambda logits, label: 3.5 * cross_entropy(logits, label),
        cross_entropy,
        channels=channels,
        lesion_share=0.01,
    )
    assert ratio == pytest.approx(3.5)


def test_share_of_lesions_is_that_of_the_label():
    shares = []

    def note(logits, label):
        shares.append(float((label == 2).float().mean()))
        return logits.square().mean()

    measure_gradient_ratio(note, note, channels=3, lesion_share=0.01)
    assert shares == [pytest.approx(0.01, rel=0.1)] * 2


def test_dice_pulls_less_than_a_cross_entropy_that_weighs_lesions():
    dice = DiceLoss(sigmoid=True, batch=True)

    def weighted(logits, label):
        return F.binary_cross_entropy_with_logits(logits, label, weight=1 + 99 * label)

    assert measure_gradient_ratio(weighted, dice, channels=1, lesion_share=0.003) > 5
