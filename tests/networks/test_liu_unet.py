"""Networks of Liu 2021 of residual blocks: parameters, shapes, gradients, learning."""

import pytest
import torch
from monai.losses import DiceLoss

from bonescan.networks import LeakyUNetRes, LocationNet
from tests.networks.checks import assert_gradient_everywhere, count, fit


@pytest.mark.parametrize(
    ("arguments", "thousands", "exact"),
    [
        ({"width": 4}, 7.9, 7_881),
        ({}, 1_946.2, 1_946_241),
        ({"levels": 5}, 32_435.1, 32_435_073),
    ],
)
def test_parameters_of_the_three_readings(arguments, thousands, exact):
    with torch.device("meta"):
        parameters = count(LeakyUNetRes(**arguments))
    assert parameters == exact
    assert round(parameters / 1e3, 1) == thousands


@pytest.mark.parametrize(("width", "channels"), [(4, (4, 8, 16)), (64, (64, 128, 256))])
def test_channels_double_from_level_to_level(width, channels):
    with torch.device("meta"):
        network = LeakyUNetRes(width)
    found = [block.conv1.conv.out_channels for block in (*network.encoder, network.bottom)]
    assert tuple(found) == channels


def test_logits_keep_the_size_of_the_image():
    assert LeakyUNetRes(2)(torch.rand(2, 1, 24, 36)).shape == (2, 1, 24, 36)


def test_gradient_reaches_every_parameter():
    torch.manual_seed(0)
    assert_gradient_everywhere(LeakyUNetRes(4), torch.rand(2, 1, 32, 48))
    assert_gradient_everywhere(LocationNet(6, width=2), torch.rand(2, 2, 512, 1024))


def test_one_batch_is_overfitted():
    torch.manual_seed(0)
    image, label = torch.rand(2, 1, 32, 48), torch.zeros(2, 1, 32, 48)
    label[0, 0, 5:9, 3:12] = label[1, 0, 20:24, 10:13] = 1
    loss = DiceLoss(sigmoid=True, batch=True)
    assert fit(LeakyUNetRes(8), image + label, label, loss, steps=60, lr=0.03) < 0.1


def test_location_network_is_the_published_one():
    with torch.device("meta"):
        network = LocationNet(6)
        logits = network(torch.rand(3, 2, 1024, 1024))
    assert count(network) == 19_591_758
    widths = [block.conv1.conv.out_channels for block in network.blocks]
    assert widths == [4, 8, 16, 32, 64, 128, 256, 512, 1024]
    assert logits.shape == (3, 6)


def test_a_narrower_location_network_stops_doubling_earlier():
    widths = [block.conv1.conv.out_channels for block in LocationNet(6, width=2).blocks]
    assert widths == [4, 8, 16, 32, 32, 32, 32, 32, 32]


@pytest.mark.slow
def test_location_network_overfits_one_batch():
    torch.manual_seed(0)
    picture = torch.zeros(2, 2, 512, 512)
    picture[0, :, 100:160, 40:90] = picture[1, :, 300:340, 400:480] = 1
    bits = torch.tensor([[1.0, 0, 1], [0, 1, 0]])
    loss = torch.nn.BCEWithLogitsLoss()
    assert fit(LocationNet(3, width=1), picture, bits, loss, steps=40, lr=0.03) < 0.05


def test_sides_must_be_halved_nine_times():
    with pytest.raises(ValueError, match="multiples of 512, got 256 rows x 512 columns"):
        LocationNet(6, width=1)(torch.rand(1, 2, 256, 512))
