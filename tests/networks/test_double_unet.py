"""The Double U-Net: parameter count, gate, weights from a file, learning, scripting."""

import pytest
import torch
from torch import nn

from bonescan.networks import DoubleUNet
from bonescan.networks.double_unet import SpatialPyramid, SqueezeExcite
from tests.networks.checks import assert_gradient_everywhere, count, fit, script


def conv(inputs: int, outputs: int, taps: int, *, bias: bool = True) -> int:
    return inputs * outputs * taps + outputs * bias


def block_by_hand(inputs: int, outputs: int) -> int:
    norms = 2 * 2 * outputs
    return conv(inputs, outputs, 9) + conv(outputs, outputs, 9) + norms + outputs * outputs // 4


def pyramid_by_hand(inputs: int) -> int:
    branches = conv(inputs, 64, 1) + conv(inputs, 64, 1, bias=False)
    branches += 3 * conv(inputs, 64, 9, bias=False)
    return branches + conv(320, 64, 1, bias=False) + 6 * 2 * 64


def parameters_by_hand(classes: int) -> int:
    """Count from the table of layers, at paper size."""
    vgg = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256)] + [(256, 256)] * 3
    vgg += [(256, 512)] + [(512, 512)] * 7
    total = sum(conv(inputs, outputs, 9) for inputs, outputs in vgg)
    decoder1 = [(576, 256), (512, 128), (256, 64), (128, 32)]
    encoder2 = [(3, 32), (32, 64), (64, 128), (128, 256)]
    decoder2 = [(832, 256), (640, 128), (320, 64), (160, 32)]
    total += sum(block_by_hand(*sizes) for sizes in decoder1 + encoder2 + decoder2)
    return total + pyramid_by_hand(512) + pyramid_by_hand(256) + 2 * conv(32, classes, 1)


@pytest.mark.parametrize(("classes", "exact"), [(1, 29_290_274), (3, 29_290_406)])
def test_parameter_count_at_paper_size(classes, exact):
    with torch.device("meta"):
        parameters = count(DoubleUNet(classes))
    assert parameters == exact == parameters_by_hand(classes)
    assert round(parameters / 1e6, 3) == 29.290


@pytest.mark.parametrize("classes", [1, 3])
def test_both_outputs_in_training_and_the_second_alone_after_it(classes):
    torch.manual_seed(0)
    network = DoubleUNet(classes, width=8)
    image = torch.rand(2, 3, 64, 64)
    assert network(image).shape == (2, 2 * classes, 64, 64)
    assert network.eval()(image).shape == (2, classes, 64, 64)


@pytest.mark.parametrize(("rows", "columns"), [(32, 48), (80, 16)])
def test_logits_have_the_size_of_the_image(rows, columns):
    network = DoubleUNet(3, width=8).eval()
    assert network(torch.rand(1, 3, rows, columns)).shape == (1, 3, rows, columns)


@pytest.mark.parametrize("classes", [1, 3])
def test_the_second_unet_sees_each_channel_weighted_by_one_class(classes):
    torch.manual_seed(0)
    network = DoubleUNet(classes, width=8)
    seen = []
    network.encoder2.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    image = torch.rand(2, 1, 32, 48).expand(-1, 3, -1, -1)
    with torch.no_grad():
        first = network(image)[:, :classes]
    prob = first.sigmoid() if classes == 1 else first.softmax(dim=1)
    for channel in range(3):
        weighted = image[:, channel] * prob[:, channel if classes == 3 else 0]
        torch.testing.assert_close(seen[0][:, channel], weighted)
    if classes == 3:
        torch.testing.assert_close(seen[0].sum(dim=1), image[:, 0])


@pytest.mark.parametrize("classes", [1, 3])
def test_gradient_of_the_prediction_reaches_every_parameter(classes):
    # with running statistics: in training a bias before a normalisation has none
    torch.manual_seed(0)
    network = DoubleUNet(classes, width=8).eval()
    for module in network.modules():
        if isinstance(module, SqueezeExcite):  # so narrow, its ReLU may be closed at the start
            module.squeeze.weight.data.abs_()
    assert_gradient_everywhere(network, torch.rand(2, 3, 64, 48))


@pytest.mark.parametrize("classes", [1, 3])
def test_a_grey_image_equals_three_equal_channels(classes):
    torch.manual_seed(0)
    network = DoubleUNet(classes, width=8).eval()
    image = torch.rand(2, 1, 32, 48)
    with torch.no_grad():
        logits = network(image)
        torch.testing.assert_close(logits, network(image.repeat(1, 3, 1, 1)))
        torch.testing.assert_close(script(network)(image), logits)


