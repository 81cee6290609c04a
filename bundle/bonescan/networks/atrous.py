"""Dense atrous convolution: CE-Net's block (Gu 2019) and the two variants of He 2024."""

from collections.abc import Mapping
from typing import Final, Literal

import torch
from torch import Tensor, nn

from bonescan.networks.unet import init_he

Variant = Literal["raw", "dac1", "dac2"]

DILATIONS: Mapping[str, tuple[int, ...]] = {
    "raw": (1, 3, 5),
    "dac1": (1, 3, 5),
    "dac2": (1, 2, 3),
}
"""Of the 3x3 convolutions, in the order in which they are applied; "last" follows."""

LAST_KERNEL = {"raw": 1, "dac1": 3, "dac2": 3}


class DenseAtrous(nn.Module):
    """Add four branches of dilated convolutions, each followed by ReLU, to the input.

    Receptive fields of the branches: "raw" (CE-Net) 3, 7, 9, 19; "dac1" 3, 9, 11, 21, whose last
    convolution is 3x3 in place of 1x1; "dac2" 3, 5, 7, 9. He 2024 states the first change and,
    of "dac2", only the fields and that gridding and redundancy are gone: here a convolution of
    dilation 1, 2 or 3 is followed by a plain 3x3, which covers each field without a hole (the
    7x7 field of the raw branch is touched at 9 of 49 places).

    The branches share the convolution of a dilation and the last one, as CE-Net's do.

    Args:
        channels: of the input and of the output.
        variant: "raw", "dac1" or "dac2".

    Raises:
        ValueError: if the variant is unknown.
    """

    cascade: Final[bool]

    def __init__(self, channels: int, variant: Variant = "raw") -> None:
        super().__init__()
        if variant not in DILATIONS:
            raise ValueError(f"variant must be one of {', '.join(DILATIONS)}, got {variant!r}")
        self.cascade = variant != "dac2"
        self.convs = nn.ModuleDict(
            {f"d{dilation}": _build_conv(channels, 3, dilation) for dilation in DILATIONS[variant]}
        )
        self.convs["last"] = _build_conv(channels, LAST_KERNEL[variant], 1)

    def branches(self, x: Tensor) -> list[Tensor]:
        """Return the four branches of (B, channels, H, W), each of the same shape."""
        first = self.convs["d1"](x)
        if self.cascade:
            second, third = self.convs["d3"](x), self.convs["d3"](first)
            ends = [second, third, self.convs["d5"](third)]
        else:
            ends = [first, self.convs["d2"](x), self.convs["d3"](x)]
        maps = [first]
        for end in ends:
            maps.append(self.convs["last"](end))  # noqa: PERF401 - for TorchScript
        return [torch.relu(branch) for branch in maps]

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to the same shape."""
        total = x
        for branch in self.branches(x):
            total = total + branch
        return total


def _build_conv(channels: int, kernel: int, dilation: int) -> nn.Conv2d:
    """Build a convolution that keeps the size."""
    conv = nn.Conv2d(
        channels, channels, kernel, padding=dilation * (kernel // 2), dilation=dilation
    )
    init_he(conv, power=1.0)
    return conv
