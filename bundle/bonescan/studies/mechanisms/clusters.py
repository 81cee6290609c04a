"""How well clusters of grey values can agree with lesions, whatever rule chooses them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.bundle import ConfigParser
from monai.transforms import Compose
from monai.utils import convert_to_tensor

from bonescan.data.datalist import load_items, read_datalist
from bonescan.keys import IMAGE, LABEL, PATIENT
from bonescan.labels import Label
from bonescan.metrics.pixel import confusion
from bonescan.networks import KMeansSegmenter
from bonescan.studies.experiments.row_images import RowImages
from bonescan.transforms.oracle_threshold import threshold_by_truth

RULES = ("A", "B")
"""The hottest cluster; as many as are best on the image itself, which needs the truth."""


def cluster_images(config: Mapping[str, Any], datalist: Path) -> dict[str, RowImages]:
    """Segment all views of a datalist by K-means, by each of RULES.

    Args:
        config: composed configuration of a training of K-means.
        datalist: scans with labels.
    """
    parser = ConfigParser(dict(config))
    chain = Compose([*parser.get_parsed_content("load"), *parser.get_parsed_content("preprocess")])
    network: KMeansSegmenter = parser.get_parsed_content("network_def")
    names: list[str] = []
    outcomes: dict[str, list[Any]] = {rule: [] for rule in RULES}
    for section in read_datalist(datalist):
        for entry in load_items(datalist, section):
            sample = chain({key: entry[key] for key in (IMAGE, LABEL)})
            image, label = (
                convert_to_tensor(sample[key], track_meta=False) for key in (IMAGE, LABEL)
            )
            for view, truth in zip(image, label == Label.METASTASIS, strict=True):
                score = network(view[None, None])[0, 0]
                masks = (score > 0.5, threshold_by_truth(score, truth))
                for rule, mask in zip(RULES, masks, strict=True):
                    outcomes[rule].append(confusion(mask.numpy(), truth.numpy()))
                names.append(entry[PATIENT])
    keys = [(name, str(number)) for number, name in enumerate(names)]
    return {
        rule: RowImages(np.stack(each), names, keys, ["once"] * len(names))
        for rule, each in outcomes.items()
    }
