"""What a network of several kinds of foci learns, and what is taken of its answer."""

from collections.abc import Hashable, Mapping, Sequence

import torch
from monai.transforms import MapTransform
from monai.utils import TransformBackends, convert_to_tensor

from bonescan.keys import BENIGN, PRED_REGIONS
from bonescan.labels import FocusLabel, Label
from bonescan.transforms.metadata import replace_values
from bonescan.transforms.regions import to_bits


def join_foci(label: torch.Tensor, benign: torch.Tensor | None) -> torch.Tensor:
    """Return one map of the foci of a scan: metastasis before bladder before benign focus.

    Args:
        label: (...) values of bonescan.labels.Label.
        benign: (...) number of the benign focus, 0 where there is none; None where nobody knows.

    Returns:
        (...) values of bonescan.labels.FocusLabel, float32.
    """
    foci = torch.zeros_like(label, dtype=torch.float32)
    if benign is not None:
        foci[benign > 0] = FocusLabel.BENIGN
    foci[label == Label.BLADDER] = FocusLabel.BLADDER
    foci[label == Label.METASTASIS] = FocusLabel.METASTASIS
    return foci


class JoinFocid(MapTransform):
    """Turn a label map into one of foci (join_foci), for training alone.

    Where the sample has no map of benign foci, as most real data have none, they are background.

    Args:
        keys: label map (view, row, column); its metadata stay.
        benign_key: map of benign foci, which may be missing.
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self,
        keys: Sequence[str] | str,
        *,
        benign_key: str = BENIGN,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.benign_key = benign_key

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with foci in place of the label."""
        sample = dict(data)
        benign = sample.get(self.benign_key)
        if benign is not None:
            benign = convert_to_tensor(benign, track_meta=False)
        for key in self.key_iterator(sample):
            label = convert_to_tensor(sample[key], track_meta=False)
            sample[key] = replace_values(sample[key], join_foci(label, benign))
        return sample


class PartRegionsd(MapTransform):
    """Part the logits of foci and bones; the bones become a region map.

    The map is the entry PRED_REGIONS (view, row, column): int64 bits of bonescan.labels.REGIONS,
    set where the logit of a group is over 0, which is a probability of 0.5.

    Args:
        keys: logits (class + group, view, row, column); the classes stay.
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self,
        keys: Sequence[str] | str,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with logits of foci and a region map."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            logits, classes = sample[key], len(FocusLabel)
            plain = convert_to_tensor(logits, track_meta=False)
            sample[PRED_REGIONS] = replace_values(logits, to_bits(plain[classes:] > 0))
            sample[key] = replace_values(logits, plain[:classes].clone())
        return sample
