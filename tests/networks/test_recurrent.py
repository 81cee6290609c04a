"""The network of Lin 2022: parameter counts, receptive fields, recurrence, switches, learning."""

import pytest
import torch
from torch.nn import functional as F

from bonescan.networks import AggregatingExtractor, RecurrentExtractor
from bonescan.networks.recurrent import DilatedBlock, InceptionReduction, ResidualDilatedBlock
from tests.networks.checks import assert_gradient_everywhere, count, fit, script

WIDTHS = (64, 84, 124, 160)
SWITCHES = [
    {},
    {"dilated": False},
    {"inception": False},
    {"residual": False},
    {"tie_weights": True},
]


def step_by_hand(width: int, before: int) -> int:
    """Count a step from its table of layers."""

    def conv(inputs: int, outputs: int, taps: int) -> int:  # bias, scale, shift and slope
        return inputs * outputs * taps + 4 * outputs

    def block(inputs: int, outputs: int) -> int:
        shortcut = inputs * outputs + outputs
        return conv(inputs, outputs, 9) + conv(outputs, outputs, 9) + shortcut

    half = 2 * width
    inception = 4 * conv(4 * width, half, 1) + conv(half, half, 25)
    inception += 2 * conv(half, half, 3) + 2 * conv(half, half, 7)
    blocks = block(width, width) + block(width, 2 * width) + block(2 * width, 4 * width)
    up = sum(conv(2 * size * width, size * width, 9) for size in (4, 2, 1))
    return conv(1, width, 9) + before * width * 9 + blocks + inception + up


@pytest.mark.parametrize(
    ("steps", "exact", "published", "tolerance"),
    [
        (1, 3_652_673, 3.654e6, 0.0004),
        (2, 9_988_645, 9.808e6, 0.019),
        (3, 23_773_517, 23.545e6, 0.010),
        (4, 46_738_673, 46.826e6, 0.002),
    ],
)
def test_parameter_counts_come_near_the_published_ones(steps, exact, published, tolerance):
    widths = WIDTHS[:steps]
    with torch.device("meta"):
        parameters = count(RecurrentExtractor(widths=widths))
    by_hand = sum(map(step_by_hand, widths, (0, *widths[:-1]))) + widths[-1] + 1
    assert parameters == exact == by_hand
    assert abs(parameters / published - 1) <= tolerance


@pytest.mark.parametrize("steps", [2, 4])
def test_tied_steps_share_their_parameters(steps):
    with torch.device("meta"):
        parameters = count(RecurrentExtractor(widths=[64] * steps, tie_weights=True))
    assert parameters == 3_652_673 + 64 * 64 * 9


@pytest.mark.parametrize(
    ("switches", "millions"),
    [
        ({"dilated": False, "inception": False, "residual": False}, (3.92, 25.5)),
        ({"dilated": True, "inception": False, "residual": False}, (3.92, 25.5)),
        ({"dilated": True, "inception": True, "residual": False}, (3.61, 23.5)),
        ({"dilated": True, "inception": True, "residual": True}, (3.65, 23.8)),
    ],
)
def test_parameters_of_the_ablation(switches, millions):
    with torch.device("meta"):
        counts = [count(RecurrentExtractor(widths=WIDTHS[:t], **switches)) for t in (1, 3)]
    assert round(counts[0] / 1e6, 2) == millions[0]
    assert round(counts[1] / 1e6, 1) == millions[1]


def test_undilated_blocks_differ_in_reach_alone():
    torch.manual_seed(0)
    near, far = (RecurrentExtractor(widths=[2], dilated=dilated) for dilated in (False, True))
    assert near.state_dict().keys() == far.state_dict().keys()
    dilations = [
        {conv.dilation for conv in network.modules() if isinstance(conv, torch.nn.Conv2d)}
        for network in (near, far)
    ]
    assert dilations == [{(1, 1)}, {(1, 1), (2, 2), (4, 4)}]


def test_block_is_the_sum_of_its_paths():
    torch.manual_seed(0)
    block = ResidualDilatedBlock(3, 5, dilation=2).eval()
    x = torch.rand(1, 3, 12, 10)
    with torch.no_grad():
        shortcut = F.conv2d(x, block.shortcut.weight, block.shortcut.bias)
        torch.testing.assert_close(block(x), block.main(x) + shortcut)


