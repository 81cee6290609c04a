"""Scans and maps on larger pixels, by one rule for both, and back."""

from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence

import torch
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils import TraceKeys, TransformBackends, convert_to_tensor
from torch.nn import functional as F

from bonescan.keys import IMAGE
from bonescan.transforms.metadata import get_spacing_mm, replace_values

NOMINAL_MM = 2.3
"""Pixel spacing of a whole-body matrix of 256 x 1024: 2.1 to 2.5 mm, by camera."""

BACKGROUND_WEIGHT = 2 / 3
"""A lesion takes a larger pixel from 0.4 of its area on. Pooled DSC is greatest where it does so
from half of that DSC on, which is 0.83 at 240 x 96; from 0.5 on more small lesions vanish."""

Factors = tuple[float, float]
"""Rows and columns of a scan that one row and one column of the larger pixels cover."""


def sum_blocks(stack: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Add the counts of blocks of whole pixels, as a coarser matrix would have counted them.

    Args:
        stack: (..., row, column) counts; beyond the last row and column there are none.
        rows: of a block.
        columns: of a block.

    Returns:
        (..., row, column), same dtype.
    """
    return _blocks(stack, rows, columns).sum(dim=(-3, -1), dtype=stack.dtype)


def take_majority(stack: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Give each larger pixel the value that most of the pixels under it have.

    Background counts for BACKGROUND_WEIGHT; of equal values the greater wins. On the way back a
    map lies where it was, on the average of many. torch's "nearest" and "nearest-exact" take one
    pixel of each instead: at half the size the first moves a map by half a pixel down and right,
    the second up and left.

    Args:
        stack: (view, row, column) map, any dtype, 0 for background.
        size: (rows, columns) of the result, no more than those of the map.

    Returns:
        (view, *size), same dtype.
    """
    rows, columns = (
        _find_places(old, old / new, stack.device)
        for old, new in zip(stack.shape[-2:], size, strict=True)
    )
    grid = torch.arange(len(stack) * size[0] * size[1], device=stack.device)
    pixels = grid.reshape(len(stack), *size)[:, rows][..., columns]  # the one over each old pixel
    values, numbers = stack.unique(return_inverse=True)  # ascending
    pairs, votes = (pixels * len(values) + numbers).unique(return_counts=True)
    pixel, number = pairs // len(values), pairs % len(values)
    weights = votes * torch.where(values[number] == 0, BACKGROUND_WEIGHT, 1.0)
    most = weights.new_zeros(len(grid)).scatter_reduce(0, pixel, weights, "amax")
    wins = weights == most[pixel]
    chosen = number.new_zeros(len(grid)).scatter_reduce(0, pixel[wins], number[wins], "amax")
    return values[chosen].reshape(len(stack), *size)


def _find_places(length: int, factor: float, device: torch.device) -> torch.Tensor:
    """Return for each of the scan's rows, or columns, the one of the larger pixels over it."""
    return ((torch.arange(length, device=device) + 0.5) / factor).long()


def _blocks(stack: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Return (..., row, column) as (..., row, row of a block, column, column of a block)."""
    padded = F.pad(stack, (0, -stack.shape[-1] % columns, 0, -stack.shape[-2] % rows))
    shape = (padded.shape[-2] // rows, rows, padded.shape[-1] // columns, columns)
    return padded.reshape(*stack.shape[:-2], *shape)


def _scale(factors: Factors) -> torch.Tensor:
    """Return the affine from larger pixels to those of the scan, both numbered at their centres."""
    affine = torch.eye(4, dtype=torch.float64)
    for axis, factor in enumerate(factors):
        affine[axis, axis] = factor
        affine[axis, 3] = (factor - 1) / 2
    return affine


class _LargerPixelsd(MapTransform, InvertibleTransform):
    """What the transforms of this file share: the loop over entries, and the way back."""

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self, keys: Sequence[str] | str, image_key: str, *, allow_missing_keys: bool
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.image_key = image_key

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with its entries (view, row, column) on larger pixels."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            img = sample[key]
            values, factors = self._enlarge(img, is_image=key == self.image_key)
            sample[key] = replace_values(img, values)
            self.push_transform(
                sample[key],
                affine=_scale(factors),
                orig_size=tuple(img.shape[-2:]),
                extra_info={"factors": list(factors)},
            )
        return sample

    @abstractmethod
    def _enlarge(self, img: torch.Tensor, *, is_image: bool) -> tuple[torch.Tensor, Factors]:
        """Return the values of one entry on larger pixels, and how much larger they are."""

    def inverse(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return maps or predictions (..., row, column) on the scan's pixels, each as covered."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample[key] = self._restore(sample[key])
        return sample

    def _restore(self, data: torch.Tensor) -> torch.Tensor:
        applied = self.pop_transform(data)
        rows, columns = (float(factor) for factor in applied[TraceKeys.EXTRA_INFO]["factors"])
        plain = convert_to_tensor(data, track_meta=False)
        row_places, column_places = (
            _find_places(int(length), factor, plain.device)
            for length, factor in zip(applied[TraceKeys.ORIG_SIZE], (rows, columns), strict=True)
        )
        full = replace_values(data, plain[..., row_places, :][..., column_places])
        if isinstance(full, MetaTensor):
            scale = torch.linalg.inv(_scale((rows, columns)))
            full.affine = full.affine @ scale.to(full.affine)
        return full


class JoinPixelsd(_LargerPixelsd):
    """Join the pixels of a finer matrix, such as 512 x 2048, to those of a 256 x 1024 one.

    As many whole rows and columns as bring the spacing next to spacing_mm become one: counts are
    added (sum_blocks), maps take the majority (take_majority).
    Where columns do not divide, put MirrorPosteriord before: what is missing is added at the right.

    Args:
        keys: the counts and the maps over them.
        image_key: which of them holds counts.
        spacing_mm: of the pixels wanted; NOMINAL_MM leaves usual matrices as they are.
        allow_missing_keys: as in MONAI.

    Raises:
        ValueError: if the spacing is not positive.
    """

    def __init__(
        self,
        keys: Sequence[str] | str,
        image_key: str = IMAGE,
        *,
        spacing_mm: float = NOMINAL_MM,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, image_key, allow_missing_keys=allow_missing_keys)
        if not spacing_mm > 0:
            raise ValueError(f"spacing_mm must be above 0, got {spacing_mm}")
        self.spacing_mm = spacing_mm

    def _enlarge(self, img: torch.Tensor, *, is_image: bool) -> tuple[torch.Tensor, Factors]:
        rows, columns = (max(1, round(self.spacing_mm / mm)) for mm in get_spacing_mm(img))
        stack = convert_to_tensor(img, track_meta=False)
        if rows == columns == 1:
            joined = stack
        elif is_image:
            joined = sum_blocks(stack, rows, columns)
        else:
            padded = _blocks(stack, rows, columns).flatten(-2).flatten(-3, -2)
            joined = take_majority(padded, (padded.shape[-2] // rows, padded.shape[-1] // columns))
        return joined, (rows, columns)


class ResizeViewsd(_LargerPixelsd):
    """Bring a scan and its maps to a size: images by the mean of an area, maps by its majority.

    Args:
        keys: the image and the maps over it.
        size: (rows, columns), no more than those of the views.
        image_key: which of them is an image.
        allow_missing_keys: as in MONAI.

    Raises:
        ValueError: on a view with fewer rows or columns than the size.
    """

    def __init__(
        self,
        keys: Sequence[str] | str,
        size: Sequence[int],
        image_key: str = IMAGE,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, image_key, allow_missing_keys=allow_missing_keys)
        rows, columns = size
        self.size = (int(rows), int(columns))

    def _enlarge(self, img: torch.Tensor, *, is_image: bool) -> tuple[torch.Tensor, Factors]:
        stack = convert_to_tensor(img, track_meta=False)
        old = tuple(stack.shape[-2:])
        if old[0] < self.size[0] or old[1] < self.size[1]:
            raise ValueError(
                f"size must be {old} (rows, columns) at most, that of the views, got {self.size}"
            )
        if old == self.size:
            resized = stack
        elif is_image:
            resized = F.adaptive_avg_pool2d(stack, self.size)
        else:
            resized = take_majority(stack, self.size)
        return resized, (old[0] / self.size[0], old[1] / self.size[1])
