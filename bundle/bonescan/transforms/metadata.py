"""What the transforms share: what an image shows, and new values under the old metadata."""

from collections.abc import Hashable, Mapping, Sequence

import torch
from monai.data import MetaTensor, get_track_meta

from bonescan.image_form import ImageForm
from bonescan.keys import META_SCAN_ID, META_VIEWS, split_view_names


def get_views(image: torch.Tensor) -> tuple[ImageForm, ...]:
    """Return what lies along an image's view axis (the third from the end): views, or one form.

    Args:
        image: (..., view, row, column) with the names of its views in its metadata.

    Raises:
        ValueError: if the metadata name no views, unknown ones, or not as many as the image has.
    """
    names = image.meta.get(META_VIEWS) if isinstance(image, MetaTensor) else None
    if not isinstance(names, str):
        raise ValueError(
            f"image must be a MetaTensor whose metadata {META_VIEWS!r} name its views, got "
            f"{names!r}: load it with BoneScanReader and keep the metadata"
        )
    views = tuple(ImageForm(name) for name in split_view_names(names))
    if image.ndim < 3 or image.shape[-3] != len(views):
        raise ValueError(
            f"image must have one channel per view {names!r}, got shape {tuple(image.shape)}"
        )
    return views


def replace_values(image: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Return the values with the image's metadata (none where metadata are not tracked)."""
    if not (get_track_meta() and isinstance(image, MetaTensor)):
        return values
    return MetaTensor(values).copy_meta_from(image)


def require_same_size(data: Mapping[Hashable, torch.Tensor], keys: Sequence[Hashable]) -> None:
    """Check that the entries of a sample have the same rows and columns.

    Raises:
        ValueError: if one differs from the first.
    """
    sizes = {key: tuple(data[key].shape[-2:]) for key in keys}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"rows and columns must be the same for all keys, got {sizes}")


def get_spacing_mm(image: torch.Tensor) -> tuple[float, float]:
    """Return the (row, column) pixel spacing in mm that an image's affine says.

    Raises:
        ValueError: if the image has no metadata.
    """
    if not isinstance(image, MetaTensor):
        raise ValueError(
            "image must be a MetaTensor whose affine gives the pixel spacing, got "
            f"{type(image).__name__}: load it with BoneScanReader and keep the metadata"
        )
    row_mm, column_mm = image.affine[:2, :2].norm(dim=0).tolist()
    return row_mm, column_mm


def get_scan_name(image: torch.Tensor) -> str:
    """Return the name under which messages speak of an image's scan."""
    meta = image.meta if isinstance(image, MetaTensor) else {}
    return str(meta.get(META_SCAN_ID, "scan"))