def reach(block: torch.nn.Module) -> set[tuple[int, int]]:
    """Return the offsets (row, column) of the inputs that the output's centre depends on."""
    image = torch.rand(1, 2, 33, 33, requires_grad=True)
    block.eval()(image)[0, :, 16, 16].sum().backward()
    rows, columns = image.grad.abs().sum(dim=(0, 1)).nonzero(as_tuple=True)
    return {(int(row) - 16, int(column) - 16) for row, column in zip(rows, columns, strict=True)}


def test_dilation_spreads_the_taps():
    torch.manual_seed(0)
    steps = (-8, -4, 0, 4, 8)
    expected = {(row, column) for row in steps for column in steps}
    assert reach(DilatedBlock(2, 2, dilation=4)) == expected


@pytest.mark.parametrize(
    ("branch", "rows", "columns"), [(0, 3, 3), (1, 7, 7), (2, 5, 5), (3, 2, 2)]
)
def test_inception_halves_the_sides_with_four_fields(branch, rows, columns):
    torch.manual_seed(0)
    reduction = InceptionReduction(4).eval()
    assert reduction.branches[branch](torch.rand(1, 4, 40, 24)).shape == (1, 2, 20, 12)
    touched = torch.zeros(40, 24)
    for _ in range(8):  # a maximum passes one of its four pixels on
        image = torch.rand(1, 4, 40, 24, requires_grad=True)
        reduction.branches[branch](image)[0, :, 10, 6].sum().backward()
        touched += image.grad.abs().sum(dim=(0, 1))
    used = touched.nonzero()
    assert (used.amax(dim=0) - used.amin(dim=0) + 1).tolist() == [rows, columns]


def test_inception_joins_the_branches():
    assert InceptionReduction(6)(torch.rand(2, 6, 16, 12)).shape == (2, 12, 8, 6)


def test_each_step_sees_the_image_and_the_step_before():
    torch.manual_seed(0)
    network = RecurrentExtractor(widths=[2, 3, 4]).eval()
    image = torch.rand(1, 1, 16, 24)
    with torch.no_grad():
        first = network.steps[0](image, image[:, :0])
        second = network.steps[1](image, first)
        third = network.steps[2](image, second)
        torch.testing.assert_close(network(image), network.head(third))
        assert not torch.equal(second, network.steps[1](torch.zeros_like(image), first))
        assert not torch.equal(second, network.steps[1](image, torch.zeros_like(first)))


def test_tied_network_applies_one_step_again():
    torch.manual_seed(0)
    network = RecurrentExtractor(widths=[3, 3, 3], tie_weights=True).eval()
    image = torch.rand(1, 1, 16, 24)
    (step,) = network.steps
    with torch.no_grad():
        x = step(image, step(image, step(image, image[:, :0])))
        torch.testing.assert_close(network(image), network.head(x))


@pytest.mark.parametrize("switches", SWITCHES)
def test_logits_have_the_size_of_the_image_and_gradients_reach_every_parameter(switches):
    torch.manual_seed(0)
    network = RecurrentExtractor(widths=[4, 4], **switches)
    image = torch.rand(2, 1, 40, 24)
    assert network(image).shape == (2, 1, 40, 24)
    assert_gradient_everywhere(network, image)


@pytest.mark.parametrize("switches", SWITCHES)
def test_scripted_network_gives_the_same(switches):
    torch.manual_seed(0)
    network = RecurrentExtractor(widths=[2, 2], **switches).eval()
    scripted = script(network)
    for rows, columns in ((16, 24), (40, 8)):
        image = torch.rand(1, 1, rows, columns)
        torch.testing.assert_close(scripted(image), network(image))


def test_one_batch_is_overfitted():
    torch.manual_seed(0)
    network = RecurrentExtractor(widths=[3, 4])
    label = torch.zeros(2, 1, 32, 40)
    label[0, 0, 5:19, 3:32] = 1
    label[1, 0, 20:28, 10:34] = 1
    image = torch.rand(2, 1, 32, 40) + label
    loss = F.binary_cross_entropy_with_logits
    assert fit(network, image, label, loss, steps=25, lr=2e-2) < 0.2


