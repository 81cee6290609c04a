"""Put the posterior view into the geometry of the anterior one, and back."""

from collections.abc import Hashable, Mapping, Sequence

import torch
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils import TraceKeys, TransformBackends, convert_to_tensor

from bonescan.image_form import ImageForm
from bonescan.transforms.metadata import get_views, replace_values


def mirror_posterior(stack: torch.Tensor, views: Sequence[str]) -> torch.Tensor:
    """Flip the posterior view along its columns.

    A camera records the posterior view as seen from behind. Flipped, a (row, column) is the same
    place of the body in both views. Flipping twice gives the scan as it was.

    Args:
        stack: (..., view, row, column), any dtype.
        views: name of each view.

    Returns:
        A new tensor of the same shape.
    """
    mirrored = stack.clone()
    for index, view in enumerate(views):
        if view == ImageForm.POSTERIOR:
            mirrored[..., index, :, :] = stack[..., index, :, :].flip(-1)
    return mirrored


def is_flipped(image: torch.Tensor) -> bool:
    """Tell from an image's history whether MirrorPosterior was applied and not undone."""
    history = image.applied_operations if isinstance(image, MetaTensor) else []
    return any(step[TraceKeys.CLASS_NAME] == MirrorPosterior.__name__ for step in history)


class MirrorPosterior(InvertibleTransform):
    """Flip the posterior channel of a view stack along its columns.

    Which channel that is stands in the metadata (bonescan.keys.META_VIEWS); a scan without a
    posterior view stays as it is. The affine is that of the anterior view before and after.
    The transform is its own inverse; the inverse also takes a prediction (..., view, row, column).
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __call__(self, img: torch.Tensor) -> torch.Tensor:
        """Return the stack with the posterior view mirrored.

        Args:
            img: MetaTensor (view, row, column), any dtype.

        Raises:
            ValueError: if the metadata do not name the views.
        """
        mirrored = self._mirror(img)
        self.push_transform(mirrored)
        return mirrored

    def inverse(self, data: torch.Tensor) -> torch.Tensor:
        """Return a stack, or a prediction on it, to the geometry of the acquisition."""
        self.pop_transform(data)
        return self._mirror(data)

    @staticmethod
    def _mirror(stack: torch.Tensor) -> torch.Tensor:
        plain = convert_to_tensor(stack, track_meta=False)
        return replace_values(stack, mirror_posterior(plain, get_views(stack)))


class MirrorPosteriord(MapTransform, InvertibleTransform):
    """Dictionary form of MirrorPosterior: each entry by its own metadata."""

    backend = MirrorPosterior.backend

    def __init__(self, keys: Sequence[str] | str, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.mirror = MirrorPosterior()

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with the posterior view of each entry mirrored."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample[key] = self.mirror(sample[key])
        return sample

    def inverse(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the entries to the geometry of the acquisition."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample[key] = self.mirror.inverse(sample[key])
        return sample
