"""Lesions one by one, worked out by hand."""

import pytest
import torch
from monai.data import MetaTensor

from bonescan.labels import Label
from bonescan.transforms import SplitInstancesd, find_instances


def label_of(*pixels: tuple[int, int], rows: int = 7, columns: int = 9) -> torch.Tensor:
    label = torch.zeros(rows, columns, dtype=torch.uint8)
    for row, column in pixels:
        label[row, column] = Label.METASTASIS
    return label


def test_instances_by_hand():
    label = label_of((5, 2), (6, 2), (6, 3), (6, 4), (0, 6), (1, 7))
    label[3, 0] = Label.BLADDER
    instances = find_instances(label)
    # left, top, right, bottom edge; the diagonal pair is one instance, and comes first
    assert instances["boxes"].tolist() == [[5.5, -0.5, 7.5, 1.5], [1.5, 4.5, 4.5, 6.5]]
    assert instances["labels"].tolist() == [1, 1]
    assert instances["masks"].shape == (2, 7, 9)
    assert instances["masks"].sum(dim=(1, 2)).tolist() == [2, 4]
    assert torch.equal(instances["masks"].sum(dim=0), (label == Label.METASTASIS).long())
    assert [value.dtype for value in instances.values()] == [
        torch.float32, torch.int64, torch.uint8,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pixels", "box"),
    [
        ([(2, 5)], [4, 1, 6, 3]),
        ([(2, 5), (3, 5), (4, 5)], [4, 1.5, 6, 4.5]),
        ([(2, 5), (2, 6)], [4.5, 1, 6.5, 3]),
    ],
    ids=["one pixel", "one column", "one row"],
)
def test_box_of_a_narrow_instance_is_a_pixel_larger(pixels, box):
    assert find_instances(label_of(*pixels))["boxes"].tolist() == [box]


def test_no_metastasis():
    instances = find_instances(torch.full((4, 3), Label.BLADDER))
    shapes = {key: tuple(value.shape) for key, value in instances.items()}
    assert shapes == {"boxes": (0, 4), "labels": (0,), "masks": (0, 4, 3)}


def test_instances_of_several_views_at_once_are_refused():
    with pytest.raises(ValueError, match=r"\(row, column\), got shape \(2, 4, 3\)"):
        find_instances(torch.zeros(2, 4, 3))


def test_numbers_and_scores_are_parted_with_their_metadata():
    maps = MetaTensor(torch.rand(2, 1, 4, 3), meta={"scan_id": "a"})
    sample = SplitInstancesd(keys="pred")({"pred": maps, "patient": "p"})
    assert torch.equal(sample["pred_instances"], maps[0])
    assert torch.equal(sample["pred"], maps[1:])
    assert sample["patient"] == "p"
    assert sample["pred"].meta["scan_id"] == sample["pred_instances"].meta["scan_id"] == "a"


def test_maps_of_other_channels_are_refused():
    with pytest.raises(ValueError, match=r"pred must be .* got shape \(3, 1, 4, 3\)"):
        SplitInstancesd(keys="pred")({"pred": torch.rand(3, 1, 4, 3)})
    with pytest.raises(ValueError, match=r"keys must name one entry, got \['pred', 'other'\]"):
        SplitInstancesd(keys=["pred", "other"])
