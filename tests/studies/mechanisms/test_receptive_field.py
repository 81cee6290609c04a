"""Fields of networks that are known from their kernels."""

import pytest
import torch
from torch import nn

from bonescan.studies.mechanisms.receptive_field import ReceptiveField, measure_receptive_field


@pytest.mark.parametrize(
    ("layers", "rows", "columns"),
    [
        ([nn.Conv2d(2, 1, (3, 7), padding=(1, 3))], 3, 7),
        ([nn.Conv2d(2, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=2, dilation=2)], 7, 7),
    ],
)
def test_field_is_that_of_the_kernels(layers, rows, columns):
    torch.manual_seed(0)
    field = measure_receptive_field(nn.Sequential(*layers), (2, 32, 40))
    assert (field.rows, field.columns) == (rows, columns)
    assert field.effective_px <= max(rows, columns)


def test_effective_field_holds_most_of_the_gradient():
    convolution = nn.Conv2d(1, 1, 9, padding=4, bias=False)
    with torch.no_grad():
        convolution.weight.fill_(0.001)
        convolution.weight[..., 3:6, 3:6] = 1.0
    assert measure_receptive_field(convolution, (1, 20, 20)) == ReceptiveField(9, 9, 3)


def test_global_pooling_sees_all_of_the_image():
    class Gate(nn.Module):
        def forward(self, image):
            return [image, image * image.mean(dim=(-2, -1), keepdim=True)]

    field = measure_receptive_field(Gate(), (1, 12, 16))
    assert (field.rows, field.columns) == (12, 16)