def test_initial_logits_neither_vanish_nor_explode():
    torch.manual_seed(1)
    network = RecurrentExtractor(widths=[8, 10, 15])
    with torch.no_grad():
        assert 0.05 < network(torch.rand(2, 1, 80, 96)).std() < 5


SHAPES = [{"widths": [3, 4]}, {"widths": [3, 3], "tie_weights": True}]


def make_pair(**shape) -> tuple[RecurrentExtractor, AggregatingExtractor]:
    """Return a network of one view and one of several with its weights, as they apply."""
    torch.manual_seed(0)
    plain, aggregating = RecurrentExtractor(**shape).eval(), AggregatingExtractor(**shape).eval()
    aggregating.load_state_dict(plain.state_dict())
    return plain, aggregating


@pytest.mark.parametrize("shape", SHAPES)
def test_scan_of_one_view_equals_the_plain_network(shape):
    plain, aggregating = make_pair(**shape)
    view = torch.rand(2, 1, 16, 24)
    with torch.no_grad():
        expected = plain(view)
        torch.testing.assert_close(aggregating(view), expected)
        missing = torch.zeros_like(view)
        torch.testing.assert_close(aggregating(torch.cat([view, missing], dim=1)), expected)
        torch.testing.assert_close(aggregating(torch.cat([missing, view], dim=1)), expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_features_of_both_views_are_added_in_every_step(shape):
    plain, aggregating = make_pair(**shape)
    front, back = torch.rand(2, 1, 1, 16, 24)
    x = front[:, :0]
    with torch.no_grad():
        for step in list(plain.steps) * plain.repeats:
            x = step.decode(step.encode(front, x) + step.encode(back, x))
        for views in ([front, back], [back, front]):
            torch.testing.assert_close(aggregating(torch.cat(views, dim=1)), plain.head(x))


def test_batch_of_scans_with_one_and_two_views_equals_each_alone():
    _, aggregating = make_pair(widths=[3, 4])
    scans = torch.rand(4, 2, 16, 24)
    scans[1, 0] = scans[2, 1] = 0
    with torch.no_grad():
        alone = torch.cat([aggregating(scan[None]) for scan in scans])
        torch.testing.assert_close(aggregating(scans), alone)


def test_missing_views_are_no_part_of_the_batch_that_normalises():
    plain, aggregating = (network.train() for network in make_pair(widths=[3]))
    views = torch.rand(2, 1, 16, 24)
    plain(views)
    aggregating(torch.cat([views, torch.zeros_like(views)], dim=1))
    torch.testing.assert_close(aggregating.state_dict(), plain.state_dict())


def test_views_are_not_mirrored_again():
    _, aggregating = make_pair(widths=[2])
    views = torch.rand(1, 2, 32, 384, requires_grad=True)
    aggregating(views)[0, 0, 20, 320].backward()
    for gradient in views.grad[0]:
        assert gradient[:, 192:].any()
        assert not gradient[:, :192].any()


def test_both_views_reach_every_parameter_and_are_scripted():
    torch.manual_seed(0)
    network = AggregatingExtractor(widths=[4, 4])
    views = torch.rand(2, 2, 40, 24)
    views[1, 1] = 0
    assert_gradient_everywhere(network, views)
    network.eval()
    torch.testing.assert_close(script(network)(views), network(views))


def test_sides_that_do_not_halve_three_times_are_refused():
    with pytest.raises(ValueError, match=r"multiples of 8, got 24 rows x 20 columns"):
        RecurrentExtractor(widths=[2])(torch.rand(1, 1, 24, 20))


@pytest.mark.parametrize("widths", [[], [4, 0]])
def test_widths_are_checked(widths):
    with pytest.raises(ValueError, match=r"widths must be one number, 1 or more, a step"):
        RecurrentExtractor(widths=widths)


def test_tied_steps_of_other_widths_are_refused():
    with pytest.raises(ValueError, match=r"widths of tied steps must be equal, got \[4, 5\]"):
        RecurrentExtractor(widths=[4, 5], tie_weights=True)
