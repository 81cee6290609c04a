"""ResNet-34 as Liu 2021 classifies sub-images with it."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, resnet34

from bonescan.networks.weights import load_exactly, read_weights

PAPER_WIDTH = 64
BLOCKS = (3, 4, 6, 3)
STEM_KERNEL = 8
"""Rows and columns of the first convolution; with a padding of 3 it halves an even size."""


class ResNet34(nn.Module):
    """ResNet-34 with a stem of 8 x 8 and a few outputs (Liu 2021, Table 1).

    The paper's table has 16 channels after the stem and 64 in the first block, which asks for a
    1 x 1 projection in that block and leaves no place for the weights of ImageNet, which the paper
    names. The default is 64; `stem_channels=16` is the table to the letter. Its mean of 8 x 8 at
    the end is that of the whole map of a 256 x 256 sub-image, which is what is taken here of any
    size. 21.280 M parameters at paper size, 21.251 M with 16 channels after the stem.

    Args:
        in_channels: channels of the image.
        out_channels: outputs.
        width: channels of the first stage; each later one doubles them.
        stem_channels: channels after the stem; `width` if not given.
        weights: local file with torchvision's ResNet-34 weights of ImageNet; None starts from
            random weights. The stem's kernels of 7 x 7 are summed over the colours, shared out over
            the channels and padded with zeros; the outputs start at random.

    Raises:
        ValueError: if there are weights for a network of another width, or the file holds others.
        FileNotFoundError: if there is no such file.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 2,
        width: int = PAPER_WIDTH,
        *,
        stem_channels: int | None = None,
        weights: str | Path | None = None,
    ) -> None:
        super().__init__()
        stem = width if stem_channels is None else stem_channels
        # names of torchvision's, whose weights fit
        self.conv1 = nn.Conv2d(in_channels, stem, STEM_KERNEL, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        widths = [width * 2**stage for stage in range(len(BLOCKS))]
        self.layer1 = _stage(stem, widths[0], BLOCKS[0], stride=1)
        self.layer2 = _stage(widths[0], widths[1], BLOCKS[1], stride=2)
        self.layer3 = _stage(widths[1], widths[2], BLOCKS[2], stride=2)
        self.layer4 = _stage(widths[2], widths[3], BLOCKS[3], stride=2)
        self.fc = nn.Linear(widths[3], out_channels)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if weights is not None:
            self._start_from(weights)

    def forward(self, image: Tensor) -> Tensor:
        """Compute logits (B, out_channels) of an image (B, in_channels, H, W)."""
        x = self.pool(torch.relu(self.bn1(self.conv1(image))))  # (B, stem, H/4, W/4)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # (B, 8 * width, H/32, W/32)
        return self.fc(x.mean(dim=(-2, -1)))

    def _start_from(self, weights: str | Path) -> None:
        """Take over all weights of ImageNet that have a place here."""
        if self.fc.in_features != 8 * PAPER_WIDTH or self.conv1.out_channels != PAPER_WIDTH:
            raise ValueError(
                f"width and stem_channels must be {PAPER_WIDTH} to start from weights, got "
                f"{self.fc.in_features // 8} and {self.conv1.out_channels}"
            )
        published = resnet34()
        load_exactly(
            published, read_weights(weights), file=weights, expected="torchvision's ResNet-34"
        )
        state = published.state_dict()
        stem = state["conv1.weight"].sum(dim=1, keepdim=True)  # (64, 1, 7, 7)
        channels = self.conv1.in_channels
        state["conv1.weight"] = F.pad(stem, (0, 1, 0, 1)).expand(-1, channels, -1, -1) / channels
        state["fc.weight"], state["fc.bias"] = self.fc.weight.data, self.fc.bias.data
        self.load_state_dict(state)


def _stage(in_channels: int, out_channels: int, blocks: int, *, stride: int) -> nn.Sequential:
    """Build a stage; the first block strides, and projects its shortcut where the shape changes."""
    shortcut = None
    if stride != 1 or in_channels != out_channels:
        projection = nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)
        shortcut = nn.Sequential(projection, nn.BatchNorm2d(out_channels))
    first = BasicBlock(in_channels, out_channels, stride, shortcut)
    return nn.Sequential(
        first, *(BasicBlock(out_channels, out_channels) for _ in range(blocks - 1))
    )
