"""U-Net and U-Net with residual blocks: one encoder-decoder, two kinds of block."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

Norm = Literal["batch"] | None
BlockFactory = Callable[[int, int], nn.Module]
"""Builds a block of two 3x3 convolutions from its input and output channels; keeps H and W."""
PoolFactory = Callable[[int], nn.Module]
"""Builds, for a number of channels, the module that halves H and W after a level."""

PAPER_WIDTH = 64
LEVELS = 5


class DoubleConv(nn.Module):
    """Two 3x3 convolutions, each followed by ReLU (Ronneberger 2015, Fig. 1).

    Padding keeps the size. With ``norm`` each convolution is followed by a normalisation and has
    no bias of its own.
    """

    def __init__(self, in_channels: int, out_channels: int, *, norm: Norm = None) -> None:
        super().__init__()
        self.first = _conv3(in_channels, out_channels, norm=norm)
        self.second = _conv3(out_channels, out_channels, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, H, W)."""
        return torch.relu(self.second(torch.relu(self.first(x))))


class ResidualDoubleConv(nn.Module):
    """Two 3x3 convolutions and a shortcut: ``ReLU(conv2(ReLU(conv1(x))) + W x)``.

    Lin 2020, eq. 5 and Fig. 6. ``W`` is a 1x1 convolution in every block: the paper calls the
    shortcut an identity, but the numbers of channels differ and its figure names a 1x1 module.
    """

    def __init__(self, in_channels: int, out_channels: int, *, norm: Norm = None) -> None:
        super().__init__()
        self.first = _conv3(in_channels, out_channels, norm=norm)
        # the two summands get half the power each, so that depth does not inflate the signal
        self.second = _conv3(out_channels, out_channels, norm=norm, power=1.0)
        self.shortcut = nn.Conv2d(in_channels, out_channels, kernel_size=1)
        init_he(self.shortcut, power=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, H, W)."""
        residual = self.second(torch.relu(self.first(x)))
        return torch.relu(residual + self.shortcut(x))


class UpStage(nn.Module):
    """Double the size, join the skip connection, and apply a block."""

    def __init__(self, in_channels: int, skip_channels: int, *, block: BlockFactory) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, skip_channels, kernel_size=2, stride=2)
        self.block = block(2 * skip_channels, skip_channels)
        init_he(self.up, power=1.0)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Map (B, in_channels, H/2, W/2) and (B, skip_channels, H, W) to the latter's shape."""
        return self.block(torch.cat([skip, self.up(x)], dim=1))


def max_pool(channels: int) -> nn.Module:  # noqa: ARG001 - a PoolFactory
    """Build a 2x2 max pooling, the same for any number of channels."""
    return nn.MaxPool2d(kernel_size=2)


