"""Inference of networks that see a scan in sub-images of its picture (Liu 2021)."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from monai.data import decollate_batch
from monai.inferers import Inferer
from monai.utils import convert_to_tensor

from bonescan.transforms.metadata import get_views, replace_values
from bonescan.transforms.panels import picture_size, show_panels, split_panels
from bonescan.transforms.sub_images import cut_sub_images, stitch_sub_images

Network = Callable[..., torch.Tensor]

AT_ONCE = 7
"""Sub-images of one call of a network: a quarter of a scan's, so that memory stays below 1 GB."""


class SubImageClassInferer(Inferer):
    """Apply a classifier to each sub-image of each scan.

    Args:
        window: rows and columns of a sub-image.
        stride: rows and columns from one to the next (bonescan.transforms.sub_images).
    """

    def __init__(self, window: int, stride: Sequence[int]) -> None:
        super().__init__()
        self.window = int(window)
        self.stride = tuple(int(step) for step in stride)

    def __call__(
        self, inputs: torch.Tensor, network: Network, *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """Infer scans (B, view, row, column).

        Args:
            inputs: MetaTensor (B, V, H, W), the posterior view as acquired, 1 at the upper end of
                the wider display window.
            network: maps sub-images (N, 1, window, window) to logits (N, C).
            args: passed on to the network.
            kwargs: passed on to the network.

        Returns:
            Logits (B, N, C), without metadata: they lie on no pixels.
        """
        return torch.stack(
            [
                _in_parts(network, self.cut(scan)[:, None], *args, **kwargs)
                for scan in _read_scans(inputs)
            ]
        )

    def cut(self, scan: torch.Tensor) -> torch.Tensor:
        """Return the sub-images (number, window, window) of a scan MetaTensor (V, H, W)."""
        plain = convert_to_tensor(scan, track_meta=False)
        return cut_sub_images(show_panels(plain, get_views(scan))[0], self.window, self.stride)


class SubImageInferer(SubImageClassInferer):
    """Apply a segmentation network to each sub-image, and stitch what it says to maps of the views.

    Where sub-images overlap, and over the two panels of a view, probabilities are averaged. The
    paper says so of neither; both are ours.
    """

    def __call__(
        self, inputs: torch.Tensor, network: Network, *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """Infer scans (B, view, row, column).

        Args:
            inputs: as in SubImageClassInferer.
            network: maps sub-images (N, 1, window, window) to logits of the same shape.
            args: passed on to the network.
            kwargs: passed on to the network.

        Returns:
            Probabilities (B, 1, V, H, W), with the inputs' metadata.
        """
        maps = [self.infer_scan(scan, network, *args, **kwargs) for scan in _read_scans(inputs)]
        return replace_values(inputs, torch.stack(maps))

    def infer_scan(
        self,
        scan: torch.Tensor,
        network: Network,
        *args: Any,
        is_open: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Infer one scan, all of it or some of its sub-images.

        Args:
            scan: MetaTensor (V, H, W), as the inputs of a call.
            network: as in a call.
            args: passed on to the network.
            is_open: whether the network sees each sub-image (number,); the map of one that it does
                not see is 0. None for all.
            kwargs: passed on to the network.

        Returns:
            Probabilities (1, V, H, W), without metadata.
        """
        sub_images = self.cut(scan)[:, None]
        if is_open is None:
            is_open = torch.ones(len(sub_images), dtype=torch.bool, device=sub_images.device)
        probs = torch.zeros_like(sub_images)
        if is_open.any():
            logits = _in_parts(network, sub_images[is_open], *args, **kwargs)
            probs[is_open] = logits.sigmoid().to(probs)
        size = picture_size(scan.shape[-2:])
        picture = stitch_sub_images(probs.transpose(0, 1), size, self.stride)
        return split_panels(picture[:, None], get_views(scan))


def _read_scans(inputs: torch.Tensor) -> Sequence[torch.Tensor]:
    """Return the scans (V, H, W) of a batch, each with its own metadata."""
    if inputs.ndim != 4:
        raise ValueError(
            f"inputs must be (batch, view, row, column), got shape {tuple(inputs.shape)}"
        )
    return decollate_batch(inputs)


def _in_parts(
    network: Network, sub_images: torch.Tensor, *args: Any, **kwargs: Any
) -> torch.Tensor:
    """Call a network on some sub-images (N, 1, H, W) at a time."""
    return torch.cat([network(part, *args, **kwargs) for part in sub_images.split(AT_ONCE)])
