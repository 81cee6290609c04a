"""The values of a label map, seen to before anything is learned from them."""

from collections.abc import Hashable, Mapping, Sequence

import torch
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import TransformBackends

from bonescan.labels import check_label_values
from bonescan.transforms.metadata import get_scan_name


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


def _name_file(label: torch.Tensor) -> str:
    """Name the file that a label map was loaded from, without its folder."""
    meta = label.meta if isinstance(label, MetaTensor) else {}
    return str(meta.get("filename_or_obj") or get_scan_name(label)).rpartition("/")[2]
