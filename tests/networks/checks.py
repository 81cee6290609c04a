"""What every segmentation network is asked for."""

import warnings

import torch
from torch import Tensor, nn

MASK_RCNN_LOSSES = {
    "loss_classifier", "loss_box_reg", "loss_mask", "loss_objectness", "loss_rpn_box_reg",
}  # fmt: skip


def count(network: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def assert_gradient_everywhere(network: nn.Module, image: Tensor) -> None:
    """Check that the mean square of the output has a gradient in every parameter."""
    network(image).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def script(network: nn.Module) -> torch.jit.ScriptModule:
    """Compile to TorchScript, which torch deprecates and MONAI's bundles still export."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return torch.jit.script(network)


def fit(network: nn.Module, image: Tensor, label: Tensor, loss, *, steps: int, lr: float) -> float:
    """Train on one batch and return the last loss."""
    optimizer = torch.optim.Adam(network.parameters(), lr=lr)
    value = torch.inf
    for _ in range(steps):
        result = loss(network(image), label)
        optimizer.zero_grad()
        result.backward()
        optimizer.step()
        value = result.item()
    return value
