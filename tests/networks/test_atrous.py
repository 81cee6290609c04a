"""Receptive fields, shared weights and the gridding of the dense atrous block."""

import pytest
import torch
from torch import nn

from bonescan.networks import DenseAtrous
from tests.networks.checks import assert_gradient_everywhere, count, script

BENIGN_FINDINGS = ("raw", "dac1", "dac2")
FIELDS = [("raw", (3, 7, 9, 19)), ("dac1", (3, 9, 11, 21)), ("dac2", (3, 5, 7, 9))]


def probe(variant: str, *, share: bool) -> list[torch.Tensor]:
    """Return each branch's response (25, 27) to an impulse, with weights of 1."""
    block = DenseAtrous(1, variant, share=share)
    for parameter in block.parameters():
        nn.init.constant_(parameter, float(parameter.ndim > 1))
    impulse = torch.zeros(1, 1, 25, 27)
    impulse[..., 12, 13] = 1
    with torch.no_grad():
        return [branch[0, 0] for branch in block.branches(impulse)]


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize(("variant", "fields"), FIELDS)
def test_receptive_field_of_each_branch(variant, fields, share):
    for response, field in zip(probe(variant, share=share), fields, strict=True):
        touched_rows, touched_columns = torch.nonzero(response, as_tuple=True)
        half = field // 2
        assert (touched_rows.min(), touched_rows.max()) == (12 - half, 12 + half)
        assert (touched_columns.min(), touched_columns.max()) == (13 - half, 13 + half)


def test_raw_branch_leaves_holes_and_dac2_does_not():
    assert (probe("raw", share=True)[1] > 0).sum() == 9
    assert [(response > 0).sum() for response in probe("dac2", share=True)] == [9, 25, 49, 81]
    assert probe("dac2", share=True)[3].max() == 1, "each place of the 9x9 field once"


@pytest.mark.parametrize(
    ("variant", "shared", "separate"),
    [("raw", (3, 1), (7, 3)), ("dac1", (4, 0), (10, 0)), ("dac2", (4, 0), (7, 0))],
)
def test_parameter_count(variant, shared, separate):
    def count_by_hand(convolutions: tuple[int, int], channels: int = 1024) -> int:
        weights = channels * channels
        three, one = convolutions
        return three * (9 * weights + channels) + one * (weights + channels)

    with torch.device("meta"):
        assert count(DenseAtrous(1024, variant)) == count_by_hand(shared)
        assert count(DenseAtrous(1024, variant, share=False)) == count_by_hand(separate)


@pytest.mark.parametrize("variant", BENIGN_FINDINGS)
def test_shared_branches_are_separate_ones_with_the_same_weights(variant):
    torch.manual_seed(0)
    shared, separate = DenseAtrous(3, variant), DenseAtrous(3, variant, share=False)
    for name, conv in separate.convs.items():
        conv.load_state_dict(shared.convs[name.split("_")[0]].state_dict())
    x = torch.randn(2, 3, 20, 23)
    with torch.no_grad():
        torch.testing.assert_close(shared(x), separate(x))


def test_what_branches_have_in_common_is_computed_once():
    block = DenseAtrous(2, "raw")
    calls = []
    for name, conv in block.convs.items():
        conv.register_forward_hook(lambda *_, name=name: calls.append(name))
    block(torch.rand(1, 2, 9, 9))
    assert calls == ["d1", "d3", "d3", "d5", "last", "last", "last"]


@pytest.mark.parametrize("variant", BENIGN_FINDINGS)
def test_silent_branches_leave_the_input(variant):
    block = DenseAtrous(2, variant)
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(1, 2, 7, 9)
    torch.testing.assert_close(block(x), x)


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("variant", BENIGN_FINDINGS)
def test_gradient_reaches_every_parameter(variant, share):
    torch.manual_seed(0)
    assert_gradient_everywhere(DenseAtrous(4, variant, share=share), torch.randn(2, 4, 24, 26))


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("variant", BENIGN_FINDINGS)
def test_scripted_block_gives_the_same(variant, share):
    block = DenseAtrous(2, variant, share=share)
    x = torch.randn(1, 2, 9, 12)
    torch.testing.assert_close(script(block)(x), block(x))


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="variant must be one of raw, dac1, dac2, got 'dac3'"):
        DenseAtrous(2, "dac3")
