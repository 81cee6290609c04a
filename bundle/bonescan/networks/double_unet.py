"""Double U-Net (Jha 2020) with one class or the three classes of Chen 2023."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.vgg import make_layers

from bonescan.networks.unet import check_sides, init_he
from bonescan.networks.weights import load_exactly, read_weights

IMAGE_CHANNELS = 3
"""A grey image three times: the channels of ImageNet's photographs, and one for each class."""

VGG_CONVOLUTIONS = (2, 2, 4, 4, 4)
"""Convolutions of each block of VGG-19 (Simonyan 2015, Table 1, column E)."""

ASPP_DILATIONS = (6, 12, 18)
SQUEEZE_RATIO = 8


class SqueezeExcite(nn.Module):
    """Weight each channel by a gate computed from the means of all (Hu 2018), without biases."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // SQUEEZE_RATIO)
        self.squeeze = nn.Conv2d(channels, hidden, kernel_size=1, bias=False)
        self.excite = nn.Conv2d(hidden, channels, kernel_size=1, bias=False)
        init_he(self.squeeze, power=2.0)
        init_he(self.excite, power=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to the same shape."""
        means = x.mean(dim=(2, 3), keepdim=True)  # (B, C, 1, 1)
        return x * torch.sigmoid(self.excite(torch.relu(self.squeeze(means))))


