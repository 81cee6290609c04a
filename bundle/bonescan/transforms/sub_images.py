"""Sub-images of a picture, and what is said of each (Liu 2021)."""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial

import torch
from monai.transforms import MapTransform
from monai.utils import TransformBackends, convert_to_tensor
from torch.nn import functional as F

from bonescan.keys import LABEL
from bonescan.labels import Label

TOLD_LABELS = (Label.METASTASIS, Label.BLADDER)
"""What a sub-image can show, in the order of the outputs of the classifier."""


def cut_sub_images(picture: torch.Tensor, window: int, stride: Sequence[int]) -> torch.Tensor:
    """Cut all square windows of a picture, row after row.

    Args:
        picture: (..., row, column), any dtype.
        window: rows and columns of a sub-image.
        stride: rows and columns from one sub-image to the next. The paper's 28 sub-images of
            256 x 256 in a picture of 1024 x 1024 come of (128, 256), panel by panel.

    Returns:
        (..., number, window, window), same dtype.

    Raises:
        ValueError: if the windows do not cover the picture exactly.
    """
    _count_windows(picture.shape[-2:], window, stride)
    rows, columns = stride
    windows = picture.unfold(-2, window, rows).unfold(-2, window, columns)
    return windows.flatten(-4, -3)


def stitch_sub_images(
    sub_images: torch.Tensor, size: Sequence[int], stride: Sequence[int]
) -> torch.Tensor:
    """Put sub-images back in their places, the inverse of cut_sub_images; means where they overlap.

    Args:
        sub_images: (channel, number, window, window), floating point.
        size: (rows, columns) of the picture.
        stride: as in cut_sub_images.

    Returns:
        (channel, *size), same dtype.

    Raises:
        ValueError: if there are not as many sub-images as the picture has.
    """
    channels, number, window, _ = sub_images.shape
    expected = _count_windows(size, window, stride)
    if number != expected:
        raise ValueError(f"sub-images must be {expected} of a picture {tuple(size)}, got {number}")
    by_channel = sub_images.reshape(channels, number, window**2).transpose(1, 2)
    rows, columns = size
    down, across = stride
    fold = partial(F.fold, output_size=(rows, columns), kernel_size=window, stride=(down, across))
    return (fold(by_channel) / fold(torch.ones_like(by_channel[:1])))[:, 0]


def _count_windows(size: Sequence[int], window: int, stride: Sequence[int]) -> int:
    """Return how many windows a picture (row, column) has."""
    slack = [edge - window for edge in size]
    if any(gap < 0 or gap % step for gap, step in zip(slack, stride, strict=True)):
        raise ValueError(
            f"sub-images of {window} x {window} pixels at a stride of {tuple(stride)} must cover "
            f"the picture exactly, got a picture of {tuple(size)}"
        )
    rows, columns = (gap // step + 1 for gap, step in zip(slack, stride, strict=True))
    return rows * columns


def read_bits(label: torch.Tensor) -> torch.Tensor:
    """Tell which of TOLD_LABELS a label map shows, in a pixel at least.

    Args:
        label: (..., row, column) values of bonescan.labels.Label.

    Returns:
        (..., label) float32, 0 or 1.
    """
    bits = [(label == value).flatten(-2).any(dim=-1) for value in TOLD_LABELS]
    return torch.stack(bits, dim=-1).float()


class SubImagesd(MapTransform):
    """Cut the sub-images of pictures (cut_sub_images), after Panelsd.

    Args:
        keys: pictures (1, row, column).
        window: rows and columns of a sub-image.
        stride: rows and columns from one to the next.
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self,
        keys: Sequence[str] | str,
        window: int,
        stride: Sequence[int],
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.window = int(window)
        self.stride = tuple(int(step) for step in stride)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with sub-images (number, window, window), as plain tensors."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            picture = convert_to_tensor(sample[key], track_meta=False)
            sample[key] = cut_sub_images(picture[0], self.window, self.stride)
        return sample


class SplitSubImagesd(MapTransform):
    """Make a sample of each sub-image: a list, which MONAI's Compose and loaders take up.

    Args:
        keys: entries (number, row, column), the label map among them.
        only_with: value that the label map of a sub-image must show for it to be kept; None keeps
            all. Liu 2021 trains its segmentation on sub-images with their target alone.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, keys: Sequence[str] | str, only_with: int | None = None) -> None:
        super().__init__(keys)
        self.only_with = only_with

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> list[dict[Hashable, torch.Tensor]]:
        """Return one sample for each sub-image that is kept; none where no one shows the value."""
        sample = dict(data)
        keys = list(self.key_iterator(sample))
        return [
            # copies, or each would keep the memory of all
            {**sample, **{key: sample[key][number : number + 1].clone() for key in keys}}
            for number in range(len(sample[LABEL]))
            if self.only_with is None or bool((sample[LABEL][number] == self.only_with).any())
        ]


class LabelBitsd(MapTransform):
    """Say of label maps which labels they show (read_bits).

    Args:
        keys: entries (..., row, column).
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, keys: Sequence[str] | str, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with bits (..., label) in place of the maps."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample[key] = read_bits(convert_to_tensor(sample[key], track_meta=False))
        return sample
