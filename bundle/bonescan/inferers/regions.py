"""A trained network of skeleton regions beside the system that finds lesions."""

from collections.abc import Hashable, Mapping, Sequence

import torch
from monai.data import list_data_collate
from monai.transforms import MapTransform
from monai.utils import TransformBackends, convert_to_tensor

from bonescan.inferers.stepwise import Part
from bonescan.keys import COUNTS, IMAGE, PRED, PRED_REGIONS
from bonescan.transforms.metadata import replace_values


class AddRegionsd(MapTransform):
    """Add the region map of a scan to its sample, under PRED_REGIONS.

    The map (view, row, column) holds int64 bits of bonescan.labels.REGIONS, in the geometry of the
    acquisition; outside of what the network sees there is no bone.

    Args:
        part: the trained system, its network with weights; `pred` of its postprocess is the map.
        device: where its network is.
        keys: counts (view, row, column) in the geometry of the acquisition; they stay.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self, part: Part, *, device: torch.device, keys: Sequence[str] | str = COUNTS
    ) -> None:
        super().__init__(keys)
        self.part = part
        self.device = device
        part.network.eval()

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with its regions."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample[PRED_REGIONS] = self._find(sample[key])
        return sample

    def _find(self, counts: torch.Tensor) -> torch.Tensor:
        """Return the regions of a scan (view, row, column)."""
        sample = self.part.preprocess({IMAGE: counts})
        batch = list_data_collate([{IMAGE: sample[IMAGE]}])[IMAGE].to(self.device)
        with torch.inference_mode():
            logits = self.part.inferer(batch, self.part.network)
        plain = convert_to_tensor(logits, track_meta=False)[0].float().cpu().clone()
        done = self.part.postprocess({**sample, PRED: replace_values(sample[IMAGE], plain)})
        return done[PRED]
