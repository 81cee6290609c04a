"""Inference of a network that finds lesions one by one."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from monai.utils import convert_to_tensor

from bonescan.inferers.per_view import PerViewInferer
from bonescan.transforms.metadata import replace_values

MIN_MASK_PROB = 0.5
"""From this probability on a pixel belongs to an instance."""


def draw_instances(detection: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Draw the instances of one image on top of each other, the highest score uppermost.

    Args:
        detection: `scores` (N,) in 0..1 and `masks` (N, 1, H, W) as probabilities, in any order.

    Returns:
        (2, H, W) float32. Channel 0: number of the instance that owns the pixel, from 1 by
        descending score, 0 where there is none. Channel 1: that instance's score, which is the
        highest of those whose masks cover the pixel; 0 where there is none.
    """
    masks = detection["masks"]
    scores = detection["scores"]
    drawn = torch.zeros((2, *masks.shape[-2:]), device=masks.device)
    by_score = scores.argsort(descending=True, stable=True)
    for number in range(len(scores), 0, -1):
        index = by_score[number - 1]
        covered = masks[index, 0] >= MIN_MASK_PROB
        drawn[0].masked_fill_(covered, float(number))
        drawn[1] = torch.where(covered, scores[index].to(drawn.dtype), drawn[1])
    return drawn


class InstanceInferer(PerViewInferer):
    """Find the instances of each view of a scan, and draw them as maps.

    Which score counts is decided behind it: all instances that the network returns are drawn.
    """

    def __call__(
        self,
        inputs: torch.Tensor,
        network: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Infer scans (B, view, row, column).

        Args:
            inputs: scans (B, V, H, W).
            network: maps (B * V, 1, H, W) to a dictionary of each image (see draw_instances).
            args: passed on to the network.
            kwargs: passed on to the network.

        Returns:
            (B, 2, V, H, W), the channels of draw_instances, with the metadata of a MetaTensor kept.

        Raises:
            ValueError: if the inputs are not four-dimensional.
        """

        def draw(images: torch.Tensor) -> torch.Tensor:
            plain = convert_to_tensor(images, track_meta=False)
            detections = network(plain, *args, **kwargs)
            return replace_values(images, torch.stack([draw_instances(d) for d in detections]))

        return super().__call__(inputs, draw)
