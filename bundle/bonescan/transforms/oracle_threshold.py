"""Let the truth choose the threshold of each image: an upper bound, not a system."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.transforms import MapTransform
from monai.utils import TransformBackends, convert_to_tensor

from bonescan.keys import LABEL
from bonescan.labels import Label
from bonescan.metrics.threshold import best_threshold
from bonescan.transforms.metadata import replace_values


def threshold_by_truth(score: torch.Tensor, truth_mask: torch.Tensor) -> torch.Tensor:
    """Keep the pixels that reach the score at which IoU with the truth is highest.

    Args:
        score: (row, column), higher where lesion is likelier.
        truth_mask: (row, column) lesions.

    Returns:
        Boolean mask (row, column); empty where the truth is.
    """
    if not truth_mask.any():
        return torch.zeros_like(truth_mask)
    # IoU is DSC / (2 - DSC), so both are highest at the same threshold.
    chosen = best_threshold([_to_numpy(score)], [_to_numpy(truth_mask)])
    return score >= chosen.intensity


def _to_numpy(image: torch.Tensor) -> np.ndarray:
    return image.detach().cpu().numpy()


class OracleThresholdd(MapTransform):
    """Cut scores at the threshold that fits the label of the same view best: an upper bound.

    No rule that does not know the label can do better by a threshold per view, so this belongs in
    an evaluation, in place of the rule of a system, and says what its scores could give at most.
    For K-means (Lin 2020) it joins the clusters that suit the label.

    Args:
        keys: entries (1, view, row, column) of scores.
        label_key: label map (view, row, column) with values of bonescan.labels.Label.
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self,
        keys: Sequence[str] | str,
        label_key: str = LABEL,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.label_key = label_key

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with its scores as float32 masks of the same shape.

        Raises:
            ValueError: if the sample has no label, or one of another shape.
        """
        sample = dict(data)
        label = sample.get(self.label_key)  # MONAI's evaluators give None where a scan has none
        if label is None:
            raise ValueError(
                f"{self.label_key} must be a label map, got {label!r}: a threshold per image is "
                "an upper bound that needs the truth, for evaluation only"
            )
        truth = convert_to_tensor(label, track_meta=False) == Label.METASTASIS
        for key in self.key_iterator(sample):
            score = convert_to_tensor(sample[key], track_meta=False)
            if score.shape != (1, *truth.shape):
                raise ValueError(
                    f"{key} must be (1, view, row, column) with the label's {tuple(truth.shape)}, "
                    f"got {tuple(score.shape)}"
                )
            pairs = zip(score[0], truth, strict=True)
            masks = torch.stack([threshold_by_truth(view, mask) for view, mask in pairs])
            sample[key] = replace_values(sample[key], masks[None].float())
        return sample
