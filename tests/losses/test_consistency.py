"""Agreement with a teacher: by hand, and who gets a gradient."""

import pytest
import torch
from torch import nn

from bonescan.keys import IMAGE, WEAK_IMAGE
from bonescan.losses import TeacherConsistencyLoss
from bonescan.networks import UNet


def test_difference_of_probabilities_by_hand():
    network = nn.Conv2d(1, 2, 1)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1))
        network.bias.zero_()
    loss = TeacherConsistencyLoss(network)
    weak = torch.logit(torch.tensor([[0.2, 0.9]])).reshape(1, 1, 1, 2)
    logits = network(torch.logit(torch.tensor([[0.5, 0.6]])).reshape(1, 1, 1, 2))
    expected = (0.3**2 + 0.3**2) / 2  # in each of both classes
    assert loss(logits, {WEAK_IMAGE: weak}).item() == pytest.approx(expected, rel=1e-5)


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
