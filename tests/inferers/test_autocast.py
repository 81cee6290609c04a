"""A network in bfloat16 where torch deems it safe."""

import torch
from torch import nn

from bonescan.inferers import AutocastInferer


def test_the_network_runs_in_bfloat16_and_answers_in_float32():
    seen = []
    layer = nn.Conv2d(1, 2, 3)
    layer.register_forward_hook(lambda _layer, _inputs, output: seen.append(output.dtype))
    image = torch.rand(1, 1, 8, 6)
    output = AutocastInferer()(image, layer)
    assert seen == [torch.bfloat16]
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, layer(image), atol=0.02, rtol=0.02)
    assert not torch.equal(output, layer(image))


def test_weights_and_their_gradients_stay_float32():
    layer = nn.Conv2d(1, 2, 3)
    AutocastInferer()(torch.rand(1, 1, 8, 6), layer).sum().backward()
    assert layer.weight.dtype == layer.weight.grad.dtype == torch.float32
