"""Agreement with a teacher: by hand, and who gets a gradient."""

import math

import pytest
import torch
from torch import nn

from bonescan.keys import IMAGE, WEAK_IMAGE
from bonescan.losses import TeacherConsistencyLoss
from bonescan.networks import UNet


def confident_network() -> nn.Conv2d:
    """Logits 0 and x: the probability of the second class is the sigmoid of the image."""
    network = nn.Conv2d(1, 2, 1)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1))
        network.bias.zero_()
    return network


def test_difference_of_probabilities_by_hand():
    network = confident_network()
    loss = TeacherConsistencyLoss(network)
    weak = torch.logit(torch.tensor([[0.2, 0.9]])).reshape(1, 1, 1, 2)
    logits = network(torch.logit(torch.tensor([[0.5, 0.6]])).reshape(1, 1, 1, 2))
    expected = (0.3**2 + 0.3**2) / 2  # in each of both classes
    assert loss(logits, {WEAK_IMAGE: weak}).item() == pytest.approx(expected, rel=1e-5)


WEAK = torch.logit(torch.tensor([[0.2, 0.97, 0.02, 0.94]])).reshape(1, 1, 1, 4)
STRONG = torch.logit(torch.tensor([[0.5, 0.6, 0.3, 0.7]])).reshape(1, 1, 1, 4)


def test_likeliest_class_of_sure_pixels_by_hand():
    network = confident_network()
    loss = TeacherConsistencyLoss(network, hard=True, min_confidence=0.95)
    logits = network(STRONG)
    logits.retain_grad()
    value = loss(logits, {WEAK_IMAGE: WEAK})
    expected = -(math.log(0.6) + math.log(0.7)) / 4  # of the second and third pixel, over all
    assert value.item() == pytest.approx(expected, rel=1e-5)
    value.backward()
    moved = logits.grad.abs().sum(dim=1).flatten() > 0
    assert moved.tolist() == [False, True, True, False]


@pytest.mark.parametrize("hard", [False, True])
def test_a_teacher_that_is_nowhere_sure_teaches_nothing(hard):
    network = confident_network()
    loss = TeacherConsistencyLoss(network, hard=hard, min_confidence=0.99)
    loss(network(STRONG), {WEAK_IMAGE: WEAK}).backward()
    assert not any(parameter.grad.any() for parameter in network.parameters())


def test_without_a_least_confidence_probabilities_count_as_those_of_a_mean_teacher():
    torch.manual_seed(0)
    network = nn.Conv2d(1, 3, 3, padding=1)
    weak, strong = torch.randn(2, 2, 1, 6, 5)
    taught, learnt = network(weak).softmax(dim=1), network(strong).softmax(dim=1)
    loss = TeacherConsistencyLoss(network, min_confidence=0.0)
    expected = (learnt - taught).square().mean()
    torch.testing.assert_close(loss(network(strong), {WEAK_IMAGE: weak}), expected)


def test_confidence_is_checked():
    with pytest.raises(ValueError, match=r"min_confidence must be within 0 and 1, got 1\.2"):
        TeacherConsistencyLoss(nn.Conv2d(1, 2, 1), min_confidence=1.2)


def test_network_learns_and_teacher_does_not():
    torch.manual_seed(0)
    network = UNet(width=2)
    loss = TeacherConsistencyLoss(network)
    before = {name: value.clone() for name, value in loss.teacher.state_dict().items()}
    weak = torch.rand(1, 1, 32, 16)
    noisy = weak + 0.1 * torch.randn_like(weak)
    loss(network(noisy), {IMAGE: noisy, WEAK_IMAGE: weak}).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert all(parameter.grad is None for parameter in loss.teacher.parameters())
    torch.testing.assert_close(dict(loss.teacher.state_dict()), before)


def test_teacher_normalises_by_what_the_network_has_seen():
    torch.manual_seed(0)
    network = UNet(width=2, norm="batch").train()
    teacher = TeacherConsistencyLoss(network).teacher
    network(torch.rand(2, 1, 32, 16))
    assert not teacher.training
    assert list(network.buffers())
    for ours, theirs in zip(network.buffers(), teacher.buffers(), strict=True):
        assert ours is theirs
    for ours, theirs in zip(network.parameters(), teacher.parameters(), strict=True):
        assert ours is not theirs
