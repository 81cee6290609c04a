"""From probabilities to lesions: the score of a pixel, and what an operating point lets through."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.transforms import MapTransform
from monai.utils import TransformBackends, convert_to_tensor

from bonescan.keys import IMAGE, PRED_INSTANCES, PROB
from bonescan.labels import Label
from bonescan.metrics.calibration import Calibration
from bonescan.metrics.lesion import LesionScores
from bonescan.metrics.operating_point import OperatingPoint
from bonescan.transforms.metadata import get_spacing_mm, replace_values


def lesion_prob(probs: torch.Tensor) -> torch.Tensor:
    """Return the probability of lesion, against the likeliest other class.

    With one or two classes it is the network's own. With more it reaches 0.5 exactly where lesion
    is the likeliest class, so that one threshold means the same for every system.

    Args:
        probs: (class, ...) probabilities, lesion last.

    Returns:
        (...), 0..1.
    """
    lesion = probs[-1]
    if len(probs) == 1:
        return lesion
    other = convert_to_tensor(probs[:-1], track_meta=False).max(dim=0).values
    return lesion / (lesion + other)


class LesionProbd(MapTransform):
    """Keep the probability of lesion beside what is decided of it: see lesion_prob.

    Args:
        keys: entry (class, view, row, column) of probabilities, lesion last.
        name: entry (view, row, column) to add.
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self, keys: Sequence[str] | str, name: str = PROB, *, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.name = name

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with the probability of lesion."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample[self.name] = lesion_prob(sample[key])
        return sample


class OperatingPointd(MapTransform):
    """Let an operating point decide what is metastasis; other labels stay.

    Lesions are the components, or the instances where the system tells them apart. Their area is
    that of the sample's pixels, whose spacing the image's affine says: the same in validation,
    evaluation and inference, whatever the size of the acquisition's pixels.

    Args:
        keys: label maps (view, row, column) with values of bonescan.labels.Label.
        point: what counts.
        prob_key: probability of metastasis (view, row, column).
        image_key: image with the spacing in its affine.
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.NUMPY]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self,
        keys: Sequence[str] | str,
        *,
        point: OperatingPoint,
        prob_key: str = PROB,
        image_key: str = IMAGE,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.point = point
        self.prob_key = prob_key
        self.image_key = image_key

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with its label maps decided anew."""
        sample = dict(data)
        if self.point == OperatingPoint():
            return sample
        min_area_px = self.point.min_area_px(get_spacing_mm(sample[self.image_key]))
        prob = _to_numpy(sample[self.prob_key])
        instances = sample.get(PRED_INSTANCES)
        owners = [None] * len(prob) if instances is None else _to_numpy(instances).astype(np.int32)
        for key in self.key_iterator(sample):
            label = convert_to_tensor(sample[key], track_meta=False)
            was_lesion = label == Label.METASTASIS
            marked = was_lesion.cpu().numpy()
            if self.point.threshold is not None:
                marked = prob >= self.point.threshold
            kept = [
                LesionScores(min_area_px, owner).number(view) > 0
                for owner, view in zip(owners, marked, strict=True)
            ]
            is_lesion = torch.from_numpy(np.stack(kept)).to(label.device)
            label = label.masked_fill(was_lesion, Label.BACKGROUND)
            label = label.masked_fill(is_lesion, Label.METASTASIS)
            sample[key] = replace_values(sample[key], label)
        return sample


class CalibrateProbd(MapTransform):
    """Calibrate the probability of metastasis of each pixel, after what is decided of it.

    Args:
        keys: entries (view, row, column) of probabilities.
        calibration: fitted on validation patients.
        allow_missing_keys: as in MONAI.
    """

    backend = [TransformBackends.NUMPY]  # noqa: RUF012 - MONAI's name and type

    def __init__(
        self,
        keys: Sequence[str] | str,
        *,
        calibration: Calibration,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.calibration = calibration

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with calibrated probabilities."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            prob = sample[key]
            calibrated = torch.from_numpy(self.calibration.of_pixels(_to_numpy(prob)))
            sample[key] = replace_values(prob, calibrated.to(prob.device))
        return sample


def _to_numpy(values: torch.Tensor) -> np.ndarray:
    return convert_to_tensor(values, track_meta=False).cpu().numpy()
