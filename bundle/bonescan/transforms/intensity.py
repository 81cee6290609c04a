"""Bring counts into a range that a network can use.

Counts depend on activity, uptake time and scan speed, so every scale here is taken from the view
itself. For plain min-max scaling use MONAI's ScaleIntensityd(channel_wise=True).
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial

import torch
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_to_tensor

from bonescan.transforms.metadata import replace_values

BRIGHTNESS_RANGE = (7.0, 14.0)
"""Mean of a view in 8-bit units after brightness normalisation (Chen 2023, section 3.3)."""

BRIGHTNESS_STEP = 0.9
"""Change of the white level per step: under 12 % in the mean, so it cannot leap over the range."""


def scale_percentile(view: torch.Tensor, percentile: float) -> torch.Tensor:
    """Scale counts to 0..1 by a percentile of the counts that are not zero.

    Zeros are left out because padding and cleared air would shift the percentile. Unlike the
    maximum, the percentile is not ruled by one hot pixel (bladder, injection site).

    Args:
        view: counts, of any shape; all zero stays all zero.
        percentile: 0 to 100, of the non-zero counts.

    Returns:
        float32 of the same shape, clipped to 0..1.
    """
    counts = view.to(torch.float32)
    bright = counts[counts != 0]
    if bright.numel() == 0:
        return counts.clone()
    white = torch.quantile(bright, percentile / 100)
    return (counts / white).clip(0, 1) if white > 0 else torch.zeros_like(counts)


def scale_root(stack: torch.Tensor, percentile: float) -> torch.Tensor:
    """Return the square root of counts in units of a percentile of those that are not zero.

    The root of a Poisson variable has about the same standard deviation whatever its mean
    (Bartlett 1936), and it brings bladder and faint bone into one range without clipping.

    Args:
        stack: counts, of any shape; all zero stays all zero.
        percentile: 0 to 100, of the non-zero counts.

    Returns:
        float32 of the same shape, 0 or more; 1 at the percentile.
    """
    counts = stack.to(torch.float32).clip(min=0)
    bright = counts[counts > 0]
    if bright.numel() == 0:
        return counts
    return (counts / torch.quantile(bright, percentile / 100)).sqrt()


def normalize_brightness(view: torch.Tensor) -> torch.Tensor:
    """Stretch a view linearly until its mean lies between 7 and 14 in 8-bit units.

    Chen et al. 2023 (Diagnostics 13:3042, section 3.3) give the interval; the search is ours: start
    with the maximum as white, and lower or raise white by 10 % until the mean is inside. All pixels
    count, air included, on the 950 x 256 window of the body.

    Args:
        view: (row, column) counts; all zero stays all zero.

    Returns:
        float32 whole numbers 0..255 of the same shape.

    Raises:
        ValueError: if so few pixels hold counts that even saturated they do not reach the mean.
    """
    counts = view.to(torch.float32).clip(min=0)
    low, high = BRIGHTNESS_RANGE
    share = float((counts > 0).float().mean())
    if share == 0:
        return counts
    if 255 * share <= low:
        raise ValueError(
            f"share of pixels with counts must be over {low / 255:.3f} to normalise the "
            f"brightness, got {share:.3f}: crop to the body first"
        )
    white = counts.max()
    while not low < (mean := _stretch(counts, white).mean()) < high:
        white = white * BRIGHTNESS_STEP if mean <= low else white / BRIGHTNESS_STEP
    return _stretch(counts, white).round()


def _stretch(counts: torch.Tensor, white: torch.Tensor) -> torch.Tensor:
    return 255 * (counts / white).clip(max=1)


class _PerView(Transform):
    """Apply a function to each (row, column) view of a stack, which keeps its metadata.

    Args:
        scale: the function, of an array of any shape.
        joint: apply it to the whole stack at once.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self, scale: Callable[[torch.Tensor], torch.Tensor], *, joint: bool = False
    ) -> None:
        self.scale = scale
        self.joint = joint

    def __call__(self, img: torch.Tensor) -> torch.Tensor:
        """Return the scaled stack.

        Args:
            img: (view, row, column) counts.

        Returns:
            float32 of the same shape.
        """
        stack = convert_to_tensor(img, track_meta=False)
        if self.joint:
            return replace_values(img, self.scale(stack))
        return replace_values(img, torch.stack([self.scale(view) for view in stack]))


class _PerViewd(MapTransform):
    """Apply an array transform to entries of a sample."""

    backend = _PerView.backend

    def __init__(
        self, keys: Sequence[str] | str, scale: _PerView, *, allow_missing_keys: bool
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.scale = scale

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with its entries scaled."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample[key] = self.scale(sample[key])
        return sample


def _check_percentile(percentile: float) -> None:
    if not 0 < percentile <= 100:
        raise ValueError(f"percentile must be over 0 and up to 100, got {percentile}")


class ScalePercentile(_PerView):
    """Scale each view to 0..1 by a percentile of its non-zero counts (scale_percentile).

    Args:
        percentile: over 0 and up to 100.
        joint: take one percentile of the counts of all views instead, so that they stay comparable.

    Raises:
        ValueError: if the percentile is not over 0 and up to 100.
    """

    def __init__(self, percentile: float = 99.5, *, joint: bool = False) -> None:
        _check_percentile(percentile)
        super().__init__(partial(scale_percentile, percentile=percentile), joint=joint)


class ScalePercentiled(_PerViewd):
    """Dictionary form of ScalePercentile."""

    def __init__(
        self,
        keys: Sequence[str] | str,
        percentile: float = 99.5,
        *,
        joint: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        scale = ScalePercentile(percentile, joint=joint)
        super().__init__(keys, scale, allow_missing_keys=allow_missing_keys)


class ScaleRoot(_PerView):
    """Scale all views by the root of their counts (scale_root); the views stay comparable.

    Args:
        percentile: over 0 and up to 100.

    Raises:
        ValueError: if the percentile is not over 0 and up to 100.
    """

    def __init__(self, percentile: float = 95.0) -> None:
        _check_percentile(percentile)
        super().__init__(partial(scale_root, percentile=percentile), joint=True)


class ScaleRootd(_PerViewd):
    """Dictionary form of ScaleRoot."""

    def __init__(
        self,
        keys: Sequence[str] | str,
        percentile: float = 95.0,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, ScaleRoot(percentile), allow_missing_keys=allow_missing_keys)


class NormalizeBrightness(_PerView):
    """Bring the mean of each view between 7 and 14 in 8-bit units (normalize_brightness)."""

    def __init__(self) -> None:
        super().__init__(normalize_brightness)


class NormalizeBrightnessd(_PerViewd):
    """Dictionary form of NormalizeBrightness."""

    def __init__(self, keys: Sequence[str] | str, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, NormalizeBrightness(), allow_missing_keys=allow_missing_keys)
