"""Inference as nnU-Net v2 does it: overlapping patches, each also seen mirrored."""

from collections.abc import Callable, Sequence
from itertools import chain, combinations
from typing import Any

import torch
from monai.inferers import Inferer, SlidingWindowInferer
from monai.utils import convert_to_tensor

from bonescan.inferers.per_view import PerViewInferer
from bonescan.transforms.metadata import replace_values
from bonescan.transforms.z_score import crop_z_score

Network = Callable[..., torch.Tensor]

CERTAIN = 20.0
"""Logit of background, and minus that of any other class, where an image was cropped away:
a probability of lesion below 1e-17."""

OVERLAP = 0.5
"""Of neighbouring patches (nnU-Net v2); MONAI's Gaussian weights have its width, an eighth of the
patch, too."""

ROWS, COLUMNS = -2, -1
MIRRORINGS = tuple(
    chain.from_iterable(combinations((ROWS, COLUMNS), number) for number in range(3))
)
"""Axes that are flipped, of all four passes."""


def mean_of_mirrored(
    images: torch.Tensor, network: Network, *args: Any, **kwargs: Any
) -> torch.Tensor:
    """Average what a network says of images and of their mirror images, flipped back.

    Args:
        images: (B, C, row, column).
        network: maps them to (B, K, row, column).
        args: passed on to the network.
        kwargs: passed on to the network.
    """
    outputs = [network(images.flip(axes), *args, **kwargs).flip(axes) for axes in MIRRORINGS]
    return torch.stack(outputs).mean(dim=0)


class PatchInferer(Inferer):
    """Standardise each view as in training, and apply a network to overlapping patches of it.

    Args:
        patch: (rows, columns) of the patches.
        nonzero_only: as in bonescan.transforms.z_score.crop_z_score.
        mirror: average over the four mirror images of each patch.
    """

    def __init__(self, patch: Sequence[int], *, nonzero_only: bool, mirror: bool = True) -> None:
        super().__init__()
        self.nonzero_only = nonzero_only
        self.mirror = mirror
        self.window = SlidingWindowInferer(
            tuple(patch), sw_batch_size=1, overlap=OVERLAP, mode="gaussian"
        )

    def __call__(
        self, inputs: torch.Tensor, network: Network, *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """Infer scans (B, view, row, column), scaled without clipping.

        Args:
            inputs: scans (B, V, H, W).
            network: maps patches (B, 1, *patch) to logits (B, C, *patch), background first.
            args: passed on to the network.
            kwargs: passed on to the network.

        Returns:
            Logits (B, C, V, H, W), with the metadata of a MetaTensor kept.
        """

        def infer(images: torch.Tensor) -> torch.Tensor:
            plain = convert_to_tensor(images, track_meta=False)
            return torch.cat([self._infer(image, network, *args, **kwargs) for image in plain])

        return replace_values(inputs, PerViewInferer()(inputs, infer))

    def _infer(
        self, image: torch.Tensor, network: Network, *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """Infer one view (1, H, W) to logits (1, C, H, W)."""
        scored, box = crop_z_score(image[0], nonzero_only=self.nonzero_only)

        def predict(patches: torch.Tensor) -> torch.Tensor:
            if self.mirror:
                return mean_of_mirrored(patches, network, *args, **kwargs)
            return network(patches, *args, **kwargs)

        inside = self.window(scored[None, None], predict)
        logits = inside.new_full((*inside.shape[:2], *image.shape[-2:]), -CERTAIN)
        logits[:, 0] = CERTAIN
        logits[:, :, *box] = inside
        return logits
