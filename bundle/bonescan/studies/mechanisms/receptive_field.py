"""How far a network sees: where the gradient of one output pixel comes from."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

SHARE = 0.95
"""Part of the gradient that the effective field holds."""


@dataclass(frozen=True)
class ReceptiveField:
    """Fields around the output pixel, in pixels of the input.

    Attributes:
        rows: height of the least box that holds all of the gradient.
        columns: width of that box.
        effective_px: side of the least centred square that holds SHARE of it.
    """

    rows: int
    columns: int
    effective_px: int


def measure_receptive_field(
    network: nn.Module, shape: tuple[int, int, int], *, draws: int = 4, seed: int = 0
) -> ReceptiveField:
    """Measure the receptive field of the centre of a network's output.

    Args:
        network: one output map, or several of which the last counts; as initialised or trained. It
            is put into evaluation mode, as the statistics of a batch would join all pixels.
        shape: (channel, row, column) of the input.
        draws: random inputs whose gradients are added, since maxima pass one pixel's each.
        seed: of these inputs.

    Returns:
        The field.
    """
    network = network.eval()
    generator = torch.Generator().manual_seed(seed)
    total = np.zeros(shape[1:])
    for _ in range(draws):
        image = torch.rand(1, *shape, generator=generator, requires_grad=True)
        output = network(image)
        output = output if torch.is_tensor(output) else output[-1]
        row, column = (length // 2 for length in output.shape[-2:])
        (gradient,) = torch.autograd.grad(output[..., row, column].sum(), image)
        total += gradient[0].abs().sum(dim=0).numpy()
    rows, columns = (np.flatnonzero(total.any(axis=axis)) for axis in (1, 0))
    return ReceptiveField(
        rows=int(np.ptp(rows)) + 1,
        columns=int(np.ptp(columns)) + 1,
        effective_px=_effective_side(total),
    )


def _effective_side(total: NDArray[np.float64]) -> int:
    """Return the side of the least centred square that holds SHARE of a sum."""
    distance = [np.abs(np.arange(length) - length // 2) for length in total.shape]
    ring = np.maximum(distance[0][:, None], distance[1])
    within = np.cumsum(np.bincount(ring.ravel(), weights=total.ravel()))
    return 2 * int(np.searchsorted(within, SHARE * within[-1])) + 1
