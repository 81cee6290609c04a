"""A network that sees both views of a scan at once, and tells foci and bones in each."""

from collections.abc import Sequence

import torch
from monai.networks.nets import DynUNet
from torch import nn
from torch.nn import functional as F

VIEWS = 2
"""Channels of the input: the anterior view, and the posterior one mirrored onto it."""


class BothViewsUNet(nn.Module):
    """Segment foci of uptake and bones in both views of a scan.

    Blocks of pixels become channels (pixel unshuffling, Shi et al. 2016), so that MONAI's DynUNet
    works on larger pixels with all counts at hand. The classes of foci are put back pixel by pixel.
    Bones, which are large and told by where they lie, are read one level deeper, where context is
    near, and interpolated. Both views share every layer: what stands at one place in one view is
    evidence for the other.

    Args:
        classes: of foci, one of which a pixel shows; softmax over them.
        regions: groups of bones, any of which a pixel shows; a sigmoid each.
        filters: channels at each depth, of three or more; the sides of the image are multiples of
            `block` times 2 to the power of len(filters) - 1.
        block: pixels of a block along each side.
    """

    def __init__(
        self, classes: int, regions: int, filters: Sequence[int], *, block: int = 2
    ) -> None:
        super().__init__()
        self.classes = classes
        self.regions = regions
        self.block = block
        halvings = len(filters) - 1
        self.body = DynUNet(
            spatial_dims=2,
            in_channels=VIEWS * block**2,
            out_channels=VIEWS * classes * block**2,
            kernel_size=[3] * len(filters),
            strides=[1] + [2] * halvings,
            upsample_kernel_size=[2] * halvings,
            filters=list(filters),
        )
        self.bones_after = halvings - 2  # the last upsampling but one
        self.bones = nn.Conv2d(filters[1], VIEWS * regions, kernel_size=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Compute the logits of both views.

        Args:
            image: (B, 2, H, W); a view that the scan lacks is 0 all over.

        Returns:
            (B, 2 * (classes + regions), H, W): classes and regions of the anterior view, then those
            of the posterior one.
        """
        blocks = F.pixel_unshuffle(image, self.block)  # (B, 2 block^2, H / block, W / block)
        features = self.body.input_block(blocks)
        skips = [features]
        for down in self.body.downsamples:
            features = down(features)
            skips.append(features)
        features = self.body.bottleneck(features)
        bones = image
        for number, up in enumerate(self.body.upsamples):
            features = up(features, skips.pop())
            if number == self.bones_after:
                bones = self.bones(features)  # (B, 2 regions, H / 2 block, W / 2 block)
        foci = F.pixel_shuffle(self.body.output_block(features), self.block).float()
        batch, _, rows, columns = image.shape
        large = F.interpolate(
            bones.float(), size=[rows, columns], mode="bilinear", align_corners=False
        )
        parts = (
            foci.reshape(batch, -1, self.classes, rows, columns),
            large.reshape(batch, -1, self.regions, rows, columns),
        )
        return torch.cat(parts, dim=2).flatten(1, 2)
