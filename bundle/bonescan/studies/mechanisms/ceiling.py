"""What a perfect network would reach: the truth through a system's geometry and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.transforms import Compose, Invertd
from monai.utils import convert_to_tensor
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.data.datalist import load_items, read_datalist
from bonescan.keys import IMAGE, LABEL, PRED
from bonescan.labels import Label
from bonescan.metrics.pixel import confusion, score

FIELD = "field"
EIGHT_NEIGHBOURS = np.ones((3, 3))


@dataclass(frozen=True)
class Ceiling:
    """What is left of the truth, inside the field that the system sees.

    Attributes:
        dsc: of all pixels pooled, in acquisition geometry.
        lesions: number of lesions.
        kept: number of these of which a pixel is left.
    """

    dsc: float
    lesions: int
    kept: int


def measure_ceiling(config: Mapping[str, Any], datalist: Path) -> Ceiling:
    """Send the truth of all scans of a datalist through the geometry of a system and back.

    Args:
        config: composed configuration of a training (bonescan.workflow.command.compose).
        datalist: scans with labels.
    """
    parser = ConfigParser(dict(config))
    load, preprocess = (Compose(parser.get_parsed_content(key)) for key in ("load", "preprocess"))
    pairs = [
        pair
        for section in read_datalist(datalist)
        for entry in load_items(datalist, section)
        for pair in _restore(load({key: entry[key] for key in (IMAGE, LABEL)}), preprocess)
    ]
    lesions = [_count(truth, restored) for truth, restored in pairs]
    outcomes = np.array([confusion(restored, truth) for truth, restored in pairs]).sum(axis=0)
    return Ceiling(
        dsc=float(score(outcomes, "dsc")),
        lesions=sum(number for number, _ in lesions),
        kept=sum(kept for _, kept in lesions),
    )


def _restore(
    loaded: Mapping[str, Any], preprocess: Compose
) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Return truth and restored truth of each view, inside the field."""
    truth = convert_to_tensor(loaded[LABEL], track_meta=False).numpy() == Label.METASTASIS
    sample = dict(preprocess(dict(loaded)))
    sample[PRED] = (sample[LABEL] == Label.METASTASIS).float()
    sample[FIELD] = torch.ones_like(sample[PRED])
    invert = Invertd([PRED, FIELD], preprocess, orig_keys=IMAGE, nearest_interp=True)
    sample = invert(sample)
    restored, field = (np.asarray(sample[key]) > 0 for key in (PRED, FIELD))
    return list(zip(truth & field, restored & field, strict=True))


def _count(truth: NDArray[np.bool_], restored: NDArray[np.bool_]) -> tuple[int, int]:
    """Count the lesions of a view, and those that are left."""
    instances, number = ndimage.label(truth, EIGHT_NEIGHBOURS)
    return number, len(set(np.unique(instances[restored]).tolist()) - {0})
