"""Lesions one by one: from a label map, and from what an instance segmentation infers."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.transforms import MapTransform
from monai.utils import TransformBackends
from torchvision.ops import masks_to_boxes

from bonescan.keys import PRED_INSTANCES
from bonescan.labels import Label
from bonescan.metrics.lesion import label_components

MIN_SIDE_PX = 2
"""Of a box; a lesion one pixel wide has a box that is a pixel larger."""


def find_instances(label: torch.Tensor) -> dict[str, torch.Tensor]:
    """Find the metastases of one view as torchvision's detectors want them.

    Args:
        label: (row, column) values of bonescan.labels.Label.

    Returns:
        One instance for each 8-connected component of metastasis, in raster order, on the label's
        device: `boxes` (N, 4) float32 left, top, right and bottom edge in pixels, where pixel
        centres lie at whole numbers; `labels` (N,) ones; `masks` (N, row, column) of 0 and 1. N is
        0 without metastases.

    Raises:
        ValueError: if the label map is not two-dimensional.
    """
    components, number = label_components(label.cpu().numpy() == Label.METASTASIS)
    masks = torch.from_numpy(components == np.arange(1, number + 1)[:, None, None])
    boxes = masks_to_boxes(masks)  # from centre to centre of the outermost pixels
    boxes += torch.tensor([-0.5, -0.5, 0.5, 0.5])
    sides = boxes[:, 2:] - boxes[:, :2]
    grow = 0.5 * (sides < MIN_SIDE_PX)
    boxes += torch.cat([-grow, grow], dim=1)
    return {
        "boxes": boxes.to(label.device),
        "labels": torch.ones(number, dtype=torch.int64, device=label.device),
        "masks": masks.to(label.device, torch.uint8),
    }


class SplitInstancesd(MapTransform):
    """Part what InstanceInferer infers: the scores stay, the instances' numbers get a key.

    The entry `pred_instances` is (view, row, column): the number of the instance that owns the
    pixel, whatever its score, and 0 where there is none.

    Args:
        keys: entry (2, view, row, column) of numbers and scores; becomes scores
            (1, view, row, column).
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, keys: Sequence[str] | str, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(f"keys must name one entry, got {list(self.keys)}")

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with scores and numbers apart.

        Raises:
            ValueError: if the entry has other than two channels.
        """
        sample = dict(data)
        for key in self.key_iterator(sample):
            maps = sample[key]
            if maps.ndim != 4 or len(maps) != 2:
                raise ValueError(
                    f"{key} must be numbers and scores (2, view, row, column), got shape "
                    f"{tuple(maps.shape)}"
                )
            sample[PRED_INSTANCES] = maps[0]
            sample[key] = maps[1:]
        return sample
