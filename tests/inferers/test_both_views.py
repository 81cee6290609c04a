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


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(batch, view, row, column\), got shape \(2, 4, 3\)"):
        BothViewsInferer()(torch.rand(2, 4, 3), add_numbers)
