"""Generator and discriminator of a DCGAN, for thorax images (Lin 2022, data sets D3 and D4).

Radford et al. 2016, doi 10.48550/arXiv.1511.06434: fractionally strided convolutions in place of
poolings, batch normalisation everywhere but at the image, no hidden dense layer. The original ends
at 64 x 64 and Lin 2022 gives no layers: the stages up to 256 x 256 are ours, and so are kernels of
4 x 4 in place of 5 x 5, since a multiple of the stride leaves no chessboard.
"""

from collections.abc import Sequence
from itertools import pairwise

from monai.networks.blocks import Convolution
from torch import Tensor, nn

FIRST_SIDE = 4
"""Rows and columns of what the latent vector becomes, as in the paper."""
INIT_STD = 0.02
"""Standard deviation of the first weights, as in the paper."""
LEAK = ("LEAKYRELU", {"negative_slope": 0.2})
"""Activation of the discriminator, as in the paper."""


class DCGANGenerator(nn.Sequential):
    """Make images of latent vectors: 4 x 4 features, doubled until they are images.

    At width 32 and 256 x 256: 1024, 512, 256, 128, 64, 32 features, then the image.

    Args:
        latent_size: numbers of a latent vector.
        size: (rows, columns) of the images, equal, 8 or a doubling of it.
        width: features of the last stage before the image; each stage before has twice as many.

    Raises:
        ValueError: if a size or number is another.
    """

    def __init__(
        self, latent_size: int = 100, size: Sequence[int] = (256, 256), width: int = 32
    ) -> None:
        _require_positive("latent_size", latent_size)
        features = _list_features(size, width)
        stages = [_up(before, after) for before, after in pairwise(features)]
        super().__init__(
            _up(latent_size, features[0], stride=1, padding=0),
            *stages,
            Convolution(
                2, features[-1], 1, 2, 4, is_transposed=True, padding=1, output_padding=0,
                conv_only=True,
            ),
            nn.Tanh(),
        )  # fmt: skip
        self.latent_size = latent_size
        self.apply(_init_normal)

    def forward(self, latents: Tensor) -> Tensor:
        """Map latent vectors (B, latent_size) to images (B, 1, H, W) in -1..1.

        Raises:
            ValueError: if they have another shape, as images have.
        """
        if latents.ndim != 2 or latents.shape[1] != self.latent_size:
            raise ValueError(
                f"latents must be (image, {self.latent_size}), got {tuple(latents.shape)}: a "
                "generator makes images (bonescan generate), it finds nothing in them"
            )
        return super().forward(latents[:, :, None, None])


class DCGANDiscriminator(nn.Sequential):
    """Tell real images from generated ones: the generator's stages the other way round.

    Args:
        size: (rows, columns) of the images, equal, 8 or a doubling of it.
        width: features of the first stage; each stage after has twice as many.

    Raises:
        ValueError: if a size or number is another.
    """

    def __init__(self, size: Sequence[int] = (256, 256), width: int = 32) -> None:
        features = _list_features(size, width)[::-1]
        first = Convolution(
            2, 1, features[0], 2, 4, padding=1, adn_ordering="A", act=LEAK
        )  # no normalisation at the image
        stages = [_down(before, after) for before, after in pairwise(features)]
        last = Convolution(2, features[-1], 1, 1, FIRST_SIDE, padding=0, conv_only=True)
        super().__init__(first, *stages, last, nn.Flatten())
        self.apply(_init_normal)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 1, H, W) in -1..1 to logits (B, 1) of their being real."""
        return super().forward(images)


def to_signed(image: Tensor) -> Tensor:
    """Bring images in 0..1, as all systems read them, to -1..1, as a generator makes them."""
    return 2 * image - 1


def from_signed(image: Tensor) -> Tensor:
    """Undo to_signed."""
    return (image + 1) / 2


def _list_features(size: Sequence[int], width: int) -> list[int]:
    """Return the features of each stage between FIRST_SIDE and half the image, from the former."""
    _require_positive("width", width)
    rows, columns = size
    doublings = (rows // FIRST_SIDE).bit_length() - 1
    if rows != columns or doublings < 1 or FIRST_SIDE << doublings != rows:
        raise ValueError(
            f"size must be equal rows and columns of 8, 16, 32, 64, 128, 256, ..., got {list(size)}"
        )
    return [width << stage for stage in reversed(range(doublings))]


def _require_positive(name: str, number: int) -> None:
    if number < 1:
        raise ValueError(f"{name} must be 1 or more, got {number}")


def _up(in_channels: int, out_channels: int, *, stride: int = 2, padding: int = 1) -> Convolution:
    return Convolution(
        2, in_channels, out_channels, stride, 4, is_transposed=True, padding=padding,
        output_padding=0, bias=False, adn_ordering="NA", norm="BATCH", act="RELU",
    )  # fmt: skip


def _down(in_channels: int, out_channels: int) -> Convolution:
    return Convolution(
        2, in_channels, out_channels, 2, 4, padding=1,
        bias=False, adn_ordering="NA", norm="BATCH", act=LEAK,
    )  # fmt: skip


def _init_normal(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, INIT_STD)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
