"""The loss of both heads: what of a batch counts, and for how much."""

import pytest
import torch
from torch import nn

from bonescan.keys import LABEL, REGIONS, SHOWN
from bonescan.losses import ScanLoss

LOGITS = torch.arange(2 * 2 * 3 * 4 * 2, dtype=torch.float32).reshape(2, 6, 4, 2)
"""Two scans, two views of one class and two groups, 4 x 2 pixels."""


class Inputs(nn.Module):
    """Keep what it is given; the loss is the mean of the logits less that of the truth."""

    def forward(self, logits, truth):
        self.logits, self.truth = logits.detach(), truth
        return logits.mean() - truth.mean()


def make_batch(shown: list[list[bool]], known: tuple[bool, bool] = (True, True)) -> dict:
    label = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[..., None, None].expand(2, 2, 4, 2)
    shares = torch.full((2, 2, 2, 2, 1), 0.25)
    for scan, is_known in enumerate(known):
        if not is_known:
            shares[scan] = -1.0
    return {LABEL: label, SHOWN: torch.tensor(shown), REGIONS: shares}


def make_loss(weight: float = 0.5) -> ScanLoss:
    return ScanLoss(foci=Inputs(), bones=Inputs(), classes=1, bones_weight=weight)


def test_both_parts_are_added():
    loss = make_loss()
    value = loss(LOGITS, make_batch([[True, True], [True, True]]))
    by_view = LOGITS.reshape(4, 3, 4, 2)
    foci = by_view[:, :1].mean() - 2.5
    bones = by_view[:, 1:].mean() - 0.25
    assert value.item() == pytest.approx((foci + 0.5 * bones).item())
    assert loss.terms["foci_loss"].item() == pytest.approx(foci.item())
    assert loss.terms["bones_loss"].item() == pytest.approx(bones.item())


def test_a_view_that_is_not_shown_does_not_count():
    loss = make_loss()
    loss(LOGITS, make_batch([[True, True], [False, True]]))
    assert loss.foci.truth.flatten(1)[:, 0].tolist() == [1.0, 2.0, 4.0]
    torch.testing.assert_close(loss.foci.logits[2], LOGITS[1, 3:4])
    assert len(loss.bones.logits) == 3


def test_bones_are_compared_on_the_cells_of_their_shares():
    loss = make_loss()
    loss(LOGITS, make_batch([[True, False], [False, False]]))
    cells = LOGITS[0, 1:3].reshape(2, 2, 2, 2).mean(dim=(2, 3), keepdim=True)[..., 0]
    torch.testing.assert_close(loss.bones.logits[0], cells)


def test_bones_that_nobody_knows_do_not_count():
    loss = make_loss()
    loss(LOGITS, make_batch([[True, True], [True, True]], known=(False, True)))
    assert len(loss.bones.logits) == 2
    assert len(loss.foci.logits) == 4
    torch.testing.assert_close(loss.bones.truth, torch.full((2, 2, 2, 1), 0.25))


def test_nothing_known_costs_nothing_and_can_be_differentiated():
    logits = LOGITS.clone().requires_grad_()
    value = make_loss()(logits, make_batch([[False, False], [False, False]]))
    value.backward()
    assert value.item() == 0.0
    assert not logits.grad.any()


def test_without_weight_bones_are_not_computed():
    loss = make_loss(weight=0.0)
    loss(LOGITS, make_batch([[True, True], [True, True]]))
    assert loss.terms["bones_loss"].item() == 0.0
    assert not hasattr(loss.bones, "logits")