class EncoderDecoder(nn.Module):
    """U-shaped network: blocks and poolings down, up-convolutions and skips up, a 1x1 head.

    Args:
        in_channels: channels of the image.
        out_channels: classes, or channels of logits.
        channels: width of each level, finest first; each level but the last is followed by a
            pooling.
        block: builds the block of a level from its input and output channels.
        pool: builds the pooling after a level from the level's channels.
        context: module after the deepest block; keeps H and W. None for none.
        context_channels: channels that the context adds to those it is given.

    Raises:
        ValueError: if there are fewer than two levels.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int],
        block: BlockFactory,
        pool: PoolFactory = max_pool,
        context: nn.Module | None = None,
        context_channels: int = 0,
    ) -> None:
        super().__init__()
        if len(channels) < 2:
            raise ValueError(f"channels must name at least 2 levels, got {list(channels)}")
        widths = list(channels)
        self.divisor = 2 ** (len(widths) - 1)
        inputs = [in_channels, *widths[:-1]]
        levels = [block(width_in, width) for width_in, width in zip(inputs, widths, strict=True)]
        self.encoder = nn.ModuleList(levels[:-1])
        self.bottom = levels[-1]
        self.pools = nn.ModuleList(pool(width) for width in widths[:-1])
        self.context = nn.Identity() if context is None else context
        below = [widths[-1] + context_channels, *widths[-2:0:-1]]
        self.decoder = nn.ModuleList(
            UpStage(width_in, width, block=block)
            for width_in, width in zip(below, widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], out_channels, kernel_size=1)
        init_he(self.head, power=1.0)

    def forward(self, image: Tensor) -> Tensor:
        """Compute logits (B, out_channels, H, W) of an image (B, in_channels, H, W).

        Raises:
            ValueError: if H or W is not a multiple of ``divisor`` (16 for five levels).
        """
        check_sides(image, self.divisor)
        x = image
        skips: list[Tensor] = []
        for block, pool in zip(self.encoder, self.pools):  # noqa: B905 - TorchScript has no strict
            x = block(x)
            skips.append(x)
            x = pool(x)
        x = self.context(self.bottom(x))
        for stage in self.decoder:
            x = stage(x, skips.pop())
        return self.head(x)


def check_sides(image: Tensor, divisor: int) -> None:
    """Raise ValueError unless the sides of an image (B, C, H, W) are multiples of a divisor."""
    rows, columns = image.shape[-2], image.shape[-1]
    if rows % divisor != 0 or columns % divisor != 0:
        raise ValueError(
            f"image sides must be multiples of {divisor}, got {rows} rows x {columns} columns: "
            "crop or pad the image first"
        )


def level_channels(width: int) -> tuple[int, ...]:
    """Return the channels of the five levels of a U-Net, finest first, each twice the one before.

    Raises:
        ValueError: if the width is below 1.
    """
    if width < 1:
        raise ValueError(f"width must be 1 or more, got {width}")
    return tuple(width * 2**level for level in range(LEVELS))


class UNet(EncoderDecoder):
    """U-Net of Ronneberger 2015 as used by Lin 2020 ("U-Net based segmentation").

    "Same" padding in place of valid convolutions, so that the output has the size of the image;
    up-convolution by a 2x2 transposed convolution; no normalisation unless asked for. 31.031 M
    parameters at paper size. Weights start as in Ronneberger 2015, section 3.

    Args:
        in_channels: channels of the image.
        out_channels: classes (the paper: background and metastasis, on a softmax).
        width: channels of the finest of five levels; each level doubles them.
        norm: "batch" for batch normalisation after each 3x3 convolution.
    """

    block_type: type[DoubleConv] | type[ResidualDoubleConv] = DoubleConv

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 2,
        width: int = PAPER_WIDTH,
        norm: Norm = None,
    ) -> None:
        super().__init__(
            in_channels=in_channels,
            out_channels=out_channels,
            channels=level_channels(width),
            block=partial(self.block_type, norm=norm),
        )


class UNetRes(UNet):
    """U-Net-Res of Lin 2020: the U-Net with a 1x1 shortcut around every pair of convolutions.

    32.426 M parameters at paper size. The paper says that the shortcut lowers the number of
    parameters; it adds 1.40 M. Arguments as in UNet.
    """

    block_type = ResidualDoubleConv


def _conv3(in_channels: int, out_channels: int, *, norm: Norm, power: float = 2.0) -> nn.Sequential:
    """Build a size-keeping 3x3 convolution with its normalisation."""
    if norm not in (None, "batch"):
        raise ValueError(f"norm must be None or 'batch', got {norm!r}")
    # a normalisation has its own shift, so the convolution's bias would have no effect
    conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=norm is None)
    init_he(conv, power=power)
    if norm is None:
        return nn.Sequential(conv)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


def init_he(conv: nn.Conv2d | nn.ConvTranspose2d, *, power: float) -> None:
    """Draw weights from a normal distribution of variance ``power / fan-in``; zero the bias.

    ``power`` 2 keeps the signal's power through a convolution followed by ReLU (He 2015), 1 through
    one that is not. In a transposed convolution whose stride equals its kernel one weight per input
    channel reaches each output pixel, which is why torch's own fan-in does not fit.
    """
    taps = 1 if isinstance(conv, nn.ConvTranspose2d) else conv.kernel_size[0] * conv.kernel_size[1]
    nn.init.normal_(conv.weight, std=math.sqrt(power / (conv.in_channels * taps)))
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
