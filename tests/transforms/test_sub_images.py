"""Sub-images: how many, where, what they show, and how they are put together again."""

import pytest
import torch

from bonescan.transforms import LabelBitsd, SplitSubImagesd, SubImagesd
from bonescan.transforms.sub_images import cut_sub_images, read_bits, stitch_sub_images

SIZE = (6, 8)
PICTURE = torch.arange(48.0).reshape(SIZE)


@pytest.mark.parametrize(("stride", "number"), [((128, 256), 28), ((128, 128), 49)])
def test_a_picture_has_the_published_number_of_sub_images(stride, number):
    assert len(cut_sub_images(torch.zeros(1024, 1024), 256, stride)) == number


def test_sub_images_are_cut_row_after_row():
    cut = cut_sub_images(PICTURE, 4, (2, 4))
    assert [part[0, 0].item() for part in cut] == [0, 4, 16, 20]
    assert cut[3].equal(PICTURE[2:6, 4:8])


@pytest.mark.parametrize("stride", [(2, 4), (1, 2), (2, 1)])
def test_stitching_undoes_cutting(stride):
    channels = torch.stack([PICTURE, PICTURE.flip(0)])
    stitched = stitch_sub_images(cut_sub_images(channels, 4, stride), SIZE, stride)
    torch.testing.assert_close(stitched, channels)


def test_overlapping_rows_are_averaged():
    parts = torch.tensor([1.0, 5.0])[:, None, None].expand(2, 4, 4)
    stitched = stitch_sub_images(parts[None], (6, 4), (2, 4))
    assert stitched[0, :, 1].tolist() == [1, 1, 3, 3, 5, 5]


def test_windows_must_cover_the_picture():
    with pytest.raises(ValueError, match=r"stride of \(3, 4\) must cover .* got a picture of"):
        cut_sub_images(PICTURE, 4, (3, 4))
    with pytest.raises(ValueError, match="got a picture of"):
        cut_sub_images(PICTURE, 7, (1, 1))
    with pytest.raises(ValueError, match=r"must be 4 of a picture \(6, 8\), got 3"):
        stitch_sub_images(torch.zeros(1, 3, 4, 4), SIZE, (2, 4))


def test_bits_tell_metastasis_from_bladder():
    label = torch.zeros(4, 3, 2)
    label[1, 2, 0] = 1
    label[2, 0, 1] = 2
    label[3, 0] = torch.tensor([2, 1])
    assert read_bits(label).tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]
    assert LabelBitsd("label")({"label": label})["label"].equal(read_bits(label))


def make_sample() -> dict[str, torch.Tensor]:
    label = torch.zeros(1, *SIZE)
    label[0, 3, 6] = 2  # in the two windows on the right
    label[0, 0, 0] = 1
    sample = {"image": PICTURE[None], "label": label, "patient": "P1"}
    return SubImagesd(["image", "label"], window=4, stride=(2, 4))(sample)


@pytest.mark.parametrize(("value", "kept"), [(None, [0, 1, 2, 3]), (1, [0]), (2, [1, 3]), (3, [])])
def test_training_sees_the_sub_images_with_its_target(value, kept):
    sample = make_sample()
    parts = SplitSubImagesd(["image", "label"], only_with=value)(sample)
    assert [part["image"].shape for part in parts] == [(1, 4, 4)] * len(kept)
    for part, number in zip(parts, kept, strict=True):
        assert part["patient"] == "P1"
        assert part["image"][0].equal(sample["image"][number])
        assert part["label"][0].equal(sample["label"][number])
