"""Networks of sub-images: what they see, and where their output comes back."""

import pytest
import torch
from monai.data import MetaTensor, list_data_collate

from bonescan.inferers import SubImageClassInferer, SubImageInferer
from bonescan.transforms import Panelsd, SubImagesd

GEOMETRY = {"window": 8, "stride": (4, 8)}
"""Of views of 16 rows x 8 columns: 3 x 4 sub-images."""


def make_batch(*views: str) -> MetaTensor:
    generator = torch.Generator().manual_seed(3)
    scans = [
        MetaTensor(torch.rand(len(names.split("+")), 16, 8, generator=generator), meta=meta)
        for names in views
        for meta in [{"views": names, "scan_id": names}]
    ]
    return list_data_collate([{"image": scan} for scan in scans])["image"]


class Hot:
    """A network whose logits are high where a sub-image is dark; it counts what it sees."""

    seen = 0

    def __call__(self, sub_images: torch.Tensor) -> torch.Tensor:
        self.seen += len(sub_images)
        return torch.logit(1 - sub_images, eps=1e-6)


def test_a_map_comes_back_to_the_views():
    scans, network = make_batch("anterior+posterior"), Hot()
    probs = SubImageInferer(**GEOMETRY)(scans, network)
    assert probs.shape == (1, 1, 2, 16, 8)
    assert probs.meta["views"] == ["anterior+posterior"]
    x = scans.as_tensor()
    mean = (x + (2 * x).clip(max=1)) / 2  # over both display windows
    torch.testing.assert_close(probs[:, 0].as_tensor(), mean, atol=0.003, rtol=0)
    assert network.seen == 12


@pytest.mark.parametrize("views", ["posterior", "posterior+anterior"])
def test_order_and_number_of_views_are_those_of_the_scan(views):
    scans = make_batch(views)
    probs = SubImageInferer(**GEOMETRY)(scans, Hot())[:, 0].as_tensor()
    x = scans.as_tensor()
    torch.testing.assert_close(probs, (x + (2 * x).clip(max=1)) / 2, atol=0.003, rtol=0)


def test_closed_sub_images_are_not_seen_and_empty():
    (scan,), network, inferer = make_batch("anterior+posterior"), Hot(), SubImageInferer(**GEOMETRY)
    is_open = torch.zeros(12, dtype=torch.bool)
    is_open[[0, 4]] = True  # first column: anterior in the wide window, rows 0 to 12
    probs = inferer.infer_scan(scan, network, is_open=is_open)
    assert network.seen == 2
    assert probs[0, 1].max() == 0
    x = scan.as_tensor()[0]
    half = torch.ones(16, 1) / 2  # of the two panels of a view one is closed
    half[8:12] /= 2  # the third sub-image of these rows is closed, too
    half[12:] = 0
    torch.testing.assert_close(probs[0, 0], x * half, atol=0.003, rtol=0)
    closed = inferer.infer_scan(scan, network, is_open=is_open & False)
    assert closed.shape == (1, 2, 16, 8)
    assert closed.max() == 0


def test_a_classifier_sees_what_training_makes():
    scans = make_batch("anterior+posterior")
    infer = SubImageClassInferer(**GEOMETRY)
    means = infer(scans, lambda x: torch.cat([x.mean((2, 3)), x.amax((2, 3))], dim=1))
    sample = {"image": MetaTensor(scans[0].as_tensor(), meta={"views": "anterior+posterior"})}
    cut = SubImagesd("image", **GEOMETRY)(Panelsd("image")(sample))["image"]
    assert means.shape == (1, 12, 2)
    torch.testing.assert_close(means[0, :, 0], cut.mean((1, 2)))
    torch.testing.assert_close(means[0, :, 1], cut.amax((1, 2)))


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(batch, view, row, column\), got shape \(2, 4, 3\)"):
        SubImageInferer(**GEOMETRY)(torch.rand(2, 4, 3), Hot())
