"""The picture of Liu 2021: both views of a scan side by side, in two display windows."""

from collections.abc import Hashable, Mapping, Sequence

import torch
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import TransformBackends, convert_to_tensor

from bonescan.image_form import ImageForm
from bonescan.keys import IMAGE, META_VIEWS
from bonescan.transforms.metadata import get_views, replace_values
from bonescan.transforms.side_by_side import SIDES, join_sides, split_sides

DISPLAY_GAINS = (1, 2)
"""What uptake is multiplied by in each display window: the second ends at half the counts of the
first. The paper shows two windows of each view and does not say which; the factor is ours."""

GREY_STEPS = 255
"""The paper takes 8-bit pictures."""


def picture_size(size: Sequence[int]) -> tuple[int, int]:
    """Return the (rows, columns) of the picture of views of a size."""
    rows, columns = size
    return rows, len(SIDES) * len(DISPLAY_GAINS) * columns


def show_panels(uptake: torch.Tensor, views: Sequence[str]) -> torch.Tensor:
    """Draw a scan as four panels: anterior and posterior view, then both in the narrower window.

    Dark is hot: 1 is no uptake, 0 is where a display window ends. The panels of a view that the
    scan lacks are empty, all 1.

    Args:
        uptake: (..., view, row, column), 1 at the upper end of the wider window.
        views: name of each view.

    Returns:
        (..., 1, row, 4 * column), 0..1 in steps of 1/255.
    """
    sides = join_sides(uptake, views)
    shown = [(gain * sides).clip(0, 1) for gain in DISPLAY_GAINS]
    return 1 - (GREY_STEPS * torch.cat(shown, dim=-1)).round() / GREY_STEPS


def join_panels(stack: torch.Tensor, views: Sequence[str]) -> torch.Tensor:
    """Put a map of each view where its panels are; zeros in those of a view that is absent.

    Args:
        stack: (..., view, row, column), any dtype.
        views: name of each view.

    Returns:
        (..., 1, row, 4 * column), same dtype.
    """
    return torch.cat([join_sides(stack, views)] * len(DISPLAY_GAINS), dim=-1)


def split_panels(picture: torch.Tensor, views: Sequence[str]) -> torch.Tensor:
    """Give each view the mean of its panels, the inverse of join_panels.

    Args:
        picture: (..., 1, row, 4 * column), floating point.
        views: names of the views wanted, in their order.

    Returns:
        (..., view, row, column), same dtype.
    """
    windows = picture.chunk(len(DISPLAY_GAINS), dim=-1)
    return split_sides(torch.stack(windows).mean(dim=0), views)


class Panelsd(MapTransform):
    """Make the picture of an image (show_panels), and of the maps over it (join_panels).

    What comes of a picture goes back to the views by split_panels, in
    bonescan.inferers.SubImageInferer.

    Args:
        keys: entries MetaTensor (view, row, column), the posterior view as acquired.
        image_key: which of them is the image.
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self,
        keys: Sequence[str] | str,
        image_key: str = IMAGE,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.image_key = image_key

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with pictures (1, row, 4 * column)."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            stack = convert_to_tensor(sample[key], track_meta=False)
            join = show_panels if key == self.image_key else join_panels
            picture = replace_values(sample[key], join(stack, get_views(sample[key])))
            if isinstance(picture, MetaTensor):
                picture.meta[META_VIEWS] = str(ImageForm.PANELS)
            sample[key] = picture
        return sample
