"""Join the views of a scan into one image, or make a sample of each view."""

from collections.abc import Callable, Hashable, Mapping, Sequence

import torch
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils import TraceKeys, TransformBackends, convert_to_tensor

from bonescan.image_form import ImageForm
from bonescan.keys import LABEL, META_VIEWS, join_view_names, split_view_names
from bonescan.labels import Label, check_label_values
from bonescan.transforms.metadata import get_views, replace_values

UNION_PRIORITY = (Label.METASTASIS, Label.BLADDER)
"""Where the views disagree, the first of these labels that one of them has is kept."""


def unite_labels(label: torch.Tensor) -> torch.Tensor:
    """Return the union over views of a label map: metastasis before bladder before background.

    Args:
        label: (view, row, column) values of bonescan.labels.Label.

    Returns:
        (1, row, column), same dtype.

    Raises:
        ValueError: if there are other values.
    """
    check_label_values(label.unique().tolist(), "label map")
    united = torch.full_like(label[:1], Label.BACKGROUND)
    for value in reversed(UNION_PRIORITY):
        united[(label == value).any(dim=0, keepdim=True)] = value
    return united


def add_counts(stack: torch.Tensor) -> torch.Tensor:
    """Return the sum over views (view, row, column) as (1, row, column), same dtype."""
    return stack.sum(dim=0, keepdim=True, dtype=stack.dtype)


def take_highest(stack: torch.Tensor) -> torch.Tensor:
    """Return the maximum over views (view, row, column) as (1, row, column), same dtype."""
    return stack.amax(dim=0, keepdim=True)


AGGREGATIONS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "sum": add_counts,
    "union": unite_labels,
    "highest": take_highest,
}


