"""The answer of a network that sees both views is parted by view."""

import pytest
import torch
from monai.data import MetaTensor

from bonescan.inferers import BothViewsInferer


def add_numbers(views: torch.Tensor, step: float) -> torch.Tensor:
    """Map (B, 2, H, W) to (B, 2 * 3, H, W): channel c of a view is that view plus c steps."""
    return torch.cat(
        [views[:, view, None] + step * torch.arange(3.0)[:, None, None] for view in range(2)], dim=1
    )


def test_each_view_gets_its_own_channels():
    scans = MetaTensor(torch.rand(4, 2, 5, 3))
    scans.meta["scan_id"] = "a"
    logits = BothViewsInferer()(scans, add_numbers, 10.0)
    assert logits.shape == (4, 3, 2, 5, 3)
    assert logits.meta["scan_id"] == "a"
    for channel in range(3):
        torch.testing.assert_close(logits[:, channel].as_tensor(), scans.as_tensor() + 10 * channel)


def add_other(views: torch.Tensor) -> torch.Tensor:
    """Map (B, 2, H, W) to (B, 2, H, W): each view plus ten times the other."""
    return views + 10 * views.flip(1)


@pytest.mark.parametrize("one_at_a_time", [False, True])
def test_a_view_at_a_time_sees_nothing_of_the_other(one_at_a_time):
    scans = torch.rand(3, 2, 4, 5)
    logits = BothViewsInferer(one_at_a_time=one_at_a_time)(scans, add_other)
    torch.testing.assert_close(logits[:, 0], scans if one_at_a_time else add_other(scans))


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(batch, view, row, column\), got shape \(2, 4, 3\)"):
        BothViewsInferer()(torch.rand(2, 4, 3), add_numbers)
