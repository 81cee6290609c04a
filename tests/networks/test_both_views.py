"""The network of both views: size, order of its channels, a view that is missing, learning."""

import pytest
import torch

from bonescan.labels import REGION_GROUPS, FocusLabel
from bonescan.networks import BothViewsUNet
from tests.networks.checks import assert_gradient_everywhere, count, fit, script

CLASSES, REGIONS = len(FocusLabel), len(REGION_GROUPS)


def make(width: int = 4, **arguments: int) -> BothViewsUNet:
    torch.manual_seed(0)
    return BothViewsUNet(3, 5, [width, 2 * width, 4 * width], **arguments)


def test_the_released_size_has_under_four_million_parameters():
    with torch.device("meta"):
        network = BothViewsUNet(CLASSES, REGIONS, [32, 64, 128, 160, 160, 160])
    assert count(network) == 3_924_956


@pytest.mark.parametrize("block", [1, 2, 4])
def test_every_pixel_of_both_views_gets_classes_and_regions(block):
    logits = make(block=block)(torch.rand(2, 2, 48, 16))
    assert logits.shape == (2, 2 * (3 + 5), 48, 16)
    assert logits.dtype == torch.float32


def test_channels_go_view_by_view_classes_before_regions():
    network = make()
    with torch.no_grad():
        for layer in (network.bones, network.body.output_block.conv.conv):
            layer.weight.zero_()
            layer.bias.copy_(torch.arange(len(layer.bias)))
    logits = network(torch.rand(1, 2, 32, 16))[0]
    # class c of view v fills a block with its four channels, row by row
    for view in range(2):
        for number in range(3):
            first = 4 * (3 * view + number)
            block = torch.tensor([[first, first + 1.0], [first + 2, first + 3]])
            torch.testing.assert_close(logits[8 * view + number], block.repeat(16, 8))
        for number in range(5):
            region = torch.full((32, 16), 5.0 * view + number)
            torch.testing.assert_close(logits[8 * view + 3 + number], region)


def test_each_view_is_evidence_for_the_other():
    network = make().eval()
    image = torch.rand(1, 2, 32, 16)
    alone = image.clone()
    alone[:, 1] = 0
    with torch.inference_mode():
        both, one = network(image), network(alone)
    assert torch.isfinite(one).all()
    assert not torch.allclose(both[:, :8], one[:, :8])


def test_every_parameter_gets_a_gradient():
    assert_gradient_everywhere(make(), torch.rand(2, 2, 48, 16))


def test_it_can_be_scripted():
    network = make().eval()
    image = torch.rand(1, 2, 32, 16)
    with torch.inference_mode():
        torch.testing.assert_close(script(network)(image), network(image))


def test_it_learns_a_batch():
    torch.manual_seed(1)
    image = torch.rand(2, 2, 32, 16)
    label = torch.cat([(image > 0.5).float(), (image < 0.2).float()], dim=1)

    def loss(logits, truth):  # class 0 and class 1 of each view
        return torch.nn.functional.binary_cross_entropy_with_logits(logits[:, [0, 8, 1, 9]], truth)

    assert fit(make(8), image, label, loss, steps=250, lr=0.02) < 0.15
