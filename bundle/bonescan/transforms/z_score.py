"""Crop a view to its counts and bring it to mean 0 and standard deviation 1, as nnU-Net v2 does.

Isensee 2021, doi 10.1038/s41592-020-01008-z: every image is cropped to what is not zero and
normalised by itself.
"""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.transforms import MapTransform
from monai.utils import TransformBackends
from scipy.ndimage import binary_fill_holes

from bonescan.data.nnunet_plan import Box, nonzero_box
from bonescan.keys import IMAGE

LEAST_DEVIATION = 1e-8
"""Divides an image whose pixels are all equal."""


def crop_z_score(view: torch.Tensor, *, nonzero_only: bool) -> tuple[torch.Tensor, Box]:
    """Crop a view to what is not zero, and standardise it.

    Args:
        view: (row, column) counts, on any scale: a factor changes nothing.
        nonzero_only: take mean and standard deviation of what is not zero and of the holes in it
            alone, and leave zeros around it zero. Else of the whole crop.

    Returns:
        The crop as float32 (row, column), and its place in the view. A view of zeros is whole, and
        stays zero.
    """
    box = nonzero_box(view.cpu().numpy())
    crop = view[box].to(torch.float32)
    mask = torch.ones_like(crop, dtype=torch.bool)
    if nonzero_only:
        filled = binary_fill_holes((crop != 0).cpu().numpy())
        mask = torch.from_numpy(np.asarray(filled)).to(crop.device)
    inside = crop[mask]
    if not len(inside):
        return crop, box
    deviation = inside.std(correction=0).clamp(min=LEAST_DEVIATION)
    return torch.where(mask, (crop - inside.mean()) / deviation, crop), box


class CropZScored(MapTransform):
    """Crop an image of one view, and what lies on it, by crop_z_score.

    Args:
        keys: entries (1, row, column) that are cropped; the image among them is standardised.
        nonzero_only: as in crop_z_score.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, keys: Sequence[str] | str, *, nonzero_only: bool) -> None:
        super().__init__(keys)
        self.nonzero_only = nonzero_only

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with its entries cropped; images of several views are an error.

        Raises:
            ValueError: if the image has not one channel.
        """
        sample = dict(data)
        if sample[IMAGE].ndim != 3 or len(sample[IMAGE]) != 1:
            raise ValueError(
                f"image must be of one view (1, row, column), got {tuple(sample[IMAGE].shape)}: "
                "put SplitViewsd before CropZScored"
            )
        scored, box = crop_z_score(sample[IMAGE][0], nonzero_only=self.nonzero_only)
        for key in self.key_iterator(sample):
            sample[key] = scored[None] if key == IMAGE else sample[key][:, *box]
        return sample