class AggregateViews(InvertibleTransform):
    """Join the views of a scan into one channel; put MirrorPosterior before.

    A scan with one view passes. The inverse copies a map on the joined image, such as a
    prediction (..., 1, row, column), to every view.

    Args:
        mode: "sum" of counts, "union" of label maps (unite_labels), "highest" of probabilities.

    Raises:
        ValueError: if the mode is another.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, mode: str) -> None:
        if mode not in AGGREGATIONS:
            raise ValueError(f"mode must be one of {', '.join(AGGREGATIONS)}, got {mode!r}")
        self.mode = mode

    def __call__(self, img: torch.Tensor) -> torch.Tensor:
        """Return the joined image.

        Args:
            img: MetaTensor (view, row, column).

        Returns:
            MetaTensor (1, row, column).
        """
        views = get_views(img)
        stack = convert_to_tensor(img, track_meta=False)
        one_view = len(views) == 1
        joined = replace_values(img, stack if one_view else AGGREGATIONS[self.mode](stack))
        if isinstance(joined, MetaTensor) and not one_view:
            joined.meta[META_VIEWS] = str(ImageForm.AGGREGATED)
        self.push_transform(joined, extra_info={"views": join_view_names(views)})
        return joined

    def inverse(self, data: torch.Tensor) -> torch.Tensor:
        """Return a map (..., 1, row, column) as (..., view, row, column), the same in each view."""
        names = self.pop_transform(data)[TraceKeys.EXTRA_INFO]["views"]
        get_views(data)  # refuses a map that is not (..., 1, row, column)
        shape = list(data.shape)
        shape[-3] = len(split_view_names(names))
        plain = convert_to_tensor(data, track_meta=False)
        spread = replace_values(data, plain.expand(shape).clone())
        if isinstance(spread, MetaTensor):
            spread.meta[META_VIEWS] = names
        return spread


class AggregateViewsd(MapTransform, InvertibleTransform):
    """Dictionary form of AggregateViews.

    Args:
        keys: entries to join.
        mode: mode of AggregateViews by key, such as {"image": "sum", "label": "union"}; keys that
            are not joined may be among them.
        allow_missing_keys: as in MONAI.

    Raises:
        ValueError: if a key has no mode, or an unknown one.
    """

    backend = AggregateViews.backend

    def __init__(
        self,
        keys: Sequence[str] | str,
        mode: Mapping[str, str],
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if not set(self.keys) <= set(mode):
            raise ValueError(f"mode must say how to join each of {self.keys}, got {dict(mode)}")
        self.aggregations = tuple(AggregateViews(mode[key]) for key in self.keys)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with the views of each entry joined."""
        sample = dict(data)
        for key, aggregate in self.key_iterator(sample, self.aggregations):
            sample[key] = aggregate(sample[key])
        return sample

    def inverse(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the entries with one copy per view."""
        sample = dict(data)
        for key, aggregate in self.key_iterator(sample, self.aggregations):
            sample[key] = aggregate.inverse(sample[key])
        return sample


def split_views(stack: torch.Tensor) -> list[torch.Tensor]:
    """Return each view of a stack as an image (1, row, column) whose metadata name it.

    Args:
        stack: MetaTensor (view, row, column).
    """
    views = get_views(stack)
    plain = convert_to_tensor(stack, track_meta=False)
    images = []
    for index, view in enumerate(views):
        image = replace_values(stack, plain[index : index + 1].clone())
        if isinstance(image, MetaTensor):
            image.meta[META_VIEWS] = str(view)
        images.append(image)
    return images


class SplitViewsd(MapTransform):
    """Make a sample of each view: a list, which MONAI's Compose and loaders take up as samples.

    Entries under other keys (patient, fold, ...) are handed to every sample. For training only: a
    list has no inverse.

    Args:
        keys: entries (view, row, column) to split; they must have the same views.
        allow_missing_keys: as in MONAI.
    """

    backend = AggregateViews.backend

    def __init__(self, keys: Sequence[str] | str, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> list[dict[Hashable, torch.Tensor]]:
        """Return one sample per view.

        Raises:
            ValueError: if the entries do not have the same views.
        """
        keys = list(self.key_iterator(dict(data)))
        views = {key: join_view_names(get_views(data[key])) for key in keys}
        if len(set(views.values())) != 1:
            raise ValueError(f"views must be the same for all keys, got {views}")
        images = {key: split_views(data[key]) for key in keys}
        number = len(images[keys[0]])
        return [{**data, **{key: images[key][index] for key in keys}} for index in range(number)]


class UniteLabelsd(MapTransform):
    """Give each view of the label map the union over the views (unite_labels).

    For systems that give one answer to all views of a scan; put MirrorPosteriord before.

    Args:
        keys: entries of the sample; all but the label map (view, row, column) pass.
        label_key: the label map, which may be missing among the keys.
        allow_missing_keys: as in MONAI.
    """

    backend = AggregateViews.backend

    def __init__(
        self,
        keys: Sequence[str] | str,
        *,
        label_key: str = LABEL,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.label_key = label_key

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with the union in every view."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            if key == self.label_key:
                label = convert_to_tensor(sample[key], track_meta=False)
                united = unite_labels(label).repeat(len(label), 1, 1)
                sample[key] = replace_values(sample[key], united)
        return sample


class StackViewsd(MapTransform):
    """Make one sample of a scan, its views as channels: as many of all scans, so that they collate.

    For training only: what is added has no inverse, and metadata are dropped, since they would name
    views that are not there.

    Args:
        keys: entries (view, row, column). Where views are missing, images get zeros.
        label_key: the label map, the same in all views (UniteLabelsd): one channel is left of it.
        views: number of channels of the others.
        allow_missing_keys: as in MONAI.
    """

    backend = AggregateViews.backend

    def __init__(
        self,
        keys: Sequence[str] | str,
        *,
        label_key: str = LABEL,
        views: int = 2,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.label_key = label_key
        self.views = views

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with images (self.views, row, column) and the label (1, row, column).

        Raises:
            ValueError: if a scan has more views, or its views have different labels.
        """
        sample = dict(data)
        for key in self.key_iterator(sample):
            stack = convert_to_tensor(sample[key], track_meta=False)
            sample[key] = self._one(stack) if key == self.label_key else self._pad(stack)
        return sample

    def _pad(self, stack: torch.Tensor) -> torch.Tensor:
        missing = self.views - len(stack)
        if missing < 0:
            raise ValueError(f"scan must have {self.views} views at most, got {len(stack)}")
        return torch.cat([stack, stack.new_zeros((missing, *stack.shape[1:]))])

    @staticmethod
    def _one(label: torch.Tensor) -> torch.Tensor:
        if not (label == label[:1]).all():
            raise ValueError(
                "label must be the same in all views, got different ones: put UniteLabelsd before"
            )
        return label[:1]
