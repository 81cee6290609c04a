"""Random changes of a scan that could have been other acquisitions of it.

The papers' mirroring is MONAI's RandFlipd(spatial_axis=1): it swaps the patient's left and right.
"""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import MapTransform, RandAffined, Randomizable, Transform
from monai.utils import TransformBackends, convert_to_tensor

from bonescan.transforms.metadata import get_scan_name, get_spacing_mm, replace_values

MAX_SHIFT_PX = (4.0, 10.0)
"""Largest shift along rows and columns (Lin et al. 2020, "Data augmentation")."""

MAX_ROTATION_DEG = 5.0
"""Largest rotation about the centre (Lin et al. 2020, "Data augmentation")."""

SPACING_TOLERANCE = 0.01
"""Relative difference of row and column spacing up to which pixels count as square."""


def thin_counts(counts: torch.Tensor, fraction: float, seed: int) -> torch.Tensor:
    """Keep each count with a probability: the exact physics of a shorter scan.

    A pixel of Poisson mean m, thinned by p, is Poisson with mean p m, independent between pixels
    (the thinning of a Poisson process).

    Args:
        counts: whole numbers of counts, 0 or more; any shape.
        fraction: probability to keep a count, 0 to 1: 1 changes nothing, 0.5 is half the time.
        seed: of the draw; the same on one kind of device.

    Returns:
        Same shape, dtype and device.

    Raises:
        ValueError: if the fraction or a count is out of range, or a count is not whole.
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction must be within 0 and 1, got {fraction}")
    exact = counts.to(torch.float64)  # holds any count exactly
    if bool((exact < 0).any()) or not torch.equal(exact, exact.round()):
        raise ValueError(
            "counts must be whole numbers, 0 or more, to be thinned: put RandThinCountsd before "
            "any scaling, rotation or shift"
        )
    generator = torch.Generator(device=counts.device).manual_seed(seed)
    kept = torch.binomial(exact, torch.full_like(exact, fraction), generator=generator)
    return kept.to(counts.dtype)


class RandThinCounts(Randomizable, Transform):
    """Thin the counts of a scan to a random fraction, the same for all its views (thin_counts).

    Args:
        fraction_range: lowest and highest fraction, within 0 and 1; drawn uniformly.
        prob: probability to thin at all.

    Raises:
        ValueError: if the range or the probability is out of bounds.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, fraction_range: Sequence[float] = (0.25, 1.0), prob: float = 1.0) -> None:
        low, high = fraction_range
        if not 0 <= low <= high <= 1:
            raise ValueError(
                f"fraction_range must be ascending within 0 and 1, got {tuple(fraction_range)}"
            )
        if not 0 <= prob <= 1:
            raise ValueError(f"prob must be within 0 and 1, got {prob}")
        self.fraction_range = (float(low), float(high))
        self.prob = prob
        self.fraction: float | None = None
        self.seed = 0

    def randomize(self, data: object = None) -> None:  # noqa: ARG002 - MONAI's signature
        """Draw whether to thin, the fraction and the seed of the counts to keep."""
        thins = self.R.uniform() < self.prob
        fraction = float(self.R.uniform(*self.fraction_range))
        self.seed = int(self.R.randint(2**31))
        self.fraction = fraction if thins else None

    def __call__(self, img: torch.Tensor, *, randomize: bool = True) -> torch.Tensor:
        """Return the thinned counts.

        Args:
            img: counts of any shape.
            randomize: draw anew; else apply the last draw.

        Raises:
            ValueError: if the counts are not whole numbers.
        """
        if randomize:
            self.randomize()
        if self.fraction is None:
            return img
        counts = convert_to_tensor(img, track_meta=False)
        return replace_values(img, thin_counts(counts, self.fraction, self.seed))


class RandThinCountsd(Randomizable, MapTransform):
    """Dictionary form of RandThinCounts: one draw for all keys."""

    backend = RandThinCounts.backend

    def __init__(
        self,
        keys: Sequence[str] | str,
        fraction_range: Sequence[float] = (0.25, 1.0),
        prob: float = 1.0,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.thin = RandThinCounts(fraction_range, prob)

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> "RandThinCountsd":
        """Seed the draws."""
        super().set_random_state(seed, state)
        self.thin.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with the counts of its entries thinned."""
        sample = dict(data)
        self.thin.randomize()
        for key in self.key_iterator(sample):
            sample[key] = self.thin(sample[key], randomize=False)
        return sample


class RandShiftRotated(RandAffined):
    """Shift by up to 4 rows and 10 columns and turn by up to 5 degrees, as Lin et al. 2020 did.

    MONAI's RandAffined with the papers' ranges, zeros from outside, and a check that pixels are
    square: a rotation on others shears the patient.

    Args:
        keys: entries to move together.
        mode: "bilinear" for images, "nearest" for label maps: one for all keys or one for each.
        prob: probability to move at all.
        allow_missing_keys: as in MONAI.
    """

    def __init__(
        self,
        keys: Sequence[str] | str,
        mode: Sequence[str] | str,
        prob: float = 1.0,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(
            keys,
            prob=prob,
            rotate_range=float(np.radians(MAX_ROTATION_DEG)),
            translate_range=MAX_SHIFT_PX,
            mode=mode,
            padding_mode="zeros",
            allow_missing_keys=allow_missing_keys,
        )

    def __call__(
        self,
        data: Mapping[Hashable, torch.Tensor],
        lazy: bool | None = None,  # noqa: FBT001
    ) -> dict[Hashable, torch.Tensor]:
        """Return the sample with its entries moved.

        Raises:
            ValueError: if the pixels of an entry are not square.
        """
        for key in self.key_iterator(dict(data)):
            _require_square_pixels(data[key])
        return super().__call__(data, lazy=lazy)


def _require_square_pixels(image: torch.Tensor) -> None:
    if not isinstance(image, MetaTensor):
        return  # without metadata there is no spacing to check
    row_mm, column_mm = get_spacing_mm(image)
    if abs(row_mm - column_mm) > SPACING_TOLERANCE * column_mm:
        raise ValueError(
            f"{get_scan_name(image)}: pixels must be square to be turned, got a spacing of "
            f"{row_mm:g} x {column_mm:g} mm: put Spacingd before RandShiftRotated"
        )
