"""ResNet-34 of Liu 2021: parameters, stem, weights of ImageNet, gradients, learning."""

import pytest
import torch
from torchvision.models import resnet34

from bonescan.networks import ResNet34
from tests.networks.checks import assert_gradient_everywhere, count, fit


@pytest.mark.parametrize(("stem", "millions"), [(None, 21.280), (64, 21.280), (16, 21.251)])
def test_parameters_at_paper_size(stem, millions):
    with torch.device("meta"):
        parameters = count(ResNet34(stem_channels=stem))
    assert round(parameters / 1e6, 3) == millions


def test_the_stem_halves_a_sub_image():
    network = ResNet34(width=4)
    assert network.conv1(torch.rand(1, 1, 256, 256)).shape == (1, 4, 128, 128)
    assert network(torch.rand(3, 1, 256, 256)).shape == (3, 2)


@pytest.mark.parametrize("stem", [None, 2])
def test_gradient_reaches_every_parameter(stem):
    torch.manual_seed(0)
    network = ResNet34(2, 6, width=4, stem_channels=stem)
    assert_gradient_everywhere(network, torch.rand(3, 2, 64, 96))


def test_one_batch_is_overfitted():
    torch.manual_seed(0)
    image = torch.rand(4, 1, 64, 64)
    bits = torch.tensor([[1.0, 0], [0, 1], [1, 1], [0, 0]])
    loss = torch.nn.BCEWithLogitsLoss()
    assert fit(ResNet34(width=4), image, bits, loss, steps=40, lr=0.01) < 0.05


@pytest.mark.parametrize("channels", [1, 2])
def test_weights_of_imagenet_see_grey_as_they_did(channels, tmp_path):
    """Grey in all colours, and in all channels, gives what torchvision's stem gives."""
    torch.manual_seed(0)
    published = resnet34().eval()
    torch.save(published.state_dict(), tmp_path / "resnet34.pt")
    network = ResNet34(channels, weights=tmp_path / "resnet34.pt").eval()
    grey = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        expected = published.conv1(grey.expand(-1, 3, -1, -1))
        torch.testing.assert_close(network.conv1(grey.expand(-1, channels, -1, -1)), expected)
    assert network.layer3[2].conv1.weight.equal(published.layer3[2].conv1.weight)
    assert network.fc.out_features == 2


def test_weights_of_others_are_refused(tmp_path):
    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"other\.pt: weights must be those of torchvision's Res"):
        ResNet34(weights=tmp_path / "other.pt")
    with pytest.raises(ValueError, match="must be 64 to start from weights, got 64 and 16"):
        ResNet34(stem_channels=16, weights=tmp_path / "other.pt")
