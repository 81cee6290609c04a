"""Cut the patch of an image that a network is trained on."""

from collections.abc import Hashable, Mapping, Sequence

import torch
from monai.transforms import MapTransform, Randomizable
from monai.utils import TransformBackends
from torch.nn import functional as F

from bonescan.keys import LABEL, SHOW_LESION


class RandPatchd(Randomizable, MapTransform):
    """Cut a patch at a random place; one that must show a lesion, around a random pixel of one.

    A patch lies within the image where that is large enough. A smaller image is padded with zeros
    on both sides. A sample that must show a lesion says so under bonescan.keys.SHOW_LESION
    (bonescan.data.patches).

    Args:
        keys: entries (channel, row, column) of one size, the label map among them: its pixels that
            are not zero are the lesions.
        size: (rows, columns) of the patch.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, keys: Sequence[str] | str, size: Sequence[int]) -> None:
        super().__init__(keys)
        self.size = tuple(int(edge) for edge in size)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with its entries cut, without what it must show."""
        sample = dict(data)
        lesion_pixels = sample[LABEL].sum(dim=0).nonzero() if sample.pop(SHOW_LESION) else None
        starts = self._draw(sample[LABEL].shape[-2:], lesion_pixels)
        for key in self.key_iterator(sample):
            sample[key] = self._cut(sample[key], starts)
        return sample

    def _draw(self, extent: Sequence[int], lesion_pixels: torch.Tensor | None) -> list[int]:
        """Draw the first row and column of the patch."""
        slack = [max(edge - size, 0) for edge, size in zip(extent, self.size, strict=True)]
        if lesion_pixels is None:
            return [int(self.R.randint(most + 1)) for most in slack]
        pixel = lesion_pixels[self.R.randint(len(lesion_pixels))].tolist()
        centred = [place - size // 2 for place, size in zip(pixel, self.size, strict=True)]
        return [min(max(start, 0), most) for start, most in zip(centred, slack, strict=True)]

    def _cut(self, entry: torch.Tensor, starts: Sequence[int]) -> torch.Tensor:
        rows, columns = (
            slice(start, start + size) for start, size in zip(starts, self.size, strict=True)
        )
        patch = entry[:, rows, columns]
        row_gap, column_gap = (
            size - edge for edge, size in zip(patch.shape[1:], self.size, strict=True)
        )
        before = column_gap // 2, row_gap // 2
        return F.pad(patch, (before[0], column_gap - before[0], before[1], row_gap - before[1]))
