import pytest
import torch
from monai.networks.nets import DynUNet
from torch import nn

from bonescan.losses import DeepSupervisionLoss, PixelCrossEntropy

LABEL = torch.tensor([[[[0.0, 1.0, 1.0]]]])


class MeanDifference(nn.Module):
    """The mean difference of logits and label, so that the loss of an output is known."""

    def forward(self, logits: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return (logits - label).mean()


def test_each_output_weighs_half_of_the_next_finer_one():
    outputs = torch.stack([LABEL + 7.0, LABEL + 14.0, LABEL + 28.0], dim=1)
    loss = DeepSupervisionLoss(MeanDifference())(outputs, LABEL)
    assert loss.item() == pytest.approx((4 * 7 + 2 * 14 + 28) / 7)


def test_one_output_has_the_loss_itself():
    assert DeepSupervisionLoss(MeanDifference())(LABEL[:, None] + 3.0, LABEL).item() == 3


def test_plain_logits_are_refused():
    with pytest.raises(ValueError, match=r"\(batch, output, class, row, column\), got \(1, 1, 1"):
        DeepSupervisionLoss(MeanDifference())(LABEL, LABEL)


def test_every_parameter_of_a_network_gets_a_gradient():
    network = DynUNet(
        2, 1, 2, [3] * 4, [1, 2, 2, 2], [2] * 3, filters=[2, 4, 4, 4],
        deep_supervision=True, deep_supr_num=2,
    )  # fmt: skip
    loss = DeepSupervisionLoss(PixelCrossEntropy())
    label = (torch.rand(2, 1, 16, 24) > 0.5).float()
    loss(network(torch.rand(2, 1, 16, 24)), label).backward()
    assert [name for name, each in network.named_parameters() if each.grad is None] == []
