import math

import pytest
import torch

from bonescan.losses import PixelCrossEntropy, pixel_cross_entropy


def test_worked_out_by_hand():
    logits = torch.zeros(1, 2, 1, 3)
    logits[0, 1] = torch.tensor([[math.log(3.0), 0.0, math.log(7.0)]])  # p1 = 3/4, 1/2, 7/8
    label = torch.tensor([[[[1.0, 1.0, 0.0]]]])
    expected = -(math.log(3 / 4) + math.log(1 / 2) + math.log(1 / 8)) / 3
    assert pixel_cross_entropy(logits, label).item() == pytest.approx(expected)
    assert PixelCrossEntropy()(logits, label).item() == pytest.approx(expected)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float32])
def test_any_numeric_label(dtype):
    logits = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    label = (torch.arange(2 * 4 * 5) % 3).reshape(2, 1, 4, 5)
    expected = torch.nn.functional.cross_entropy(logits, label[:, 0])
    assert torch.equal(pixel_cross_entropy(logits, label.to(dtype)), expected)


def test_gradient_reaches_every_logit():
    logits = torch.zeros(1, 2, 2, 3, requires_grad=True)
    pixel_cross_entropy(logits, torch.ones(1, 1, 2, 3)).backward()
    assert (logits.grad != 0).all()


@pytest.mark.parametrize("shape", [(2, 4, 5), (2, 2, 4, 5)])
def test_label_has_one_channel(shape):
    with pytest.raises(ValueError, match=r"label must be \(B, 1, H, W\) beside logits"):
        pixel_cross_entropy(torch.zeros(2, 3, 4, 5), torch.zeros(shape))
