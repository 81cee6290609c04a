"""The input of Chen 2023: a window around the body, and both views next to each other."""

from collections.abc import Hashable, Mapping, Sequence

import torch
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform
from monai.transforms.utils import create_translate
from monai.utils import TraceKeys, TransformBackends, convert_to_tensor
from torch.nn import functional as F

from bonescan.errors import ScanError
from bonescan.image_form import ImageForm
from bonescan.keys import IMAGE, META_VIEWS, join_view_names, split_view_names
from bonescan.transforms.body import Mask, measure_body
from bonescan.transforms.metadata import (
    get_scan_name,
    get_spacing_mm,
    get_views,
    replace_values,
    require_same_size,
)
from bonescan.transforms.mirror import is_flipped, mirror_posterior

WINDOW_SIZE = (950, 256)
"""Rows and columns around the body (Chen 2023, section 3.3)."""

MAX_SPACING_MM = 3.2
"""Beyond it the window is far larger than a body, which the network then sees too small."""

ROWS_KEPT = 640
"""Rows of the window that the network sees; below are the shanks and feet (Chen 2023)."""

SIDES = (ImageForm.ANTERIOR, ImageForm.POSTERIOR)
"""Views from left to right."""

Pads = tuple[int, int, int, int]
"""Columns to add on the left and on the right, rows to add above and below; negative to cut."""


class BodyWindow(InvertibleTransform):
    """Cut a window of a fixed size around the body, without resampling; zeros from outside.

    Rows: the middle between head and toes lies in the middle of the window. Columns: the middle of
    the image, which is that of the bed, so that the window is the same for a mirrored posterior
    view. Chen 2023, section 3.3; the body is measured (bonescan.transforms.body) on the sum of the
    views. The inverse puts a mask or a prediction (..., row, column) back, zero elsewhere.

    Args:
        size: (rows, columns) of the window.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, size: Sequence[int] = WINDOW_SIZE) -> None:
        rows, columns = size
        self.size = (int(rows), int(columns))

    def find(self, img: torch.Tensor) -> Pads:
        """Return how to pad or cut a scan to its window.

        Args:
            img: MetaTensor (view, row, column) of counts, posterior as acquired.

        Raises:
            ScanError: if the scan is not one of a whole body, its pixels are too large, or the
                window would cut the body.
            ValueError: if the views are mirrored already: once more, and the body would be measured
                on views that do not lie on each other.
        """
        if is_flipped(img):
            raise ValueError(
                "image must hold its views as acquired, got them mirrored already: put BodyWindow "
                "before MirrorPosterior"
            )
        name, spacing_mm = get_scan_name(img), get_spacing_mm(img)
        if max(spacing_mm) > MAX_SPACING_MM:
            raise ScanError(
                f"{name}: pixel spacing must be {MAX_SPACING_MM} mm at most, got {spacing_mm}: "
                "systems that see a body window take matrices of 256 x 1024 and finer ones"
            )
        stack = convert_to_tensor(img, track_meta=False)
        counts = mirror_posterior(stack, get_views(img)).sum(dim=0).to(torch.float64).cpu()
        try:
            body = measure_body(counts.numpy(), spacing_mm)
        except ScanError as err:
            raise ScanError(f"{name}: {err}") from None
        rows, columns = self.size
        above = rows // 2 - (2 * body.head_row + body.height_rows + 1) // 2
        left = (columns - img.shape[-1]) // 2
        pads = (left, columns - img.shape[-1] - left, above, rows - img.shape[-2] - above)
        _require_inside(body.mask, pads, name)
        return pads

    def cut(self, img: torch.Tensor, pads: Pads) -> torch.Tensor:
        """Return the window of any MetaTensor (view, row, column) on the scan's pixels."""
        stack = convert_to_tensor(img, track_meta=False)
        window = replace_values(img, F.pad(stack, pads))
        self.push_transform(window, affine=_shift(pads), extra_info={"pads": list(pads)})
        return window

    def __call__(self, img: torch.Tensor) -> torch.Tensor:
        """Return the window of a scan: MetaTensor (view, *size), same dtype; errors as find."""
        return self.cut(img, self.find(img))

    def inverse(self, data: torch.Tensor) -> torch.Tensor:
        """Return a mask or a prediction (..., *size) in the full size, zero outside."""
        left, right, above, below = self.pop_transform(data)[TraceKeys.EXTRA_INFO]["pads"]
        window = convert_to_tensor(data, track_meta=False)
        full = replace_values(data, F.pad(window, (-left, -right, -above, -below)))
        if isinstance(full, MetaTensor):
            shift = torch.as_tensor(_shift((left, right, above, below)))
            full.affine = full.affine @ torch.linalg.inv(shift).to(full.affine)
        return full


def _require_inside(body_mask: Mask, pads: Pads, name: str) -> None:
    """Refuse a window that cuts a body mask (row, column)."""
    left, right, above, below = (max(-pad, 0) for pad in pads)
    rows, columns = body_mask.shape
    lost = body_mask.sum() - body_mask[above : rows - below, left : columns - right].sum()
    if lost:
        raise ScanError(
            f"{name}: body must lie within a window of {rows + pads[2] + pads[3]} x "
            f"{columns + pads[0] + pads[1]} pixels in the middle of the image, got "
            f"{100 * lost / body_mask.sum():.1f} % of it outside; leave this scan out, or correct "
            "its pixel spacing"
        )


