"""Batches of both views: packed bones become shares of cells."""

import pytest
import torch

from bonescan.engines.both_views import find_shares, prepare_scan_batch
from bonescan.keys import IMAGE, LABEL, REGIONS
from bonescan.labels import REGION_GROUPS, region_bit
from bonescan.transforms.region_bits import UNKNOWN, pack_groups

PELVIS, RIBS = (list(REGION_GROUPS).index(name) for name in ("pelvis_left", "ribs_right"))


def make_regions() -> torch.Tensor:
    """Draw a map (2, 8, 12): in the posterior view a pelvis over rows 2-7, columns 0-5."""
    regions = torch.zeros(2, 8, 12, dtype=torch.int64)
    regions[1, 2:, :6] = region_bit("pelvis_left")
    regions[1, 2:, 5] |= region_bit("ribs_right")
    return regions


def test_a_share_is_that_of_the_four_pixels_at_the_centre():
    shares = find_shares(pack_groups(make_regions()).unflatten(0, (2, -1))[None])
    assert shares.shape == (1, 2, len(REGION_GROUPS), 2, 3)
    assert not shares[0, 0].any()
    # centres: rows 1-2 and 5-6, columns 1-2, 5-6 and 9-10
    assert shares[0, 1, PELVIS].tolist() == [[0.5, 0.25, 0.0], [1.0, 0.5, 0.0]]
    assert shares[0, 1, RIBS].tolist() == [[0.0, 0.25, 0.0], [0.0, 0.5, 0.0]]
    assert shares[0, 1].sum() == pytest.approx(3.0)


def test_unknown_stays_unknown_though_zeros_came_in_from_outside():
    packed = pack_groups(make_regions()).unflatten(0, (2, -1)).repeat(2, 1, 1, 1, 1)
    packed[1, 1] = UNKNOWN
    packed[1, 1, :, :3] = 0
    shares = find_shares(packed)
    assert (shares[1, 1] == UNKNOWN).all()
    assert (shares[:, 0] >= 0).all()
    assert (shares[0] >= 0).all()


def test_the_batch_holds_all_tensors():
    batch = {
        IMAGE: torch.rand(1, 2, 8, 12),
        LABEL: torch.ones(1, 2, 8, 12),
        REGIONS: pack_groups(make_regions())[None],
        "shown": torch.tensor([[True, False]]),
        "patient": ["a"],
    }
    image, truth = prepare_scan_batch(batch, torch.device("cpu"), False)
    torch.testing.assert_close(image, batch[IMAGE])
    assert set(truth) == {IMAGE, LABEL, REGIONS, "shown"}
    assert truth[REGIONS].shape == (1, 2, len(REGION_GROUPS), 2, 3)
