"""U-Net of He 2024: dual pooling with coordinate attention, dense atrous convolution, multi-pool.

He et al. 2024, Journal of Computer and Communications 12:60-71. The first part is theirs after
coordinate attention (Hou 2021); the second and third come from CE-Net (Gu 2019).
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonescan.networks.atrous import DenseAtrous, Variant
from bonescan.networks.unet import (
    PAPER_WIDTH,
    DoubleConv,
    EncoderDecoder,
    PoolFactory,
    init_he,
    level_channels,
    max_pool,
)

Pooling = Literal["max", "avg", "fusion"]

POOL_SIZES = (2, 3, 4, 5)
"""Kernels of the residual multi-pool (He 2024; CE-Net takes 2, 3, 5, 6)."""


class DualPool(nn.Module):
    """Halve the size: average pooling, weighted by coordinate attention of the max pooling.

    ``Y = A * g_h * g_w`` with ``A`` the 2x2 average pooling and ``g_h``, ``g_w`` one weight per
    channel and row, and per channel and column, computed from the 2x2 max pooling (He 2024, "dual
    pooling fusion"; the gates as in Hou 2021, Coordinate attention, reduction 32, at least 8).

    Args:
        channels: of the input and of the output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(8, channels // 32)
        # the normalisation has its own shift, so a bias would have no effect
        self.squeeze = nn.Conv2d(channels, hidden, kernel_size=1, bias=False)
        self.norm = nn.BatchNorm2d(hidden)
        self.row_gate = nn.Conv2d(hidden, channels, kernel_size=1)
        self.column_gate = nn.Conv2d(hidden, channels, kernel_size=1)
        for conv in (self.squeeze, self.row_gate, self.column_gate):
            init_he(conv, power=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to (B, channels, H/2, W/2)."""
        strongest = F.max_pool2d(x, 2)
        rows = strongest.mean(dim=3, keepdim=True)  # (B, C, H/2, 1)
        columns = strongest.mean(dim=2, keepdim=True).transpose(2, 3)  # (B, C, W/2, 1)
        strips = F.hardswish(self.norm(self.squeeze(torch.cat([rows, columns], dim=2))))
        by_row, by_column = strips.split([rows.shape[2], columns.shape[2]], dim=2)
        row_weight = torch.sigmoid(self.row_gate(by_row))
        column_weight = torch.sigmoid(self.column_gate(by_column)).transpose(2, 3)
        return F.avg_pool2d(x, 2) * row_weight * column_weight


class ResidualMultiPool(nn.Module):
    """Append one channel for each of four max poolings, upsampled to the input's size.

    CE-Net's residual multi-kernel pooling with the kernels of He 2024; one 1x1 convolution to a
    single channel serves all four.

    Args:
        channels: of the input; the output has ``added_channels`` more.
    """

    added_channels = len(POOL_SIZES)

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.sizes = list(POOL_SIZES)
        self.reduce = nn.Conv2d(channels, 1, kernel_size=1)
        init_he(self.reduce, power=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to (B, channels + 4, H, W).

        Raises:
            ValueError: if a side is shorter than the largest pooling.
        """
        rows, columns = x.shape[-2], x.shape[-1]
        if min(rows, columns) < max(self.sizes):
            raise ValueError(
                f"sides at the bottom must be at least {max(self.sizes)} for the residual "
                f"multi-pool, got {rows} rows x {columns} columns: use a larger image"
            )
        maps = [x]
        for size in self.sizes:
            pooled = self.reduce(F.max_pool2d(x, size))
            maps.append(
                F.interpolate(pooled, size=(rows, columns), mode="bilinear", align_corners=False)
            )
        return torch.cat(maps, dim=1)


class DualPoolUNet(EncoderDecoder):
    """U-Net with batch normalisation, a choice of poolings, and context at the bottom (He 2024).

    Millions of parameters at paper size: 31.036 with max or average pooling, 31.074 with fusion,
    60.447 with the raw context besides, 68.836 with "dac1" or "dac2".

    Args:
        in_channels: channels of the image.
        out_channels: channels of logits (the paper: one, on a sigmoid).
        width: channels of the finest of five levels; each level doubles them.
        pooling: "max", "avg" or "fusion" (DualPool).
        context: variant of DenseAtrous, followed by ResidualMultiPool; None for neither.

    Raises:
        ValueError: if the pooling or the variant is unknown.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        width: int = PAPER_WIDTH,
        pooling: Pooling = "fusion",
        context: Variant | None = None,
    ) -> None:
        channels = level_channels(width)
        super().__init__(
            in_channels=in_channels,
            out_channels=out_channels,
            channels=channels,
            block=_normalised_block,
            pool=_find_pool(pooling),
            context=None if context is None else _build_context(channels[-1], context),
            context_channels=0 if context is None else ResidualMultiPool.added_channels,
        )


def _normalised_block(in_channels: int, out_channels: int) -> nn.Module:
    return DoubleConv(in_channels, out_channels, norm="batch")


def _average_pool(channels: int) -> nn.Module:  # noqa: ARG001 - a PoolFactory
    return nn.AvgPool2d(kernel_size=2)


def _find_pool(pooling: str) -> PoolFactory:
    pools: dict[str, PoolFactory] = {"max": max_pool, "avg": _average_pool, "fusion": DualPool}
    if pooling not in pools:
        raise ValueError(f"pooling must be one of {', '.join(pools)}, got {pooling!r}")
    return pools[pooling]


def _build_context(channels: int, variant: Variant) -> nn.Module:
    return nn.Sequential(DenseAtrous(channels, variant), ResidualMultiPool(channels))
