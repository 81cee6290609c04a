"""The networks of a DCGAN: parameter counts, shapes, normalisation, first weights, learning."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bonescan.networks import DCGANDiscriminator, DCGANGenerator
from bonescan.networks.dcgan import from_signed, to_signed
from tests.networks.checks import assert_gradient_everywhere, count

FEATURES = (1024, 512, 256, 128, 64, 32)


def between(features: tuple[int, ...]) -> int:
    """Count the convolutions between stages, with scale and shift of each but the first."""
    return sum(16 * first * second for first, second in pairwise(features)) + sum(
        2 * n for n in features[1:]
    )


def test_parameter_counts_at_paper_size_are_those_by_hand():
    with torch.device("meta"):
        generator, discriminator = DCGANGenerator(), DCGANDiscriminator()
    latent = 100 * 1024 * 16 + 2 * 1024
    assert count(generator) == latent + between(FEATURES) + 32 * 16 + 1 == 12_816_833
    first, last = 32 * 16 + 32, 1024 * 16 + 1
    assert count(discriminator) == first + between(FEATURES[::-1]) + last == 11_194_785


@pytest.mark.parametrize(("side", "width"), [(8, 3), (32, 2), (256, 1)])
def test_images_have_the_size_and_range(side, width):
    images = DCGANGenerator(5, (side, side), width)(torch.rand(3, 5))
    assert images.shape == (3, 1, side, side)
    assert images.abs().max() < 1
    assert DCGANDiscriminator((side, side), width)(images).shape == (3, 1)


def test_every_parameter_learns():
    torch.manual_seed(0)
    assert_gradient_everywhere(DCGANGenerator(5, (16, 16), 3), torch.rand(4, 5))
    assert_gradient_everywhere(DCGANDiscriminator((16, 16), 3), torch.rand(4, 1, 16, 16))


def test_normalisation_is_everywhere_but_at_the_image():
    def kinds(network: nn.Module) -> list[str]:
        return [
            type(module).__name__.removesuffix("2d")
            for module in network.modules()
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d)
        ]

    up, down = ["ConvTranspose", "BatchNorm"], ["Conv", "BatchNorm"]
    assert kinds(DCGANGenerator(5, (32, 32), 2)) == [*3 * up, "ConvTranspose"]
    assert kinds(DCGANDiscriminator((32, 32), 2)) == ["Conv", *2 * down, "Conv"]


def test_first_weights_are_small_and_normal():
    torch.manual_seed(0)
    for network in (DCGANGenerator(64, (32, 32), 16), DCGANDiscriminator((32, 32), 16)):
        weights = [
            module.weight.flatten()
            for module in network.modules()
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
        ]
        assert torch.cat(weights).std().item() == pytest.approx(0.02, rel=0.02)


def test_discriminator_tells_one_batch_from_another():
    torch.manual_seed(0)
    network = DCGANDiscriminator((16, 16), 4)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    images, real = torch.randn(8, 1, 16, 16), torch.tensor([[1.0], [0.0]] * 4)
    for _ in range(40):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(network(images), real).backward()
        optimizer.step()
    assert torch.equal(network(images) > 0, real.bool())


def test_scales_are_each_other_undone():
    image = torch.tensor([0.0, 0.25, 1.0])
    assert to_signed(image).tolist() == [-1.0, -0.5, 1.0]
    torch.testing.assert_close(from_signed(to_signed(image)), image)


@pytest.mark.parametrize("size", [(4, 4), (12, 12), (16, 32), (0, 0)])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match="size must be equal rows and columns of 8, 16"):
        DCGANGenerator(5, size, 2)
    with pytest.raises(ValueError, match="size must be equal rows and columns of 8, 16"):
        DCGANDiscriminator(size, 2)


def test_other_numbers_are_refused():
    with pytest.raises(ValueError, match="latent_size must be 1 or more, got 0"):
        DCGANGenerator(0, (8, 8), 2)
    with pytest.raises(ValueError, match="width must be 1 or more, got 0"):
        DCGANDiscriminator((8, 8), 0)


def test_images_are_no_latents():
    with pytest.raises(ValueError, match=r"latents must be \(image, 5\), got \(2, 1, 8, 8\)"):
        DCGANGenerator(5, (8, 8), 2)(torch.rand(2, 1, 8, 8))
