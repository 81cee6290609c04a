"""Patches, mirror images and standardisation of a view, put together again."""

import pytest
import torch
from monai.data import MetaTensor

from bonescan.inferers import PatchInferer
from bonescan.inferers.patches import CERTAIN, mean_of_mirrored
from bonescan.transforms.z_score import crop_z_score


def two_classes(images: torch.Tensor) -> torch.Tensor:
    """Map each pixel by itself, so that neither patches nor mirroring matter."""
    return torch.cat([-images, 2 * images], dim=1)


def ramp(images: torch.Tensor) -> torch.Tensor:
    """Add to each pixel its row and a hundred times its column: not symmetric."""
    rows, columns = images.shape[-2:]
    places = torch.arange(rows)[:, None] + 100.0 * torch.arange(columns)
    return torch.cat([images, images + places], dim=1)


def make_scan() -> torch.Tensor:
    """Make a scan of two views with zeros around, each of its own extent."""
    torch.manual_seed(2)
    scan = torch.zeros(1, 2, 40, 50)
    scan[0, 0, 5:33, 10:31] = torch.rand(28, 21) + 0.1
    scan[0, 1, 7:39, 4:17] = torch.rand(32, 13) + 0.1
    return scan


def test_mirroring_changes_nothing_of_a_symmetric_network():
    images = torch.rand(2, 1, 6, 9)
    torch.testing.assert_close(mean_of_mirrored(images, two_classes), two_classes(images))


def test_the_mean_is_over_all_four_mirror_images():
    images = torch.rand(1, 1, 4, 6)
    expected = images + 1.5 + 250  # the mean row and a hundred times the mean column
    torch.testing.assert_close(mean_of_mirrored(images, ramp)[:, 1:], expected)


@pytest.mark.parametrize("patch", [(16, 8), (64, 64), (48, 8)])
@pytest.mark.parametrize("mirror", [True, False])
def test_each_view_is_standardised_and_put_back_where_it_was(patch, mirror):
    scan = make_scan()
    logits = PatchInferer(patch, nonzero_only=True, mirror=mirror)(scan, two_classes)
    assert logits.shape == (1, 2, 2, 40, 50)
    for view in range(2):
        scored, box = crop_z_score(scan[0, view], nonzero_only=True)
        expected = two_classes(scored[None, None])[0]
        torch.testing.assert_close(logits[0, :, view][:, *box], expected)
        outside = torch.ones(40, 50, dtype=torch.bool)
        outside[box] = False
        assert (logits[0, 0, view][outside] == CERTAIN).all()
        assert (logits[0, 1, view][outside] == -CERTAIN).all()


def test_patches_have_the_size_asked_for():
    seen = []

    def network(images):
        seen.append(tuple(images.shape))
        return two_classes(images)

    PatchInferer((16, 8), nonzero_only=True, mirror=False)(make_scan()[:, :1], network)
    assert set(seen) == {(1, 1, 16, 8)}
    assert len(seen) == 3 * 5  # steps of half a patch over 28 x 21


def test_metadata_survive():
    scan = MetaTensor(make_scan(), meta={"scan_id": "a"})
    assert PatchInferer((16, 8), nonzero_only=False)(scan, two_classes).meta["scan_id"] == "a"
