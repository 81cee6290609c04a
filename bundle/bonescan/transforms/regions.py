"""Region maps as channels of a network and back; left stays left when an image is flipped."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.transforms import MapTransform, Randomizable
from monai.utils import TransformBackends, convert_to_tensor

from bonescan.keys import REGIONS as REGIONS_KEY
from bonescan.labels import PAIRED_REGIONS, REGION_GROUPS, SIDES, region_bit, region_group_bits
from bonescan.transforms.metadata import replace_values

RIGHT, LEFT = (sum(region_bit(f"{name}_{side}") for name in PAIRED_REGIONS) for side in SIDES)
"""Bits of all regions of a side; the left one of a pair is the next bit after the right one."""


def to_channels(regions: torch.Tensor) -> torch.Tensor:
    """Return a mask for each group of regions: bones overlap, so a pixel may be in several.

    Args:
        regions: (...) region map, int64 bits of bonescan.labels.REGIONS.

    Returns:
        (group, ...) 0 or 1, uint8, in the order of bonescan.labels.REGION_GROUPS.

    Raises:
        ValueError: if the map is not int64: another type has lost bits.
    """
    if regions.dtype != torch.int64:
        raise ValueError(f"region map must be int64 to hold its bits, got {regions.dtype}")
    groups = (regions & region_group_bits(name) for name in REGION_GROUPS)
    return torch.stack([(bits != 0).to(torch.uint8) for bits in groups])


def to_bits(channels: torch.Tensor) -> torch.Tensor:
    """Return the region map of masks: where a group is, it sets the bits of all of its regions.

    Args:
        channels: (group, ...) of any type, 0 where the group is not.

    Returns:
        (...) int64 bits of bonescan.labels.REGIONS.

    Raises:
        ValueError: if there are not as many channels as groups.
    """
    if len(channels) != len(REGION_GROUPS):
        raise ValueError(
            f"channels must be those of {len(REGION_GROUPS)} groups, got {len(channels)}"
        )
    regions = torch.zeros(channels.shape[1:], dtype=torch.int64, device=channels.device)
    for name, mask in zip(REGION_GROUPS, channels, strict=True):
        # No two groups share a bit. Bytes are added in half the time that booleans take.
        regions.add_(mask.bool().view(torch.uint8), alpha=region_group_bits(name))
    return regions


def swap_sides(regions: torch.Tensor) -> torch.Tensor:
    """Return a region map (...) of int64 bits with right and left regions exchanged."""
    middle = regions & ~(RIGHT | LEFT)
    return middle | ((regions & RIGHT) << 1) | ((regions & LEFT) >> 1)


class RegionChannelsd(MapTransform):
    """Write a region map as channels under another key: see to_channels.

    Args:
        keys: region map (view, row, column), int64.
        name: entry (group, view, row, column) to add; a single view, as in training, has no axis
            of its own: (group, row, column).
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self, keys: Sequence[str] | str, name: str, *, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.name = name

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with the channels."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample[self.name] = to_channels(convert_to_tensor(sample[key], track_meta=False))
        return sample


class RegionBitsd(MapTransform):
    """Turn masks (group, view, row, column) into a region map (view, row, column): see to_bits.

    Args:
        keys: the masks; their metadata stay.
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, keys: Sequence[str] | str, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with its region maps."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            plain = convert_to_tensor(sample[key], track_meta=False)
            sample[key] = replace_values(sample[key], to_bits(plain))
        return sample


class RandFlipSidesd(Randomizable, MapTransform):
    """Mirror the patient along the columns, mostly half of the time: right bones become left ones.

    Args:
        keys: images, and the region map (..., row, column).
        regions_key: which of them holds bits of regions, which are exchanged (see swap_sides).
        prob: probability to mirror.
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self,
        keys: Sequence[str] | str,
        regions_key: str = REGIONS_KEY,
        prob: float = 0.5,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.regions_key = regions_key
        self.prob = prob

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> "RandFlipSidesd":
        """Seed the draws."""
        super().set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample, mirrored or not."""
        sample = dict(data)
        if self.R.uniform() >= self.prob:
            return sample
        for key in self.key_iterator(sample):
            flipped = convert_to_tensor(sample[key], track_meta=False).flip(-1)
            if key == self.regions_key:
                flipped = swap_sides(flipped)
            sample[key] = replace_values(sample[key], flipped)
        return sample
