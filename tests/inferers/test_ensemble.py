import torch
from monai.data import MetaTensor
from monai.transforms import Activationsd

from bonescan.inferers import EnsembleInferer, PerViewInferer


def network_of(*logits: float):
    """Return a network that says the same of every pixel."""

    def network(images: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.full_like(images, value) for value in logits], dim=1)

    return network


def test_probabilities_are_averaged_not_logits():
    inferer = EnsembleInferer(PerViewInferer(), [Activationsd("pred", softmax=True)])
    scans = MetaTensor(torch.rand(2, 2, 4, 3), meta={"views": ["anterior+posterior"] * 2})
    mean = inferer(scans, [network_of(0.0, 0.0), network_of(0.0, 8.0)])
    assert mean.shape == (2, 2, 2, 4, 3)
    lesion = (0.5 + torch.sigmoid(torch.tensor(8.0)).item()) / 2
    torch.testing.assert_close(mean[:, 1].as_tensor(), torch.full((2, 2, 4, 3), lesion))
    torch.testing.assert_close(mean.sum(dim=1).as_tensor(), torch.ones(2, 2, 4, 3))
    assert mean.meta["views"] == scans.meta["views"]


def test_without_activation_outputs_are_averaged():
    scans = torch.rand(1, 1, 4, 3)
    mean = EnsembleInferer(PerViewInferer(), [])(scans, [network_of(1.0), network_of(4.0)])
    assert (mean == 2.5).all()