class ExcitedConv(nn.Sequential):
    """Two 3x3 convolutions, each with batch normalisation and ReLU, and a SqueezeExcite.

    Maps (B, in_channels, H, W) to (B, out_channels, H, W).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            *_conv_norm(in_channels, out_channels, kernel_size=3, bias=True),
            *_conv_norm(out_channels, out_channels, kernel_size=3, bias=True),
            SqueezeExcite(out_channels),
        )


class SpatialPyramid(nn.Module):
    """Atrous spatial pyramid pooling: image mean, 1x1, and 3x3 of dilations 6, 12 and 18.

    In training the branch of the image mean normalises over the batch alone: a batch needs two
    images at least.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.mean = nn.Sequential(*_conv_norm(in_channels, out_channels, kernel_size=1, bias=True))
        self.near = nn.Sequential(*_conv_norm(in_channels, out_channels, kernel_size=1))
        self.far = nn.ModuleList(
            nn.Sequential(*_conv_norm(in_channels, out_channels, kernel_size=3, dilation=dilation))
            for dilation in ASPP_DILATIONS
        )
        branches = 2 + len(ASPP_DILATIONS)
        self.join = nn.Sequential(*_conv_norm(branches * out_channels, out_channels, kernel_size=1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, H, W)."""
        mean = self.mean(x.mean(dim=(2, 3), keepdim=True))
        # bilinear upsampling of one value is that value everywhere
        maps = [mean.expand(-1, -1, x.shape[2], x.shape[3]), self.near(x)]
        for branch in self.far:
            maps.append(branch(x))  # noqa: PERF401 - TorchScript has no such comprehension
        return self.join(torch.cat(maps, dim=1))


class VggEncoder(nn.Module):
    """The convolutions of VGG-19: features of each block, finest first.

    Args:
        channels: of the five blocks.
        weights: file with torchvision's weights of VGG-19 ("vgg19-....pth"); None starts from
            random ones.

    Raises:
        ValueError: if the file's tensors are not those of the convolutions.
    """

    def __init__(self, channels: Sequence[int], weights: str | Path | None = None) -> None:
        super().__init__()
        plan: list[str | int] = []
        for width, number in zip(channels, VGG_CONVOLUTIONS, strict=True):
            plan += [*([width] * number), "M"]
        layers = make_layers(plan[:-1])  # the last block is not pooled
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                init_he(layer, power=2.0)
        if weights is not None:
            _load_features(layers, weights)
        starts = [i for i, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
        bounds = [0, *starts, len(layers)]
        self.blocks = nn.ModuleList(layers[start:stop] for start, stop in pairwise(bounds))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the features of (B, 3, H, W), at sides H, H/2, ... H/16."""
        features: list[Tensor] = []
        x = image
        for block in self.blocks:
            x = block(x)
            features.append(x)
        return features


class ExcitedEncoder(nn.Module):
    """ExcitedConv blocks, each followed by a max pooling; the last one's result comes pooled.

    Args:
        channels: of each block, finest first.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        inputs = [IMAGE_CHANNELS, *channels[:-1]]
        self.blocks = nn.ModuleList(map(ExcitedConv, inputs, channels))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the features of (B, 3, H, W) before each pooling, and after the last one."""
        features: list[Tensor] = []
        x = image
        for block in self.blocks:
            skip = block(x)
            features.append(skip)
            x = F.max_pool2d(skip, 2)
        features.append(x)
        return features


class ExcitedDecoder(nn.Module):
    """ExcitedConv blocks after bilinear upsampling and the joining of skip connections.

    Args:
        in_channels: of the deepest features.
        skip_channels: of the skips, finest first, summed where a level has several.
        channels: of the blocks, finest first.
    """

    def __init__(
        self, in_channels: int, skip_channels: Sequence[int], channels: Sequence[int]
    ) -> None:
        super().__init__()
        outputs = list(channels)[::-1]
        below = [in_channels, *outputs[:-1]]
        self.blocks = nn.ModuleList(
            ExcitedConv(width_in + skip, width)
            for width_in, skip, width in zip(below, skip_channels[::-1], outputs, strict=True)
        )

    def forward(self, deepest: Tensor, skips: list[Tensor]) -> Tensor:
        """Return the finest features.

        Args:
            deepest: (B, in_channels, H/16, W/16).
            skips: (B, skip_channels[i], H / 2^i, W / 2^i), finest first.
        """
        x = deepest
        for index, block in enumerate(self.blocks):
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = block(torch.cat([x, skips[len(skips) - 1 - index]], dim=1))
        return x


class DoubleUNet(nn.Module):
    """Two U-Nets, the second of which sees the image weighted by the first one's prediction.

    Jha 2020 (DoubleU-Net) as changed by Chen 2023 (Diagnostics 13:3042): with three classes the
    sigmoid becomes a softmax. How three maps weight an image is not said; here each of the three
    equal channels of the image is multiplied by the probability of one class, which is what the
    unchanged layer does and passes all classes on. 29.290 M parameters at paper size, for one
    class and for three.

    In training, batches need two images at least (drop_last of the loader; see SpatialPyramid).

    Args:
        out_channels: 1, or 3 for air, other body and metastasis (bonescan.labels.BodyLabel).
        width: channels of the first VGG block; 64 in the paper, all others follow.
        weights: file with torchvision's weights of VGG-19; needs width 64. None for random ones.

    Raises:
        ValueError: if out_channels is another number, or the weights do not fit.
    """

    def __init__(
        self, out_channels: int = 3, width: int = 64, weights: str | Path | None = None
    ) -> None:
        super().__init__()
        if out_channels not in (1, IMAGE_CHANNELS):
            raise ValueError(f"out_channels must be 1 or {IMAGE_CHANNELS}, got {out_channels}")
        self.image_channels = IMAGE_CHANNELS
        first = [width * factor for factor in (1, 2, 4, 8, 8)]
        second = [width // 2 * factor for factor in (1, 2, 4, 8)]
        both = [a + b for a, b in zip(first[:-1], second, strict=True)]
        self.divisor = 2 ** len(second)
        self.encoder1 = VggEncoder(first, weights)
        self.pyramid1 = SpatialPyramid(first[-1], width)
        self.decoder1 = ExcitedDecoder(width, first[:-1], second)
        self.head1 = nn.Conv2d(second[0], out_channels, kernel_size=1)
        self.encoder2 = ExcitedEncoder(second)
        self.pyramid2 = SpatialPyramid(second[-1], width)
        self.decoder2 = ExcitedDecoder(width, both, second)
        self.head2 = nn.Conv2d(second[0], out_channels, kernel_size=1)
        init_he(self.head1, power=1.0)
        init_he(self.head2, power=1.0)

    def forward(self, image: Tensor) -> Tensor:
        """Compute logits of an image in 0..1.

        Args:
            image: (B, 1, H, W), which the encoders see three times, or (B, 3, H, W).

        Returns:
            In training (B, 2 * out_channels, H, W), the first U-Net's and the second's, for
            bonescan.losses.BothOutputsLoss; else (B, out_channels, H, W), the second's, which is
            the prediction.

        Raises:
            ValueError: if the image has other channels or its sides are not multiples of 16.
        """
        if image.shape[1] not in (1, self.image_channels):
            raise ValueError(
                f"image must have 1 or {self.image_channels} channels, got {image.shape[1]}"
            )
        check_sides(image, self.divisor)
        image = image.expand(-1, self.image_channels, -1, -1)
        features = self.encoder1(image)
        skips = features[:-1]
        logits1 = self.head1(self.decoder1(self.pyramid1(features[-1]), skips))
        features2 = self.encoder2(image * _to_prob(logits1))
        joined = [torch.cat([skips[i], features2[i]], dim=1) for i in range(len(skips))]
        logits2 = self.head2(self.decoder2(self.pyramid2(features2[-1]), joined))
        if self.training:
            return torch.cat([logits1, logits2], dim=1)
        return logits2


def _to_prob(logits: Tensor) -> Tensor:
    return torch.sigmoid(logits) if logits.shape[1] == 1 else torch.softmax(logits, dim=1)


def _conv_norm(
    in_channels: int, out_channels: int, *, kernel_size: int, dilation: int = 1, bias: bool = False
) -> list[nn.Module]:
    """Build a size-keeping convolution, its batch normalisation and ReLU.

    ``bias`` has no effect beside the normalisation; it is there where the original has one.
    """
    conv = nn.Conv2d(
        in_channels,
        out_channels,
        kernel_size,
        padding=dilation * (kernel_size // 2),
        dilation=dilation,
        bias=bias,
    )
    init_he(conv, power=2.0)
    return [conv, nn.BatchNorm2d(out_channels), nn.ReLU()]


def _load_features(layers: nn.Sequential, path: str | Path) -> None:
    """Fill the convolutions from a file with the weights of VGG-19."""
    prefix = "features."
    state = read_weights(path)
    features = {
        name.removeprefix(prefix): tensor
        for name, tensor in state.items()
        if name.startswith(prefix)
    }
    expected = "torchvision's VGG-19 for this width"
    load_exactly(layers, features, file=path, expected=expected)
