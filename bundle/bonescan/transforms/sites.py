"""In which sites a patient has metastases, as bits that a network learns."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.transforms import MapTransform
from monai.utils import TransformBackends

from bonescan.keys import IMAGE, SITES
from bonescan.labels import REPORT_SITES
from bonescan.transforms.metadata import get_scan_name


class SiteBitsd(MapTransform):
    """Put the sites of an entry of the datalist (bonescan.keys.SITES) in the place of its label.

    Args:
        keys: entries to replace, such as the label; nothing is done where an entry is absent.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, keys: Sequence[str] | str) -> None:
        super().__init__(keys, allow_missing_keys=True)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the sample with bits (site,) float32, in the order of REPORT_SITES.

        Raises:
            ValueError: if the entry names no sites, or others.
        """
        sample = dict(data)
        for key in self.key_iterator(sample):
            sites = sample.get(SITES)
            if sites is None or not set(sites) <= set(REPORT_SITES):
                raise ValueError(
                    f"{get_scan_name(sample[IMAGE])}: {SITES!r} of the datalist's entry must be a "
                    f"list of some of {', '.join(REPORT_SITES)}, or of none, got {sites}"
                )
            sample[key] = torch.tensor([float(site in sites) for site in REPORT_SITES])
        return sample
