"""Label maps as they come: values and pixels are checked, and a missing one is made."""

import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import TransformBackends

from bonescan.dicom.grid import ViewGrid, require_same_grid
from bonescan.dicom.scan import View, ViewSource
from bonescan.keys import IMAGE, LABEL, LABELLED, META_SOURCES, META_VIEW_SOURCE
from bonescan.labels import Label, check_label_values
from bonescan.transforms.metadata import (
    get_scan_name,
    get_spacing_mm,
    get_views,
    replace_values,
)


class CheckLabelValuesd(MapTransform):
    """Refuse a label map that holds other values than those of bonescan.labels.Label.

    An entry that is still the name of a file is left alone: inference reads the images only.

    Args:
        keys: label maps, any shape.
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, keys: Sequence[str] | str, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample as it is.

        Raises:
            ValueError: if there is an unknown value; the message names the file and the value.
        """
        sample = dict(data)
        for key in self.key_iterator(sample):
            if not isinstance(sample[key], torch.Tensor):
                continue
            check_label_values(torch.unique(sample[key]).tolist(), _name_file(sample[key]))
        return sample


class CheckLabelGridd(MapTransform):
    """Refuse a map over an image that has other views, rows, columns or pixel spacing.

    Refused as well is a map that does not name its views over a file with the posterior view
    first: whether it follows the file or the usual order, nobody can tell.

    Args:
        keys: the entries that were loaded, image and maps; the image alone passes.
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, keys: Sequence[str] | str, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample as it is.

        Raises:
            ValueError: if a map does not lie on the image; the message names the file.
        """
        sample = dict(data)
        for key in self.key_iterator(sample):
            if key != IMAGE:
                name = _name_file(sample[key])
                require_same_grid(_read_grid(sample[key]), _read_grid(sample[IMAGE]), name)
                _require_same_order(sample[key], sample[IMAGE], name)
        return sample


def _require_same_order(label: torch.Tensor, image: torch.Tensor, name: str) -> None:
    """Refuse a map whose views are known by their order alone, where the image's file has another.

    Raises:
        ValueError: if so; the message says how to tell the views.
    """
    if _read_meta(label).get(META_VIEW_SOURCE) != ViewSource.ORDER:
        return
    sources = json.loads(_read_meta(image).get(META_SOURCES, "{}"))
    anterior, posterior = (sources.get(view, {"path": "", "frame": 0}) for view in View)
    if anterior["path"] == posterior["path"] and anterior["frame"] > posterior["frame"]:
        raise ValueError(
            f"{name}: map does not name its views, and the file of its scan has the posterior one "
            "first, so that it cannot be told which is which: give the map and the scan's file, "
            "[MAP, SCAN], where it was drawn on that file, or MAP#view=anterior where its "
            "anterior view comes first"
        )


def _read_grid(image: torch.Tensor) -> ViewGrid:
    rows, columns = image.shape[-2:]
    return ViewGrid(get_views(image), (rows, columns), get_spacing_mm(image))


class FillLabeld(MapTransform):
    """Give a sample without label map an empty one, so that the whole chain takes it.

    It is background all over, with the geometry and the views of the image. So are other maps among
    the keys that such a sample lacks. The sample says under bonescan.keys.LABELLED whether its
    label map is its own. Where no label is loaded, as in inference, nothing is done.

    Args:
        keys: the entries that were loaded, image and maps.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, keys: Sequence[str] | str) -> None:
        super().__init__(keys, allow_missing_keys=True)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, Any]:
        """Return the sample with all of its maps, and whether the label map is its own.

        Raises:
            ValueError: if it has a label map, but lacks another.
        """
        sample: dict[Hashable, Any] = dict(data)
        if LABEL not in self.keys:
            return sample
        image, missing = sample[IMAGE], [key for key in self.keys if key not in sample]
        sample[LABELLED] = LABEL not in missing
        if sample[LABELLED] and missing:
            raise ValueError(
                f"{_name_file(image)}: entry of the datalist must have {', '.join(self.keys)}, "
                f"lacks {', '.join(missing)}"
            )
        for key in missing:
            values = torch.full(image.shape, Label.BACKGROUND, dtype=image.dtype)
            sample[key] = replace_values(image, values)
        return sample


def _name_file(image: torch.Tensor) -> str:
    """Name the file that an image or a map was loaded from, without its folder."""
    return str(_read_meta(image).get("filename_or_obj") or get_scan_name(image)).rpartition("/")[2]


def _read_meta(image: torch.Tensor) -> dict[str, Any]:
    return image.meta if isinstance(image, MetaTensor) else {}
