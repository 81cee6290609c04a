import pytest
import torch
from monai.transforms import Compose

from bonescan.transforms import RandPatchd

KEYS = ["image", "label"]


def make_sample(rows, columns, *, lesion=None, show=False):
    image = torch.arange(1.0, rows * columns + 1).reshape(1, rows, columns)
    label = torch.zeros_like(image)
    if lesion:
        label[0, *lesion] = 1
    return {"image": image, "label": label, "show_lesion": show}


def cut(sample, size, seed):
    patch = RandPatchd(KEYS, size)
    patch.set_random_state(seed)
    return patch(sample)


@pytest.mark.parametrize("lesion", [(0, 0), (10, 16), (29, 39), (29, 3)])
def test_a_patch_that_must_show_a_lesion_does(lesion):
    for seed in range(5):
        out = cut(make_sample(30, 40, lesion=lesion, show=True), (8, 12), seed)
        assert out["label"].sum() == 1
        assert set(out) == set(KEYS)


def test_it_lies_around_the_lesion_where_the_image_allows():
    out = cut(make_sample(30, 40, lesion=(10, 16), show=True), (8, 12), 0)
    assert out["label"][0, 4, 6] == 1
    assert out["image"][0, 0, 0] == 6 * 40 + 10 + 1


def test_others_lie_anywhere_and_image_and_label_together():
    starts = set()
    for seed in range(200):
        sample = make_sample(10, 14)
        sample["label"] = sample["image"] * 2
        out = cut(sample, (8, 12), seed)
        assert torch.equal(out["label"], out["image"] * 2)
        first = int(out["image"][0, 0, 0]) - 1
        starts.add((first // 14, first % 14))
    assert starts == {(row, column) for row in range(3) for column in range(3)}


def test_a_smaller_image_lies_in_the_middle_of_zeros():
    out = cut(make_sample(3, 20, lesion=(1, 5), show=True), (8, 12), 0)
    assert out["image"].shape == (1, 8, 12)
    assert (out["image"][0, 2:5] > 0).all()
    assert out["image"].count_nonzero() == 3 * 12
    assert out["label"].sum() == 1


def test_the_draw_is_part_of_a_chain():
    chain = Compose([RandPatchd(KEYS, (4, 4))])
    chain.set_random_state(5)
    first = chain(make_sample(9, 17))["image"]
    chain.set_random_state(5)
    assert torch.equal(chain(make_sample(9, 17))["image"], first)
