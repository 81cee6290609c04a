"""Receptive fields, shared weights and the gridding of the dense atrous block."""

import pytest
import torch
from torch import nn

from bonescan.networks import DenseAtrous
from tests.networks.checks import assert_gradient_everywhere, count, script

VARIANTS = ("raw", "dac1", "dac2")
FIELDS = [("raw", (3, 7, 9, 19)), ("dac1", (3, 9, 11, 21)), ("dac2", (3, 5, 7, 9))]


def probe(variant: str) -> list[torch.Tensor]:
    """Return each branch's response (25, 27) to an impulse, with weights of 1."""
    block = DenseAtrous(1, variant)
    for parameter in block.parameters():
        nn.init.constant_(parameter, float(parameter.ndim > 1))
    impulse = torch.zeros(1, 1, 25, 27)
    impulse[..., 12, 13] = 1
    with torch.no_grad():
        return [branch[0, 0] for branch in block.branches(impulse)]


@pytest.mark.parametrize(("variant", "fields"), FIELDS)
def test_receptive_field_of_each_branch(variant, fields):
    for response, field in zip(probe(variant), fields, strict=True):
        touched_rows, touched_columns = torch.nonzero(response, as_tuple=True)
        half = field // 2
        assert (touched_rows.min(), touched_rows.max()) == (12 - half, 12 + half)
        assert (touched_columns.min(), touched_columns.max()) == (13 - half, 13 + half)


def test_raw_branch_leaves_holes_and_dac2_does_not():
    assert (probe("raw")[1] > 0).sum() == 9
    assert [(response > 0).sum() for response in probe("dac2")] == [9, 25, 49, 81]
    assert probe("dac2")[3].max() == 1, "each place of the 9x9 field once"


@pytest.mark.parametrize(
    ("variant", "three", "one"), [("raw", 3, 1), ("dac1", 4, 0), ("dac2", 4, 0)]
)
def test_parameter_count(variant, three, one):
    weights = 1024 * 1024
    with torch.device("meta"):
        parameters = count(DenseAtrous(1024, variant))
    assert parameters == three * (9 * weights + 1024) + one * (weights + 1024)


@pytest.mark.parametrize("variant", VARIANTS)
def test_branches_are_the_published_paths(variant):
    """CE-Net Fig. 3 and He 2024: each branch is a chain of convolutions, then ReLU."""
    cascade = (("d1",), ("d3", "last"), ("d1", "d3", "last"), ("d1", "d3", "d5", "last"))
    pairs = (("d1",), ("d1", "last"), ("d2", "last"), ("d3", "last"))
    torch.manual_seed(0)
    block, x = DenseAtrous(3, variant), torch.randn(2, 3, 20, 23)
    expected = x
    with torch.no_grad():
        for path in pairs if variant == "dac2" else cascade:
            branch = x
            for name in path:
                branch = block.convs[name](branch)
            expected = expected + branch.relu()
        torch.testing.assert_close(block(x), expected)


def test_what_branches_have_in_common_is_computed_once():
    block = DenseAtrous(2, "raw")
    calls = []
    for name, conv in block.convs.items():
        conv.register_forward_hook(lambda *_, name=name: calls.append(name))
    block(torch.rand(1, 2, 9, 9))
    assert calls == ["d1", "d3", "d3", "d5", "last", "last", "last"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_silent_branches_leave_the_input(variant):
    block = DenseAtrous(2, variant)
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(1, 2, 7, 9)
    torch.testing.assert_close(block(x), x)


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradient_reaches_every_parameter(variant):
    torch.manual_seed(0)
    assert_gradient_everywhere(DenseAtrous(4, variant), torch.randn(2, 4, 24, 26))


@pytest.mark.parametrize("variant", VARIANTS)
def test_scripted_block_gives_the_same(variant):
    block = DenseAtrous(2, variant)
    x = torch.randn(1, 2, 9, 12)
    torch.testing.assert_close(script(block)(x), block(x))


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="variant must be one of raw, dac1, dac2, got 'dac3'"):
        DenseAtrous(2, "dac3")
