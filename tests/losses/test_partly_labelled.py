"""A batch of which some images have labels: what each loss is given, and what it weighs."""

import pytest
import torch
from torch import nn

from bonescan.keys import LABEL, LABELLED
from bonescan.losses import PartlyLabelledLoss


class MeanSquare(nn.Module):
    def forward(self, logits, label):
        return (logits - label).square().mean()


class Mean(nn.Module):
    def forward(self, logits, batch):
        return logits.mean() + batch["offset"]


def make_batch(labelled: list[bool]) -> dict:
    label = (
        torch.arange(len(labelled), dtype=torch.float32).reshape(-1, 1, 1, 1).expand(-1, 1, 2, 3)
    )
    return {LABEL: label, LABELLED: torch.tensor(labelled), "offset": torch.tensor(7.0)}


def test_labels_count_where_they_are_the_images_own():
    loss = PartlyLabelledLoss(
        supervised=MeanSquare(), unsupervised=Mean(), supervised_weight=0.4, unsupervised_weight=2.0
    )
    logits = torch.ones(4, 1, 2, 3)
    value = loss(logits, make_batch([False, True, False, True]))
    # labels 1 and 3; all logits are 1
    assert value.item() == pytest.approx(0.4 * (0 + 4) / 2 + 2.0 * 8)
    assert {name: term.item() for name, term in loss.terms.items()} == {
        "supervised_loss": 2.0,
        "unsupervised_loss": 8.0,
    }


def test_no_label_costs_nothing_and_teaches_nothing():
    loss = PartlyLabelledLoss(supervised=MeanSquare(), unsupervised=Mean())
    logits = torch.ones(2, 1, 2, 3, requires_grad=True)
    value = loss(logits, make_batch([False, False]))
    assert value.item() == 8.0
    assert loss.terms["supervised_loss"].item() == 0.0
    value.backward()
    torch.testing.assert_close(logits.grad, torch.full_like(logits, 1 / 12))


def test_terms_hold_no_graph():
    loss = PartlyLabelledLoss(supervised=MeanSquare(), unsupervised=Mean())
    loss(torch.ones(1, 1, 2, 3, requires_grad=True), make_batch([True]))
    assert not any(term.requires_grad for term in loss.terms.values())
