"""Dense atrous convolution: CE-Net's block (Gu 2019) and the two variants of He 2024."""

from typing import Literal

import torch
from torch import Tensor, nn

from bonescan.networks.unet import init_he

Variant = Literal["raw", "dac1", "dac2"]

DILATIONS = {"d1": 1, "d2": 2, "d3": 3, "d5": 5}
"""Dilation of each 3x3 convolution, in the order in which a branch meets them; "last" follows."""

_CASCADE = (("d1",), ("d3", "last"), ("d1", "d3", "last"), ("d1", "d3", "d5", "last"))
_PAIRS = (("d1",), ("d1", "last"), ("d2", "last"), ("d3", "last"))
BRANCHES = {"raw": _CASCADE, "dac1": _CASCADE, "dac2": _PAIRS}
"""Convolutions of the four branches, input first."""

LAST_KERNEL = {"raw": 1, "dac1": 3, "dac2": 3}


class DenseAtrous(nn.Module):
    """Add four branches of dilated convolutions, each followed by ReLU, to the input.

    Receptive fields of the branches: "raw" (CE-Net) 3, 7, 9, 19; "dac1" 3, 9, 11, 21, whose last
    convolution is 3x3 in place of 1x1; "dac2" 3, 5, 7, 9. He 2024 states the first change and,
    of "dac2", only the fields and that gridding and redundancy are gone: here a convolution of
    dilation 1, 2 or 3 is followed by a plain 3x3, which covers each field without a hole (the
    7x7 field of the raw branch is touched at 9 of 49 places).

    Args:
        channels: of the input and of the output.
        variant: "raw", "dac1" or "dac2".
        share: let the branches use the same convolution of a dilation and the same last one, as
            CE-Net does; what they have in common from the start is then computed once. Else each
            has its own.

    Raises:
        ValueError: if the variant is unknown.
    """

    def __init__(self, channels: int, variant: Variant = "raw", *, share: bool = True) -> None:
        super().__init__()
        if variant not in BRANCHES:
            raise ValueError(f"variant must be one of {', '.join(BRANCHES)}, got {variant!r}")
        paths = _name_convolutions(BRANCHES[variant], share=share)
        names, self.sources, self.ends = _plan(paths)
        self.convs = nn.ModuleDict(
            {name: _build_conv(channels, name, LAST_KERNEL[variant]) for name in names}
        )

    def branches(self, x: Tensor) -> list[Tensor]:
        """Return the four branches of (B, channels, H, W), each of the same shape."""
        maps = [x]
        for index, conv in enumerate(self.convs.values()):
            for source in self.sources[index]:
                maps.append(conv(maps[source]))
        return [torch.relu(maps[end]) for end in self.ends]

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to the same shape."""
        total = x
        for branch in self.branches(x):
            total = total + branch
        return total


def _build_conv(channels: int, name: str, last_kernel: int) -> nn.Conv2d:
    """Build the size-keeping convolution that a name stands for."""
    role = _role(name)
    kernel = last_kernel if role == "last" else 3
    dilation = DILATIONS.get(role, 1)
    conv = nn.Conv2d(
        channels, channels, kernel, padding=dilation * (kernel // 2), dilation=dilation
    )
    init_he(conv, power=1.0)
    return conv


def _name_convolutions(
    branches: tuple[tuple[str, ...], ...], *, share: bool
) -> list[tuple[str, ...]]:
    """Return the names of each branch's convolutions; unshared ones bear the branch's number."""
    if share:
        return list(branches)
    return [
        tuple(f"{role}_{number}" for role in path) for number, path in enumerate(branches, start=1)
    ]


def _plan(paths: list[tuple[str, ...]]) -> tuple[list[str], list[list[int]], list[int]]:
    """Order the convolutions so that each is met once, and number the maps they make.

    Map 0 is the input. A start that several paths have in common is one map.

    Returns:
        The names of the convolutions in order, for each the maps that it is applied to, and the
        map at the end of each path.
    """
    roles = [*DILATIONS, "last"]
    names = sorted({name for path in paths for name in path}, key=lambda n: _rank(n, roles))
    numbers: dict[tuple[str, ...], int] = {(): 0}
    sources: list[list[int]] = []
    for name in names:
        starts = {path[: path.index(name)]: None for path in paths if name in path}
        sources.append([numbers[start] for start in starts])
        numbers.update({(*start, name): len(numbers) + i for i, start in enumerate(starts)})
    return names, sources, [numbers[path] for path in paths]


def _role(name: str) -> str:
    """Return what a convolution does: its name without the number of the branch."""
    return name.partition("_")[0]


def _rank(name: str, roles: list[str]) -> tuple[int, str]:
    return roles.index(_role(name)), name
