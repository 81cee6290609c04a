"""Networks in other forms."""

import sys

import numpy as np
import pytest
import torch
from torch import nn

from bonescan.zoo.export import script, write_onnx, write_torchscript

METADATA = {
    "name": "net",
    "network_data_format": {"inputs": {"image": {"num_channels": 2, "spatial_shape": [8, 4]}}},
}


DEPRECATED = "ignore:`torch.jit:FutureWarning"


class Branching(nn.Module):
    """Looks at its input's values to decide what it does."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Give the image, bright where it was dark as a whole."""
        return image if image.mean() > 0.5 else 1 - image


class Foreign(nn.Module):
    """Leaves PyTorch on its way."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Give the image."""
        return torch.from_numpy(np.array(image))


class Fickle(nn.Module):
    """Gives other values each time."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Give the image with noise."""
        return image + torch.rand_like(image)


@pytest.mark.filterwarnings(DEPRECATED)
def test_torchscript_gives_the_same_and_tells_what_it_is(tmp_path):
    network = nn.Conv2d(2, 3, 3, padding=1).eval()
    write_torchscript(network, tmp_path / "model.ts", metadata=METADATA, config={"size": [8, 4]})
    files = {"inference.json": "", "metadata.json": ""}
    loaded = torch.jit.load(tmp_path / "model.ts", _extra_files=files)
    image = torch.linspace(0, 1, 64).reshape(1, 2, 8, 4)
    torch.testing.assert_close(loaded(image), network(image))
    assert files["inference.json"] == b'{"size": [8, 4]}'
    assert b'"name": "net"' in files["metadata.json"]


def test_other_values_are_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"net must give the same values as TorchScript, .* 1 image"
    ):
        write_torchscript(Fickle(), tmp_path / "model.ts", metadata=METADATA, config={})


def test_what_torchscript_cannot_hold():
    with pytest.raises(ValueError, match=r"must be one that TorchScript can hold, .*: \w+"):
        script(Foreign())


def test_onnx_without_the_extra_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ValueError, match=r"install 'bone-scan-bundle\[onnx\]'"):
        write_onnx(nn.Conv2d(2, 3, 3), tmp_path / "model.onnx", metadata=METADATA)


@pytest.mark.slow
def test_onnx_takes_any_number_of_images(tmp_path):
    import onnxruntime  # noqa: PLC0415

    network = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU()).eval()
    write_onnx(network, tmp_path / "model.onnx", metadata=METADATA)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for number in (1, 5):
        image = torch.linspace(-1, 1, 64 * number).reshape(number, 2, 8, 4)
        (found,) = session.run(["pred"], {"image": image.numpy()})
        np.testing.assert_allclose(found, network(image).detach().numpy(), atol=1e-4)
    with pytest.raises(ValueError, match="must be one that ONNX can hold, got net: "):
        write_onnx(Branching(), tmp_path / "other.onnx", metadata=METADATA)
