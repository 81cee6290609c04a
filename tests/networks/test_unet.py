"""U-Net and U-Net-Res: size, parameter count, gradients, learning, scripting."""

import pytest
import torch
from torch import nn

from bonescan.networks import UNet, UNetRes
from tests.networks.checks import assert_gradient_everywhere, count, fit, script

NETWORKS = (UNet, UNetRes)


def conv_parameters(inputs: int, outputs: int, taps: int) -> int:
    return inputs * outputs * taps + outputs


def unet_parameters(*, residual: bool, image: int = 1, classes: int = 2) -> int:
    """Count by hand from the table of levels, at paper size."""
    blocks = [(image, 64), (64, 128), (128, 256), (256, 512), (512, 1024)]
    blocks += [(1024, 512), (512, 256), (256, 128), (128, 64)]
    total = conv_parameters(64, classes, 1)
    for inputs, outputs in blocks:
        total += conv_parameters(inputs, outputs, 9) + conv_parameters(outputs, outputs, 9)
        total += conv_parameters(inputs, outputs, 1) if residual else 0
    ups = [(1024, 512), (512, 256), (256, 128), (128, 64)]
    return total + sum(conv_parameters(inputs, outputs, 4) for inputs, outputs in ups)


@pytest.mark.parametrize(
    ("network_class", "residual", "published_millions", "exact"),
    [(UNet, False, 31.031, 31_030_658), (UNetRes, True, 32.426, 32_426_306)],
)
def test_parameter_count_at_paper_size(network_class, residual, published_millions, exact):
    with torch.device("meta"):
        parameters = count(network_class())
    assert parameters == exact == unet_parameters(residual=residual)
    assert round(parameters / 1e6, 3) == published_millions


@pytest.mark.parametrize(("network_class", "millions"), [(UNet, 31.037), (UNetRes, 32.432)])
def test_batch_normalisation_replaces_the_biases(network_class, millions):
    with torch.device("meta"):
        network = network_class(norm="batch")
    assert round(count(network) / 1e6, 3) == millions
    normalised = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.bias is None]
    assert len(normalised) == sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == 18


@pytest.mark.parametrize("network_class", NETWORKS)
@pytest.mark.parametrize("norm", [None, "batch"])
def test_logits_keep_the_size_of_the_image(network_class, norm):
    network = network_class(in_channels=3, out_channels=5, width=4, norm=norm)
    assert network(torch.rand(2, 3, 48, 32)).shape == (2, 5, 48, 32)


@pytest.mark.parametrize("network_class", NETWORKS)
@pytest.mark.parametrize("norm", [None, "batch"])
def test_gradient_reaches_every_parameter(network_class, norm):
    torch.manual_seed(0)
    network = network_class(width=4, norm=norm)
    assert_gradient_everywhere(network, torch.rand(2, 1, 32, 48))


@pytest.mark.parametrize("network_class", NETWORKS)
def test_batch_equals_each_image_alone(network_class):
    torch.manual_seed(0)
    network = network_class(width=4).eval()
    images = torch.rand(3, 1, 32, 16)
    with torch.no_grad():
        alone = torch.cat([network(image[None]) for image in images])
        torch.testing.assert_close(network(images), alone)


@pytest.mark.parametrize("network_class", NETWORKS)
def test_one_batch_is_overfitted(network_class):
    torch.manual_seed(0)
    network = network_class(width=8)
    image = torch.rand(2, 1, 32, 48)
    label = torch.zeros(2, 32, 48, dtype=torch.long)
    label[0, 5:9, 3:12] = 1
    label[1, 20:24, 10:13] = 1
    image[:, 0] += label
    loss = nn.functional.cross_entropy
    assert fit(network, image, label, loss, steps=200, lr=3e-3) < 0.01
    wrong = network(image).argmax(dim=1) != label
    assert wrong.sum() <= 2


@pytest.mark.parametrize("network_class", NETWORKS)
@pytest.mark.parametrize("width", [8, 32])
def test_initial_logits_neither_vanish_nor_explode(network_class, width):
    torch.manual_seed(1)
    with torch.no_grad():
        logits = network_class(width=width)(torch.rand(1, 1, 64, 48))
    assert 0.05 < logits.std() < 5


@pytest.mark.parametrize("network_class", NETWORKS)
def test_channels_last_gives_the_same(network_class):
    torch.manual_seed(0)
    network = network_class(width=4).eval()
    image = torch.rand(2, 1, 32, 48)
    with torch.no_grad():
        expected = network(image)
        network = network.to(memory_format=torch.channels_last)
        logits = network(image.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(logits, expected)


@pytest.mark.parametrize("network_class", NETWORKS)
@pytest.mark.parametrize("norm", [None, "batch"])
def test_scripted_network_gives_the_same(network_class, norm):
    network = network_class(width=4, norm=norm).eval()
    scripted = script(network)
    for rows, columns in ((32, 48), (16, 64)):
        image = torch.rand(1, 1, rows, columns)
        torch.testing.assert_close(scripted(image), network(image))
    with pytest.raises(torch.jit.Error, match="multiples of 16, got 40 rows x 32 columns"):
        scripted(torch.rand(1, 1, 40, 32))


@pytest.mark.parametrize("network_class", NETWORKS)
@pytest.mark.parametrize(("rows", "columns"), [(40, 32), (32, 40)])
def test_sides_that_do_not_divide_are_refused(network_class, rows, columns):
    match = f"multiples of 16, got {rows} rows x {columns} columns"
    with pytest.raises(ValueError, match=match):
        network_class(width=4)(torch.rand(1, 1, rows, columns))


@pytest.mark.parametrize("network_class", NETWORKS)
def test_wrong_arguments_are_refused(network_class):
    with pytest.raises(ValueError, match="width must be 1 or more, got 0"):
        network_class(width=0)
    with pytest.raises(ValueError, match="norm must be None or 'batch', got 'group'"):
        network_class(width=4, norm="group")
