"""Each view goes through the network on its own."""

import pytest
import torch
from monai.data import MetaTensor, decollate_batch

from bonescan.inferers import PerViewInferer


def two_class_network(images: torch.Tensor) -> torch.Tensor:
    """Map (N, 1, H, W) to (N, 2, H, W): the image, and minus its own sum."""
    assert images.shape[1] == 1
    total = images.sum(dim=(1, 2, 3), keepdim=True).expand_as(images)
    return torch.cat([images, -total], dim=1)


@pytest.mark.parametrize(("batch", "views"), [(1, 1), (1, 2), (3, 2)])
def test_each_view_equals_the_network_on_it_alone(batch, views):
    scans = torch.rand(batch, views, 5, 3)
    logits = PerViewInferer()(scans, two_class_network)
    assert logits.shape == (batch, 2, views, 5, 3)
    for scan in range(batch):
        for view in range(views):
            alone = two_class_network(scans[scan, view][None, None])[0]
            torch.testing.assert_close(logits[scan, :, view], alone)


def test_arguments_reach_the_network():
    def scaled(images, factor, *, offset):
        return images * factor + offset

    scans = torch.rand(1, 2, 4, 3)
    logits = PerViewInferer()(scans, scaled, 2.0, offset=1.0)
    torch.testing.assert_close(logits[:, 0], scans * 2.0 + 1.0)


def test_metadata_survive_and_decollate():
    scans = MetaTensor(torch.rand(2, 2, 4, 3), affine=torch.eye(4).repeat(2, 1, 1))
    scans.is_batch = True
    scans.meta["scan_id"] = ["a", "b"]
    logits = PerViewInferer()(scans, two_class_network)
    assert [item.meta["scan_id"] for item in decollate_batch(logits)] == ["a", "b"]
    assert [tuple(item.shape) for item in decollate_batch(logits)] == [(2, 2, 4, 3)] * 2


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(batch, view, row, column\), got shape \(2, 4, 3\)"):
        PerViewInferer()(torch.rand(2, 4, 3), two_class_network)
