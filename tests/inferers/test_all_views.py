"""One answer to all views of a scan is given to each of them."""

import pytest
import torch
from monai.data import MetaTensor

from bonescan.inferers import AllViewsInferer


def weighted(views: torch.Tensor, factor: float) -> torch.Tensor:
    """Map (B, V, H, W) to (B, 2, H, W): the first view less the last, and the first."""
    return factor * torch.stack([views[:, 0] - views[:, -1], views[:, 0]], dim=1)


@pytest.mark.parametrize("views", [1, 2])
def test_views_get_the_same_answer(views):
    scans = MetaTensor(torch.rand(3, views, 5, 4))
    scans.meta["scan_id"] = "a"
    logits = AllViewsInferer()(scans, weighted, 2.0)
    assert logits.shape == (3, 2, views, 5, 4)
    assert logits.meta["scan_id"] == "a"
    for view in range(views):
        torch.testing.assert_close(logits[:, :, view], weighted(scans, 2.0))


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(batch, view, row, column\), got shape \(2, 4, 3\)"):
        AllViewsInferer()(torch.rand(2, 4, 3), weighted)
