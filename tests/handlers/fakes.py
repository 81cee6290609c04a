"""A network whose answer is known beforehand, and a witness of what a process holds."""

import hashlib
import os
from pathlib import Path

import torch
from torch import nn


class BrightPixels(nn.Module):
    """Call every pixel of a scaled image metastasis whose value exceeds a level.

    The logits are the distance to the level, so a probability is known for every pixel, too.
    """

    def __init__(self, level: float = 0.9) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(level))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (B, 2, row, column) of images (B, 1, row, column)."""
        return torch.cat([self.level - image, image - self.level], dim=1)


NETWORK = {"_target_": "tests.handlers.fakes.BrightPixels"}


def save_weights(path: Path, level: float) -> Path:
    """Write the weights of a network with this level."""
    torch.save(BrightPixels(level).state_dict(), path)
    return path


def write_digest(network: nn.Module, folder: str) -> None:
    """Write what this process's network holds, weights and buffers, as a hash."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    path = Path(folder) / f"rank {os.environ['RANK']}.txt"
    path.write_text(digest.hexdigest())
