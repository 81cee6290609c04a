"""Instances drawn by hand: who owns a pixel, and what scores it."""

import pytest
import torch
from monai.data import MetaTensor, decollate_batch

from bonescan.inferers import InstanceInferer
from bonescan.inferers.instances import draw_instances

ROWS, COLUMNS = 3, 4


def detection(*instances: tuple[float, list[tuple[int, int]], float]) -> dict[str, torch.Tensor]:
    """Score, pixels and mask probability of each instance."""
    masks = torch.zeros(len(instances), 1, ROWS, COLUMNS)
    for index, (_, pixels, prob) in enumerate(instances):
        for row, column in pixels:
            masks[index, 0, row, column] = prob
    return {"scores": torch.tensor([score for score, _, _ in instances]), "masks": masks}


def test_highest_score_is_uppermost_whatever_the_order():
    low = (0.25, [(0, 0), (0, 1), (1, 1)], 0.75)
    high = (0.75, [(0, 1), (0, 2)], 0.5)
    expected = torch.tensor([
        [[2, 1, 1, 0], [0, 2, 0, 0], [0, 0, 0, 0]],
        [[0.25, 0.75, 0.75, 0], [0, 0.25, 0, 0], [0, 0, 0, 0]],
    ])  # fmt: skip
    assert torch.equal(draw_instances(detection(low, high)), expected)
    assert torch.equal(draw_instances(detection(high, low)), expected)


def test_mask_below_a_half_covers_nothing():
    assert not draw_instances(detection((0.9, [(2, 3)], 0.49))).any()


def test_no_instance():
    empty = {"scores": torch.zeros(0), "masks": torch.zeros(0, 1, ROWS, COLUMNS)}
    assert torch.equal(draw_instances(empty), torch.zeros(2, ROWS, COLUMNS))


def mark_brightest(images: torch.Tensor) -> list[dict[str, torch.Tensor]]:
    """Find one instance in each image: the brightest pixel, its value the score."""
    assert type(images) is torch.Tensor
    assert images.shape[1] == 1
    return [
        {"scores": image.max()[None], "masks": (image == image.max())[None].float()}
        for image in images
    ]


@pytest.mark.parametrize(("batch", "views"), [(1, 1), (1, 2), (3, 2)])
def test_each_view_has_its_own_instances(batch, views):
    scans = torch.rand(batch, views, ROWS, COLUMNS)
    maps = InstanceInferer()(scans, mark_brightest)
    assert maps.shape == (batch, 2, views, ROWS, COLUMNS)
    brightest = scans == scans.amax(dim=(2, 3), keepdim=True)
    assert torch.equal(maps[:, 0], brightest.float())
    assert torch.equal(maps[:, 1], torch.where(brightest, scans, 0.0))


def test_metadata_survive_and_decollate():
    scans = MetaTensor(torch.rand(2, 2, ROWS, COLUMNS), affine=torch.eye(4).repeat(2, 1, 1))
    scans.is_batch = True
    scans.meta["scan_id"] = ["a", "b"]
    maps = decollate_batch(InstanceInferer()(scans, mark_brightest))
    assert [item.meta["scan_id"] for item in maps] == ["a", "b"]
    assert [tuple(item.shape) for item in maps] == [(2, 2, ROWS, COLUMNS)] * 2


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(batch, view, row, column\), got shape \(2, 3, 4\)"):
        InstanceInferer()(torch.rand(2, ROWS, COLUMNS), mark_brightest)
