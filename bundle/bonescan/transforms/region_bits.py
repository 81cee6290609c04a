"""Groups of bones packed into numbers that float32 holds, so that maps can be resampled as images.

MONAI's spatial transforms give float32 back, which holds 24 bits; there are 30 groups.
"""

from collections.abc import Hashable, Mapping

import torch
from monai.transforms import Transform
from monai.utils import TransformBackends, convert_to_tensor

from bonescan.keys import IMAGE, REGIONS
from bonescan.labels import REGION_GROUPS
from bonescan.transforms.regions import to_channels

PART_BITS = 15
"""Groups in a number: two numbers hold all."""
PARTS = -(-len(REGION_GROUPS) // PART_BITS)
"""Numbers that hold all groups."""
UNKNOWN = -1.0
"""In place of a number where nobody knows the bones."""


def pack_groups(regions: torch.Tensor) -> torch.Tensor:
    """Return the groups of a region map as whole numbers.

    Args:
        regions: (view, row, column) region map, int64 bits of bonescan.labels.REGIONS.

    Returns:
        (view * PARTS, row, column) float32, view by view: bit i of part p is group
        p * PART_BITS + i of bonescan.labels.REGION_GROUPS.
    """
    channels = to_channels(regions).transpose(0, 1).to(torch.float32)  # (view, group, row, column)
    weights = 2.0 ** torch.arange(PART_BITS)
    parts = [
        torch.einsum("g,vgrc->vrc", weights[: part.shape[1]], part)
        for part in channels.split(PART_BITS, dim=1)
    ]
    return torch.stack(parts, dim=1).flatten(0, 1)


def unpack_groups(packed: torch.Tensor) -> torch.Tensor:
    """Return what pack_groups has packed as channels.

    Args:
        packed: (..., PARTS, row, column) whole numbers, 0 or more.

    Returns:
        (..., group, row, column) uint8, 0 or 1.
    """
    bits = torch.arange(PART_BITS, device=packed.device)[:, None, None]
    channels = (packed.to(torch.int32).unsqueeze(-3) >> bits) & 1  # (..., PARTS, bit, row, column)
    return channels.flatten(-4, -3)[..., : len(REGION_GROUPS), :, :].to(torch.uint8)


class PackRegionsd(Transform):
    """Pack the region map of a sample (pack_groups); one without a map gets UNKNOWN all over.

    The map is REGIONS (view, row, column), over IMAGE.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with (view * PARTS, row, column) float32, without metadata."""
        sample = dict(data)
        if REGIONS in sample:
            sample[REGIONS] = pack_groups(convert_to_tensor(sample[REGIONS], track_meta=False))
        else:
            views, rows, columns = sample[IMAGE].shape
            sample[REGIONS] = torch.full((views * PARTS, rows, columns), UNKNOWN)
        return sample
