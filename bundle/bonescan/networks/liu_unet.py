"""Networks of Liu 2021 that are made of one residual block: segmentation and location."""

from itertools import pairwise

import torch
from monai.networks.blocks import UnetResBlock
from torch import Tensor, nn

from bonescan.networks.unet import EncoderDecoder, check_sides

PAPER_WIDTH = 64
LOCATION_STAGES = 9
LOCATION_CHANNELS = 2
"""Channels of the location network's input: picture and map of metastases."""


def residual_block(in_channels: int, out_channels: int) -> UnetResBlock:
    """Build two 3 x 3 convolutions with batch norm and leaky ReLU, and a 1 x 1 shortcut."""
    return UnetResBlock(2, in_channels, out_channels, kernel_size=3, stride=1, norm_name="batch")


class LeakyUNetRes(EncoderDecoder):
    """Residual U-Net of Liu 2021 ("region segmentation").

    The paper draws its channels as "1-4-8-16 ... 16-8-4-1". To the letter (`width=4`) that is a
    network of 7.9 k parameters, which hardly reaches its Dice; as multiples of 16 (the default)
    1.946 M; with the five levels of the usual U-Net (`levels=5`) 32.435 M.

    Args:
        width: channels of the finest level; each level doubles them.
        levels: number of levels; between two is a max pooling.
    """

    def __init__(self, width: int = PAPER_WIDTH, levels: int = 3) -> None:
        super().__init__(
            in_channels=1,
            out_channels=1,
            channels=[width * 2**level for level in range(levels)],
            block=residual_block,
        )


class LocationNet(nn.Module):
    """Network of Liu 2021 that tells the sites of metastases ("report network").

    Nine residual blocks, each with twice the channels of its input and followed by a max pooling: a
    picture of 2 x 1024 x 1024 becomes 1024 x 2 x 2. Mean over pixels, one linear layer, weights as
    Xavier has them. 19.592 M parameters at paper size.

    Args:
        out_channels: sites.
        width: the channels grow to 16 times this and no further. 64 lets them grow as published, to
            1024; a smaller one is for a CPU.
    """

    def __init__(self, out_channels: int, width: int = PAPER_WIDTH) -> None:
        super().__init__()
        stages = range(LOCATION_STAGES + 1)
        widths = [min(LOCATION_CHANNELS * 2**stage, 16 * width) for stage in stages]
        self.blocks = nn.ModuleList(residual_block(*pair) for pair in pairwise(widths))
        self.fc = nn.Linear(widths[-1], out_channels)
        self.multiple = (
            2**LOCATION_STAGES
        )  # of the sides; TorchScript knows no constant of a module
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)

    def forward(self, picture: Tensor) -> Tensor:
        """Compute logits (B, out_channels) of pictures with their maps (B, 2, H, W).

        Raises:
            ValueError: if H or W is not a multiple of 512.
        """
        check_sides(picture, self.multiple)
        x = picture
        for block in self.blocks:
            x = nn.functional.max_pool2d(block(x), kernel_size=2)
        return self.fc(torch.mean(x, dim=(-2, -1)))
