"""Scans of one view for networks that take two, and a view of two taken away."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform, Randomizable
from monai.utils import TraceKeys, TransformBackends, convert_to_tensor

from bonescan.image_form import ImageForm
from bonescan.keys import META_VIEWS, SHOWN, join_view_names, split_view_names
from bonescan.transforms.metadata import get_views, replace_values

VIEWS = (ImageForm.ANTERIOR, ImageForm.POSTERIOR)
"""The views of a scan, in the order in which they are stacked."""


class FillViewsd(MapTransform, InvertibleTransform):
    """Give a scan every view: those that it lacks are 0 all over; put MirrorPosteriord before.

    The inverse takes them off again, from a prediction (..., view, row, column) as well, unless
    KeepShownViewsd has done so.

    Args:
        keys: entries (view, row, column). SHOWN is added: of each view, whether the scan has it
            (view,), bool.
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self,
        keys: Sequence[str] | str,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with all views, anterior first.

        Raises:
            ValueError: if an entry shows another form of the scan than views.
        """
        sample = dict(data)
        for key in self.key_iterator(sample):
            names = get_views(sample[key])
            places = _find_places(names)
            plain = convert_to_tensor(sample[key], track_meta=False)
            full = plain.new_zeros((len(VIEWS), *plain.shape[1:]))
            full[places] = plain
            sample[key] = replace_values(sample[key], full)
            filled = sample[key]
            if isinstance(filled, MetaTensor):
                filled.meta[META_VIEWS] = join_view_names(VIEWS)
            self.push_transform(sample[key], extra_info={"views": join_view_names(names)})
            sample[SHOWN] = torch.tensor([view in names for view in VIEWS])
        return sample

    def inverse(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the entries with the scan's own views."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            joined = self.pop_transform(sample[key])[TraceKeys.EXTRA_INFO]["views"]
            places = _find_places(split_view_names(joined))
            taken = sample[key].shape[-3] == len(places)
            sample[key] = _take_views(sample[key], places, taken=taken)
        return sample


class KeepShownViewsd(MapTransform):
    """Take off the views that a scan lacks (see FillViewsd), so that no one judges them.

    Args:
        keys: images, maps and predictions (..., view, row, column).
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self,
        keys: Sequence[str] | str,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with the views that the scan has."""
        sample = dict(data)
        places = torch.as_tensor(sample[SHOWN]).nonzero().flatten().tolist()
        if len(places) < len(VIEWS):
            for key in self.key_iterator(sample):
                if sample[key] is not None:  # which MONAI's evaluator gives a label that is missing
                    sample[key] = _take_views(sample[key], places)
        return sample


def _take_views(stack: torch.Tensor, places: list[int], *, taken: bool = False) -> torch.Tensor:
    """Return some views of a stack (..., view, row, column), by their numbers among VIEWS.

    Where they have been taken already, their names alone are put right.
    """
    plain = convert_to_tensor(stack, track_meta=False)
    taken_views = replace_values(stack, plain if taken else plain[..., places, :, :])
    if isinstance(taken_views, MetaTensor):
        taken_views.meta[META_VIEWS] = join_view_names(VIEWS[place] for place in places)
    return taken_views


def _find_places(names: Sequence[str]) -> list[int]:
    """Return the numbers of views among VIEWS."""
    other = [str(name) for name in names if name not in VIEWS]
    if other:
        raise ValueError(f"image must show views, {' or '.join(VIEWS)}, got {', '.join(other)}")
    return [VIEWS.index(ImageForm(name)) for name in names]


class RandDropViewd(Randomizable, MapTransform):
    """Take a view away from a scan of two, now and then: some cameras record one view alone.

    Args:
        keys: images (view, row, column), which become 0 there; what is true of the view stays.
        prob: probability to take one, either with half of it.
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self,
        keys: Sequence[str] | str,
        *,
        prob: float = 0.1,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.prob = prob

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> "RandDropViewd":
        """Seed the draws."""
        super().set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample, a view less or not."""
        sample = dict(data)
        drop, view = self.R.uniform() < self.prob, int(self.R.randint(len(VIEWS)))
        if not (drop and sample[SHOWN].all()):
            return sample
        sample[SHOWN] = sample[SHOWN].clone()
        sample[SHOWN][view] = False
        for key in self.key_iterator(sample):
            sample[key] = sample[key].clone()
            sample[key][view] = 0
        return sample
