"""The network of He 2024: fusion, multi-pool, parameter counts, learning, scripting."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bonescan.networks import DualPool, DualPoolUNet, ResidualMultiPool, UNet
from tests.networks.checks import assert_gradient_everywhere, count, fit, script

SYSTEMS = [
    {"pooling": "max"},
    {"pooling": "avg"},
    {"pooling": "fusion"},
    {"pooling": "fusion", "context": "raw"},
    {"pooling": "fusion", "context": "dac1"},
    {"pooling": "fusion", "context": "dac2"},
]


def conv(inputs: int, outputs: int, taps: int, *, bias: bool = True) -> int:
    return inputs * outputs * taps + outputs * bias


def parameters_by_hand(*, fusion: bool, context: str | None, classes: int = 1) -> int:
    """Count from the tables of levels, at paper size."""
    widths = (64, 128, 256, 512)
    blocks = [(1, 64), (64, 128), (128, 256), (256, 512), (512, 1024)]
    blocks += [(1024, 512), (512, 256), (256, 128), (128, 64)]
    total = conv(64, classes, 1)
    for inputs, outputs in blocks:
        total += conv(inputs, outputs, 9, bias=False) + conv(outputs, outputs, 9, bias=False)
        total += 2 * 2 * outputs  # scale and shift of two normalisations
    deepest = 1024 if context is None else 1028
    for inputs, outputs in [(deepest, 512), (512, 256), (256, 128), (128, 64)]:
        total += conv(inputs, outputs, 4)
    if fusion:
        for width, hidden in zip(widths, (8, 8, 8, 16), strict=True):
            total += conv(width, hidden, 1, bias=False) + 2 * hidden + 2 * conv(hidden, width, 1)
    if context is not None:
        total += 3 * conv(1024, 1024, 9) + conv(1024, 1024, 1 if context == "raw" else 9)
        total += conv(1024, 1, 1)
    return total


@pytest.mark.parametrize(
    ("system", "exact", "millions"),
    [
        # the methods' 31.037 M are those of two output channels (test below); one has 65 fewer
        (SYSTEMS[0], 31_036_481, 31.036),
        (SYSTEMS[1], 31_036_481, 31.036),
        (SYSTEMS[2], 31_073_809, 31.074),
        (SYSTEMS[3], 60_447_250, 60.447),
        (SYSTEMS[4], 68_835_858, 68.836),
        (SYSTEMS[5], 68_835_858, 68.836),
    ],
)
def test_parameter_count_at_paper_size(system, exact, millions):
    with torch.device("meta"):
        parameters = count(DualPoolUNet(**system))
    fusion = system["pooling"] == "fusion"
    assert parameters == exact == parameters_by_hand(fusion=fusion, context=system.get("context"))
    assert round(parameters / 1e6, 3) == millions


def test_max_pooling_with_two_classes_is_the_normalised_unet():
    with torch.device("meta"):
        ours, theirs = DualPoolUNet(out_channels=2, pooling="max"), UNet(norm="batch")
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    assert count(ours) == parameters_by_hand(fusion=False, context=None, classes=2)
    assert round(count(ours) / 1e6, 3) == 31.037


@pytest.mark.parametrize(("channels", "parameters"), [(64, 1680), (256, 6672), (512, 25632)])
def test_fusion_squeezes_to_a_32nd_and_at_least_8(channels, parameters):
    assert count(DualPool(channels)) == parameters


def test_fusion_halves_the_size():
    assert DualPool(5)(torch.rand(2, 5, 12, 18)).shape == (2, 5, 6, 9)


def test_fusion_weights_the_average_by_rows_and_columns_of_the_maximum():
    torch.manual_seed(0)
    pool = DualPool(3).eval()
    x = torch.rand(1, 3, 4, 6)
    strongest = F.max_pool2d(x, 2)

    def squeeze(strip):  # (1, 3) to (1, 8)
        hidden = pool.squeeze(strip[..., None, None])
        return F.hardswish(pool.norm(hidden))

    with torch.no_grad():
        pooled = pool(x)
        for row, column in ((0, 0), (1, 0), (0, 2)):
            by_row = pool.row_gate(squeeze(strongest[:, :, row].mean(-1)))[..., 0, 0]
            by_column = pool.column_gate(squeeze(strongest[..., column].mean(-1)))[..., 0, 0]
            cell = x[..., 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            expected = cell.mean((-2, -1)) * by_row.sigmoid() * by_column.sigmoid()
            torch.testing.assert_close(pooled[..., row, column], expected)


def test_multi_pool_adds_four_channels_behind_the_input():
    torch.manual_seed(0)
    pool = ResidualMultiPool(3)
    x = torch.rand(2, 3, 8, 10)
    with torch.no_grad():
        out = pool(x)
    assert out.shape == (2, 7, 8, 10)
    torch.testing.assert_close(out[:, :3], x)
    nn.init.constant_(pool.reduce.weight, 1.0)
    peak = torch.zeros(1, 3, 16, 16)
    peak[0, 0, 0, 0] = 2.0
    with torch.no_grad():
        reach = [(pool(peak)[0, 3 + i, 0] > 0).sum().item() for i in range(4)]
    assert reach == [3, 5, 6, 8], "upsampled from grids of 8, 5, 4 and 3"


def test_multi_pool_refuses_what_its_largest_kernel_does_not_fit():
    with pytest.raises(ValueError, match=r"at least 5 .* got 4 rows x 6 columns"):
        ResidualMultiPool(2)(torch.rand(1, 2, 4, 6))


@pytest.mark.parametrize("system", SYSTEMS)
def test_logits_have_the_size_of_the_image_and_gradients_reach_every_parameter(system):
    torch.manual_seed(0)
    network = DualPoolUNet(width=4, **system)
    image = torch.rand(2, 1, 96, 80)
    assert network(image).shape == (2, 1, 96, 80)
    assert_gradient_everywhere(network, image)


@pytest.mark.slow  # all six together
@pytest.mark.parametrize("system", SYSTEMS)
def test_one_batch_is_overfitted(system):
    torch.manual_seed(0)
    network = DualPoolUNet(width=4, **system)
    image = torch.rand(2, 1, 80, 96)
    label = torch.zeros(2, 1, 80, 96)
    label[0, 0, 5:29, 3:42] = 1
    label[1, 0, 40:52, 10:34] = 1
    image += label
    loss = F.binary_cross_entropy_with_logits
    assert fit(network, image, label, loss, steps=100, lr=2e-2) < 0.1
    wrong = (network(image) > 0) != (label > 0)
    assert wrong.sum() < 0.02 * label.sum()


@pytest.mark.parametrize("system", SYSTEMS)
def test_scripted_network_gives_the_same(system):
    torch.manual_seed(0)
    network = DualPoolUNet(width=4, **system).eval()
    scripted = script(network)
    for rows, columns in ((80, 112), (96, 80)):
        image = torch.rand(1, 1, rows, columns)
        torch.testing.assert_close(scripted(image), network(image))


@pytest.mark.parametrize("context", [None, "raw", "dac1", "dac2"])
def test_initial_logits_neither_vanish_nor_explode(context):
    torch.manual_seed(1)
    network = DualPoolUNet(width=8, context=context)
    with torch.no_grad():
        assert 0.05 < network(torch.rand(2, 1, 80, 96)).std() < 5


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match="pooling must be one of max, avg, fusion, got 'dual'"):
        DualPoolUNet(width=4, pooling="dual")
