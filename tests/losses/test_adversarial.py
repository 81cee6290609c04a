"""The losses of a generator and a discriminator: values by hand, finite where one is certain."""

import math

import pytest
import torch

from bonescan.losses import discriminator_loss, generator_loss

FAKE, REAL = torch.tensor([[-1.0], [2.0], [0.5]]), torch.tensor([[3.0], [-0.5]])


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def test_values_are_those_by_hand():
    fakes = [-math.log(1 - sigmoid(logit)) for logit in (-1.0, 2.0, 0.5)]
    reals = [-math.log(sigmoid(logit)) for logit in (3.0, -0.5)]
    expected = sum(fakes) / 3 + sum(reals) / 2
    assert discriminator_loss(FAKE, REAL).item() == pytest.approx(expected, rel=1e-5)
    passed = [-math.log(sigmoid(logit)) for logit in (-1.0, 2.0, 0.5)]
    assert generator_loss(FAKE).item() == pytest.approx(sum(passed) / 3, rel=1e-5)


def test_a_generator_that_is_seen_through_still_learns():
    logits = torch.tensor([[-200.0]], requires_grad=True)
    generator_loss(logits).backward()
    assert logits.grad.item() == pytest.approx(-1.0)
    assert discriminator_loss(logits, -logits).item() == pytest.approx(0.0)
