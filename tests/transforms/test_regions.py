import pytest
import torch

from bonescan.keys import REGIONS
from bonescan.labels import REGION_GROUPS, region_bit, region_group_bits
from bonescan.transforms.regions import (
    RandFlipSidesd,
    RegionBitsd,
    RegionChannelsd,
    swap_sides,
    to_bits,
    to_channels,
)

GROUPS = list(REGION_GROUPS)


def bits(*names):
    return sum(map(region_bit, names))


MAP = torch.tensor(
    [[bits("ribs_right", "t5", "scapula_right"), 0, bits("foot_left", "c2", "face")]]
)
"""One row of three pixels, where bones overlap; the highest bits are among them."""


def test_channels_are_the_groups_and_bones_may_overlap():
    channels = to_channels(MAP)
    assert channels.shape == (len(GROUPS), 1, 3)
    shown = [{GROUPS[i] for i in torch.nonzero(channels[:, 0, column])} for column in range(3)]
    assert shown == [
        {"ribs_right", "thoracic_spine", "scapula_right"},
        set(),
        {"foot_left", "cervical_spine", "skull"},
    ]


def test_bits_of_channels_are_those_of_whole_groups():
    back = to_bits(to_channels(MAP))
    wanted = region_group_bits("thoracic_spine") | bits("ribs_right", "scapula_right")
    assert back.dtype == torch.int64
    assert back[0].tolist()[:2] == [wanted, 0]
    torch.testing.assert_close(to_channels(back), to_channels(MAP))


def test_swapping_sides_exchanges_pairs_alone():
    swapped = swap_sides(MAP)
    assert swapped[0].tolist() == [
        bits("ribs_left", "t5", "scapula_left"), 0, bits("foot_right", "c2", "face")
    ]  # fmt: skip
    assert torch.equal(swap_sides(swapped), MAP)


def test_a_mirrored_patient_has_the_right_bones_on_the_other_side():
    image = torch.tensor([[[1.0, 2.0, 3.0]]])
    sample = {"image": image, REGIONS: MAP[None]}
    flipped = RandFlipSidesd(["image", REGIONS], prob=1.0)(sample)
    assert flipped["image"].tolist() == [[[3.0, 2.0, 1.0]]]
    left_foot_first = bits("foot_right", "c2", "face")
    assert flipped[REGIONS][0, 0].tolist()[0] == left_foot_first
    assert flipped[REGIONS][0, 0].tolist()[2] == bits("ribs_left", "t5", "scapula_left")
    same = RandFlipSidesd(["image", REGIONS], prob=0.0)(sample)
    assert torch.equal(same[REGIONS], MAP[None])
    drawn = RandFlipSidesd(["image", REGIONS]).set_random_state(seed=3)
    hits = sum(not torch.equal(drawn(sample)["image"], image) for _ in range(200))
    assert 70 < hits < 130


def test_dictionary_forms_go_there_and_back():
    sample = RegionChannelsd(REGIONS, "label")({REGIONS: MAP})
    assert torch.equal(sample[REGIONS], MAP)
    again = RegionBitsd("label")(sample)["label"]
    assert torch.equal(again, to_bits(to_channels(MAP)))


def test_maps_that_lost_their_bits_are_refused():
    with pytest.raises(ValueError, match="must be int64 to hold its bits, got torch"):
        to_channels(MAP.float())
    with pytest.raises(ValueError, match="channels must be those of 30 groups, got 2"):
        to_bits(torch.zeros(2, 1, 3))
