"""Both views go through the network in one image, whatever their order and number."""

import pytest
import torch
from monai.data import MetaTensor, decollate_batch, list_data_collate

from bonescan.inferers import SideBySideInferer
from bonescan.transforms import SideBySide


def make_batch(*views: str) -> MetaTensor:
    """Collate scans of 3 rows x 5 columns whose values are all different."""
    scans = []
    for number, names in enumerate(views):
        count = len(names.split("+"))
        values = 100.0 * number + torch.arange(count * 15.0).reshape(count, 3, 5)
        scans.append({"image": MetaTensor(values, meta={"views": names, "scan_id": str(number)})})
    return list_data_collate(scans)["image"]


class Witness:
    """A network of two channels, the image and minus its columns' sums, that keeps what it sees."""

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        self.seen = image
        return torch.cat([image, -image.sum(dim=3, keepdim=True).expand_as(image)], dim=1)


@pytest.mark.parametrize("names", ["anterior+posterior", "posterior+anterior"])
def test_anterior_is_left_and_each_view_gets_its_half_back(names):
    scans, network = make_batch(names), Witness()
    logits = SideBySideInferer()(scans, network)
    anterior = names.split("+").index("anterior")
    halves = torch.cat([scans[0, anterior], scans[0, 1 - anterior]], dim=-1)
    assert network.seen.shape == (1, 1, 3, 10)
    assert torch.equal(network.seen[0, 0], halves.as_tensor())
    assert logits.shape == (1, 2, 2, 3, 5)
    assert torch.equal(logits[:, 0].as_tensor(), scans.as_tensor())
    for view in range(2):  # the second channel has seen both views
        assert torch.equal(logits[0, 1, view, :, 0].as_tensor(), -halves.as_tensor().sum(dim=1))


@pytest.mark.parametrize(("name", "half"), [("anterior", 0), ("posterior", 1)])
def test_the_half_of_an_absent_view_is_zero_and_comes_not_back(name, half):
    scans, network = make_batch(name) + 1, Witness()
    logits = SideBySideInferer()(scans, network)
    halves = network.seen[0, 0].chunk(2, dim=-1)
    assert torch.equal(halves[half], scans[0, 0].as_tensor())
    assert halves[1 - half].abs().max() == 0
    assert logits.shape == (1, 2, 1, 3, 5)
    assert torch.equal(logits[:, 0].as_tensor(), scans.as_tensor())


def test_scans_of_a_batch_have_views_of_their_own():
    scans, network = make_batch("anterior", "posterior"), Witness()
    logits = SideBySideInferer()(scans, network)
    assert network.seen[0, ..., 5:].abs().max() == network.seen[1, ..., :5].abs().max() == 0
    assert torch.equal(logits[:, 0].as_tensor(), scans.as_tensor())
    restored = decollate_batch(logits)
    assert [scan.meta["scan_id"] for scan in restored] == ["0", "1"]
    assert [tuple(scan.shape) for scan in restored] == [(2, 1, 3, 5)] * 2


def test_the_network_sees_what_training_makes():
    scan = decollate_batch(make_batch("anterior+posterior"))[0]
    network = Witness()
    SideBySideInferer()(make_batch("anterior+posterior"), network)
    assert torch.equal(network.seen[0], SideBySide(rows=3)(scan).as_tensor())


def test_arguments_reach_the_network():
    scans = make_batch("anterior+posterior")
    logits = SideBySideInferer()(scans, lambda image, by, *, plus: image * by + plus, 2.0, plus=1.0)
    assert torch.equal(logits[:, 0].as_tensor(), scans.as_tensor() * 2.0 + 1.0)


def test_other_shapes_and_unknown_views_are_refused():
    infer = SideBySideInferer()
    with pytest.raises(ValueError, match=r"\(batch, view, row, column\), got shape \(2, 4, 3\)"):
        infer(torch.rand(2, 4, 3), Witness())
    with pytest.raises(ValueError, match="metadata 'views' name its views, got None"):
        infer(torch.rand(1, 2, 4, 3), Witness())
    with pytest.raises(ValueError, match=r"among anterior\+posterior, got aggregated"):
        infer(make_batch("aggregated"), Witness())