def _shift(pads: Pads) -> torch.Tensor:
    """Return the affine from pixels of the window to pixels of the scan."""
    left, _, above, _ = pads
    return create_translate(3, (-above, -left))


class BodyWindowd(MapTransform, InvertibleTransform):
    """Dictionary form of BodyWindow: one window, found on the image, for all entries.

    Args:
        keys: entries to cut; they must have the same rows and columns.
        body_key: entry with the counts that the body is searched on.
        size: as in BodyWindow.
        allow_missing_keys: as in MONAI.
    """

    backend = BodyWindow.backend

    def __init__(
        self,
        keys: Sequence[str] | str,
        body_key: str = IMAGE,
        size: Sequence[int] = WINDOW_SIZE,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.body_key = body_key
        self.window = BodyWindow(size)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with each entry cut to the window.

        Raises:
            ScanError: as BodyWindow does.
            ValueError: as BodyWindow does; if the entries differ in rows and columns.
        """
        sample = dict(data)
        keys = list(self.key_iterator(sample))
        require_same_size(sample, [*keys, self.body_key])
        pads = self.window.find(sample[self.body_key])
        for key in keys:
            sample[key] = self.window.cut(sample[key], pads)
        return sample

    def inverse(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the entries in the full size, zero outside the window."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample[key] = self.window.inverse(sample[key])
        return sample


def join_sides(stack: torch.Tensor, views: Sequence[str]) -> torch.Tensor:
    """Put views next to each other: anterior left, posterior right, zeros where one is absent.

    Args:
        stack: (..., view, row, column), any dtype.
        views: name of each view.

    Returns:
        (..., 1, row, 2 * column), same dtype.

    Raises:
        ValueError: if there are other views than these two.
    """
    if not set(views) <= set(SIDES):
        raise ValueError(
            f"views must be among {join_view_names(SIDES)}, got {join_view_names(views)}"
        )
    absent = torch.zeros_like(stack[..., :1, :, :])
    halves = [stack[..., [views.index(view)], :, :] if view in views else absent for view in SIDES]
    return torch.cat(halves, dim=-1)


def split_sides(joined: torch.Tensor, views: Sequence[str]) -> torch.Tensor:
    """Give each view its half of a joined image, the inverse of join_sides.

    Args:
        joined: (..., 1, row, 2 * column), any dtype.
        views: names of the views wanted, in their order.

    Returns:
        (..., view, row, column), same dtype.
    """
    halves = dict(zip(SIDES, joined.chunk(len(SIDES), dim=-1), strict=True))
    return torch.cat([halves[ImageForm(view)] for view in views], dim=-3)


class SideBySide(InvertibleTransform):
    """Put both views next to each other: anterior left, posterior right, lower rows removed.

    Chen 2023, section 3.3, after BodyWindow and NormalizeBrightness: 950 x 256 of each view become
    640 x 512. The posterior view is not mirrored. The half of a view that the scan lacks is zero.
    The inverse gives each view its half back, with zeros in the rows that were removed.

    Args:
        rows: that are kept, from the top.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, rows: int = ROWS_KEPT) -> None:
        self.rows = rows

    def __call__(self, img: torch.Tensor) -> torch.Tensor:
        """Return the joined image.

        Args:
            img: MetaTensor (view, row, column), any dtype.

        Returns:
            MetaTensor (1, rows, 2 * columns), same dtype.

        Raises:
            ValueError: if the image has other views than these two, or fewer rows.
        """
        views = get_views(img)
        if img.shape[-2] < self.rows:
            raise ValueError(
                f"image must have at least {self.rows} rows, got {img.shape[-2]}: put BodyWindow "
                "before"
            )
        stack = convert_to_tensor(img, track_meta=False)[:, : self.rows]
        joined = replace_values(img, join_sides(stack, views))
        if isinstance(joined, MetaTensor):
            joined.meta[META_VIEWS] = str(ImageForm.SIDE_BY_SIDE)
        self.push_transform(
            joined,
            orig_size=tuple(img.shape[-2:]),
            extra_info={"views": join_view_names(views)},
        )
        return joined

    def inverse(self, data: torch.Tensor) -> torch.Tensor:
        """Return a map (..., 1, rows, 2 * columns) as (..., view, row, column)."""
        applied = self.pop_transform(data)
        names = applied[TraceKeys.EXTRA_INFO]["views"]
        rows, _ = applied[TraceKeys.ORIG_SIZE]
        get_views(data)  # refuses a map that is not (..., 1, rows, 2 * columns)
        plain = convert_to_tensor(data, track_meta=False)
        stack = split_sides(plain, split_view_names(names))
        views = replace_values(data, F.pad(stack, (0, 0, 0, int(rows) - self.rows)))
        if isinstance(views, MetaTensor):
            views.meta[META_VIEWS] = names
        return views


class SideBySided(MapTransform, InvertibleTransform):
    """Dictionary form of SideBySide: each entry by its own metadata."""

    backend = SideBySide.backend

    def __init__(
        self,
        keys: Sequence[str] | str,
        rows: int = ROWS_KEPT,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.join = SideBySide(rows)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with the views of each entry next to each other."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample[key] = self.join(sample[key])
        return sample

    def inverse(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the entries as views of the window."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample[key] = self.join.inverse(sample[key])
        return sample
