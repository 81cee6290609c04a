"""Bones packed into numbers that resampling keeps."""

import pytest
import torch
from monai.transforms import Affine

from bonescan.keys import IMAGE, REGIONS
from bonescan.labels import PAIRED_REGIONS, REGION_GROUPS, region_bit
from bonescan.labels import REGIONS as NAMES
from bonescan.transforms import PackRegionsd
from bonescan.transforms.region_bits import PARTS, UNKNOWN, pack_groups, unpack_groups
from bonescan.transforms.regions import to_channels


@pytest.fixture
def regions() -> torch.Tensor:
    """Any bones in any pixel (2, 5, 7)."""
    generator = torch.Generator().manual_seed(3)
    bits = torch.rand((len(NAMES), 2, 5, 7), generator=generator) < 0.2
    return sum(bit * region_bit(name) for name, bit in zip(NAMES, bits.long(), strict=True))


def test_unpacking_gives_the_groups_of_each_view_back(regions):
    packed = pack_groups(regions)
    assert packed.shape == (2 * PARTS, 5, 7)
    channels = unpack_groups(packed.unflatten(0, (2, PARTS)))
    assert channels.shape == (2, len(REGION_GROUPS), 5, 7)
    torch.testing.assert_close(channels.transpose(0, 1), to_channels(regions))


def test_float32_holds_every_group_at_once():
    everything = torch.full((1, 1, 1), sum(map(region_bit, NAMES)))
    assert len(PAIRED_REGIONS) * 2 + 6 == len(REGION_GROUPS)
    assert unpack_groups(pack_groups(everything)[None]).sum() == len(REGION_GROUPS)


def test_monai_moves_packed_bones_without_losing_one(regions):
    shift = Affine(translate_params=(1, -2), padding_mode="zeros", mode="nearest", image_only=True)
    moved = unpack_groups(shift(pack_groups(regions)).unflatten(0, (2, PARTS)))
    expected = torch.zeros(2, len(REGION_GROUPS), 5, 7, dtype=torch.uint8)
    expected[..., :-1, 2:] = to_channels(regions).transpose(0, 1)[..., 1:, :-2]
    torch.testing.assert_close(torch.as_tensor(moved), expected)


def test_a_sample_without_bones_says_that_they_are_not_known(regions):
    image = torch.rand(2, 5, 7)
    known = PackRegionsd()({IMAGE: image, REGIONS: regions})
    torch.testing.assert_close(known[REGIONS], pack_groups(regions))
    unknown = PackRegionsd()({IMAGE: image})
    assert unknown[REGIONS].shape == known[REGIONS].shape
    assert (unknown[REGIONS] == UNKNOWN).all()
