"""The recurrent feature extractor of Lin 2022: dilated residual blocks and inception, in steps.

Lin et al. 2022, Frontiers in Molecular Biosciences 9:956720. The paper names the blocks and the
number of parameters for one to four steps, not the layers; the order of the blocks here is ours.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from bonescan.networks.unet import check_sides, init_he
from bonescan.view_channels import find_acquired

PRELU_POWER = 2 / (1 + 0.25**2)
"""Power that keeps a signal through PReLU, whose slope starts at torch's 0.25 (He 2015, eq. 15)."""


class DilatedBlock(nn.Sequential):
    """Two dilated 3x3 convolutions, each with batch normalisation and PReLU.

    Maps (B, in_channels, H, W) to (B, out_channels, H, W).
    """

    def __init__(self, in_channels: int, out_channels: int, *, dilation: int) -> None:
        super().__init__(
            _conv_norm_act(in_channels, out_channels, (3, 3), dilation=dilation),
            _conv_norm_act(out_channels, out_channels, (3, 3), dilation=dilation),
        )


class ResidualDilatedBlock(nn.Module):
    """The sum of a DilatedBlock and a 1x1 convolution: "RDC" in Lin 2022."""

    def __init__(self, in_channels: int, out_channels: int, *, dilation: int) -> None:
        super().__init__()
        self.main = DilatedBlock(in_channels, out_channels, dilation=dilation)
        self.shortcut = nn.Conv2d(in_channels, out_channels, kernel_size=1)
        init_he(self.shortcut, power=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, H, W)."""
        return self.main(x) + self.shortcut(x)


class InceptionReduction(nn.Module):
    """Halve the sides by four branches at once, and double the channels.

    Branches of half the input's channels each, after a 1x1 convolution: 1x3 and 3x1, 1x7 and 7x1,
    5x5, and a max pooling.

    Args:
        channels: of the input, an even number; the output has twice as many.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = channels // 2
        self.branches = nn.ModuleList(
            nn.Sequential(_conv_norm_act(channels, width, (1, 1)), *layers)
            for layers in (
                _separable(width, 3),
                _separable(width, 7),
                [_conv_norm_act(width, width, (5, 5), stride=2)],
                [nn.MaxPool2d(2)],
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to (B, 2 * channels, H/2, W/2)."""
        maps: list[Tensor] = []
        for branch in self.branches:
            maps.append(branch(x))  # noqa: PERF401 - TorchScript has no such comprehension
        return torch.cat(maps, dim=1)


class ExtractionStep(nn.Module):
    """One step of the recurrence: the image and what the step before found give new features.

    Args:
        in_channels: channels of the image.
        state_channels: features of the step before; 0 in a step that has none before it.
        width: features of this step.
        dilated: whether the second and third block look 2 and 4 pixels apart.
        inception: whether the sides are last halved by InceptionReduction; by a strided 3x3
            convolution if not.
        residual: whether the blocks have a shortcut.
    """

    encoder: Final[int] = 6
    """Layers of the body that shrink the image; the others enlarge it again."""

    def __init__(
        self,
        in_channels: int,
        state_channels: int,
        width: int,
        *,
        dilated: bool,
        inception: bool,
        residual: bool,
    ) -> None:
        super().__init__()
        block = ResidualDilatedBlock if residual else DilatedBlock
        second, third = (2, 4) if dilated else (1, 1)
        self.from_image = nn.Conv2d(in_channels, width, kernel_size=3, padding=1)
        self.from_state: nn.Conv2d | None = None
        init_he(self.from_image, power=1.0)
        if state_channels:
            # one bias is enough: that of the image's convolution
            self.from_state = nn.Conv2d(state_channels, width, 3, padding=1, bias=False)
            init_he(self.from_state, power=1.0)
        self.act = nn.Sequential(nn.BatchNorm2d(width), nn.PReLU(width))
        self.body = nn.Sequential(
            block(width, width, dilation=1),
            nn.MaxPool2d(2),
            block(width, 2 * width, dilation=second),
            nn.MaxPool2d(2),
            block(2 * width, 4 * width, dilation=third),
            InceptionReduction(4 * width)
            if inception
            else _conv_norm_act(4 * width, 8 * width, (3, 3), stride=2),
            *_enlarge(8 * width, 4 * width),
            *_enlarge(4 * width, 2 * width),
            *_enlarge(2 * width, width),
        )

    def forward(self, image: Tensor, state: Tensor) -> Tensor:
        """Map an image (B, in_channels, H, W) to features (B, width, H, W).

        Args:
            image: as every step sees it.
            state: features (B, state_channels, H, W) of the step before, no channels in the first.
        """
        return self.decode(self.encode(image, state))

    def encode(self, image: Tensor, state: Tensor) -> Tensor:
        """Return features (B, 8 * width, H/8, W/8), of the arguments of `forward`."""
        x = self.from_image(image)
        if self.from_state is not None and state.shape[1] > 0:
            x = x + self.from_state(state)
        x = self.act(x)
        for number, layer in enumerate(self.body):  # TorchScript cannot slice
            if number < self.encoder:
                x = layer(x)
        return x

    def decode(self, features: Tensor) -> Tensor:
        """Enlarge features (B, 8 * width, H/8, W/8) to (B, width, H, W)."""
        for number, layer in enumerate(self.body):
            if number >= self.encoder:
                features = layer(features)
        return features


class RecurrentExtractor(nn.Module):
    """Segmentation by repeated extraction of features, without skip connections (Lin 2022).

    The published numbers of parameters grow with the number of steps t, so that the steps cannot
    share their weights, and grow faster than t, so that later steps must be wider. Widths of 64,
    84, 124 and 160 were fitted to them:

    ==  ================  =================  ==========
    t   parameters (M)    published (M)      difference
    ==  ================  =================  ==========
    1   3.653             3.654              -0.04 %
    2   9.989             9.808              +1.8 %
    3   23.774            23.545             +1.0 %
    4   46.739            46.826             -0.2 %
    ==  ================  =================  ==========

    Args:
        in_channels: channels of the image.
        out_channels: channels of logits (the paper: one).
        widths: features of each step; as many as there are steps.
        tie_weights: share the weights of all steps, as recurrence does in theory: 3.690 M
            parameters at width 64, whatever the number of steps.
        dilated: the switches of the paper's Table 5; see ExtractionStep.
        inception: as above.
        residual: as above.

    Raises:
        ValueError: if there is no step, a width is below 1, or tied steps differ in width.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        widths: Sequence[int] = (64,),
        *,
        tie_weights: bool = False,
        dilated: bool = True,
        inception: bool = True,
        residual: bool = True,
    ) -> None:
        super().__init__()
        if not widths or min(widths) < 1:
            raise ValueError(f"widths must be one number, 1 or more, a step, got {list(widths)}")
        if tie_weights and len(set(widths)) > 1:
            raise ValueError(f"widths of tied steps must be equal, got {list(widths)}")
        before = [widths[0] if tie_weights and len(widths) > 1 else 0, *widths[:-1]]
        number = 1 if tie_weights else len(widths)
        self.repeats = len(widths) if tie_weights else 1
        self.divisor = 8  # two poolings and the reduction after them halve the sides
        self.steps = nn.ModuleList(
            ExtractionStep(
                in_channels,
                state_channels,
                width,
                dilated=dilated,
                inception=inception,
                residual=residual,
            )
            for state_channels, width in zip(before[:number], widths[:number], strict=True)
        )
        self.head = nn.Conv2d(widths[-1], out_channels, kernel_size=1)
        init_he(self.head, power=1.0)

    def forward(self, image: Tensor) -> Tensor:
        """Compute logits (B, out_channels, H, W) of an image (B, in_channels, H, W).

        Raises:
            ValueError: if H or W is not a multiple of 8.
        """
        check_sides(image, self.divisor)
        x = image[:, :0]  # nothing is found yet
        for step in self.steps:
            for _ in range(self.repeats):
                x = step(image, x)
        return self.head(x)


class AggregatingExtractor(RecurrentExtractor):
    """One answer to all views of a scan: their features are added at the narrowest place.

    "Feature addition of the two views" in Lin 2022, which gives no layer. Here each step encodes
    every view by itself, with the same weights and what the step before found of the scan; the sum
    over the views is decoded, so that nothing after it tells the views apart. A scan of one view is
    treated as RecurrentExtractor treats that view. The parameters are the same.
    """

    def forward(self, image: Tensor) -> Tensor:
        """Compute logits (B, out_channels, H, W) of scans.

        Args:
            image: (B, view, H, W), the posterior view mirrored so that it lies on the anterior one,
                in any order; zero all over in place of a missing view.

        Raises:
            ValueError: if H or W is not a multiple of 8.
        """
        check_sides(image, self.divisor)
        acquired = find_acquired(image)  # (B, view)
        views = image[acquired].unsqueeze(1)  # (N, 1, H, W) of all scans
        scan = acquired.nonzero()[:, 0]  # (N,): whose view it is
        x = image[:, :0]  # nothing is found yet
        for step in self.steps:
            for _ in range(self.repeats):
                # mypy takes what a module has for tensors
                features = step.encode(views, x[scan])  # type: ignore[operator]
                _, channels, rows, columns = features.shape
                nothing = features.new_zeros((len(image), channels, rows, columns))
                total = nothing.index_add(0, scan, features)
                x = step.decode(total)  # type: ignore[operator]
        return self.head(x)


def _conv_norm_act(
    in_channels: int,
    out_channels: int,
    kernel: tuple[int, int],
    *,
    stride: int = 1,
    dilation: int = 1,
) -> nn.Sequential:
    """Build a convolution of odd kernel, its batch normalisation and PReLU, one slope a channel.

    The convolution's bias has no effect beside the normalisation; with it, one step has the
    published number of parameters.
    """
    rows, columns = kernel
    conv = nn.Conv2d(
        in_channels,
        out_channels,
        kernel,
        stride=stride,
        padding=(dilation * (rows // 2), dilation * (columns // 2)),
        dilation=dilation,
    )
    init_he(conv, power=PRELU_POWER)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.PReLU(out_channels))


def _separable(channels: int, size: int) -> list[nn.Module]:
    """Build a row of taps and a column of taps, the second of which halves the sides."""
    return [
        _conv_norm_act(channels, channels, (1, size)),
        _conv_norm_act(channels, channels, (size, 1), stride=2),
    ]


def _enlarge(in_channels: int, out_channels: int) -> list[nn.Module]:
    return [
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
        _conv_norm_act(in_channels, out_channels, (3, 3)),
    ]