def test_one_batch_is_overfitted():
    torch.manual_seed(0)
    network = DoubleUNet(3, width=8)
    image = 0.2 * torch.rand(2, 1, 32, 48)
    label = torch.zeros(2, 32, 48, dtype=torch.long)
    label[0, 4:28, 8:40] = 1
    label[1, 10:30, 4:20] = 1
    label[0, 8:20, 12:28] = 2
    label[1, 14:28, 6:16] = 2
    image = (image + 0.4 * label[:, None]).expand(-1, 3, -1, -1)

    def loss(logits, label):
        return sum(nn.functional.cross_entropy(half, label) for half in logits.chunk(2, dim=1))

    assert fit(network, image, label, loss, steps=40, lr=3e-2) < 0.4
    with torch.no_grad():
        prediction = network(image)[:, 3:].argmax(dim=1)
    assert (prediction != label).sum() < 20


def test_batch_equals_each_image_alone():
    torch.manual_seed(0)
    network = DoubleUNet(3, width=8).eval()
    images = torch.rand(2, 3, 32, 48)
    with torch.no_grad():
        alone = torch.cat([network(image[None]) for image in images])
        torch.testing.assert_close(network(images), alone)


@pytest.mark.parametrize("classes", [1, 3])
def test_scripted_network_gives_the_same(classes):
    torch.manual_seed(0)
    network = DoubleUNet(classes, width=8).eval()
    scripted = script(network)
    for rows, columns in ((32, 48), (48, 16)):
        image = torch.rand(1, 3, rows, columns)
        torch.testing.assert_close(scripted(image), network(image))


def test_squeeze_excite_with_zero_weights_halves_every_channel():
    layer = SqueezeExcite(8)
    nn.init.zeros_(layer.excite.weight)
    x = torch.randn(2, 8, 3, 5)
    torch.testing.assert_close(layer(x), x / 2)


def test_pyramid_sees_the_whole_image_through_its_mean():
    torch.manual_seed(0)
    pyramid = SpatialPyramid(2, 4).eval()
    x = torch.rand(1, 2, 50, 60, requires_grad=True)
    pyramid(x)[0, :, 0, 0].sum().backward()
    assert x.grad[0, :, -1, -1].abs().max() > 0, "dilation 18 reaches 18 pixels only"
    assert x.grad[0, 0, 18, 18].abs() > x.grad[0, 0, 17, 17].abs()


class TestWeights:
    @pytest.fixture
    def state(self):
        torch.manual_seed(3)
        layers = DoubleUNet(1, width=8).encoder1.blocks
        tensors = [tensor for layer in layers for tensor in layer.state_dict().values()]
        numbers = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]  # torchvision's
        names = [f"features.{i}.{kind}" for i in numbers for kind in ("weight", "bias")]
        state = dict(zip(names, tensors, strict=True))
        return {**state, "classifier.0.weight": torch.zeros(2, 2)}

    def test_fills_the_first_encoder(self, state, tmp_path):
        path = tmp_path / "vgg19.pth"
        torch.save(state, path)
        torch.manual_seed(9)
        encoder = DoubleUNet(1, width=8, weights=path).encoder1
        assert torch.equal(encoder.blocks[0][0].weight, state["features.0.weight"])
        assert torch.equal(encoder.blocks[4][7].weight, state["features.34.weight"])

    def test_of_another_width_are_refused(self, state, tmp_path):
        torch.save(state, tmp_path / "vgg19.pth")
        with pytest.raises(ValueError, match=r"vgg19\.pth: weights must be .* VGG-19 .* first .*"):
            DoubleUNet(1, width=16, weights=tmp_path / "vgg19.pth")


@pytest.mark.parametrize("classes", [2, 4])
def test_other_numbers_of_classes_are_refused(classes):
    with pytest.raises(ValueError, match=f"out_channels must be 1 or 3, got {classes}"):
        DoubleUNet(classes, width=8)


def test_images_that_do_not_fit_are_refused():
    network = DoubleUNet(3, width=8)
    with pytest.raises(ValueError, match="image must have 1 or 3 channels, got 2"):
        network(torch.rand(2, 2, 32, 32))
    with pytest.raises(ValueError, match="multiples of 16, got 32 rows x 40 columns"):
        network(torch.rand(2, 3, 32, 40))
