"""Scans and maps on larger pixels: where they lie, and what is left of them."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd
from scipy import ndimage

from bonescan.transforms import (
    BodyWindowd,
    JoinPixelsd,
    MirrorPosteriord,
    ResizeViewsd,
    ThoraxCrop,
    ThoraxCropd,
)
from bonescan.transforms.pixel_size import sum_blocks, take_majority
from tests.factories import SPACING_MM

KEYS = ["image", "label"]
FINE_MM = (1.2, 1.1)


def split_pixels(stack, rows, columns):
    """Put each pixel's counts into the first pixel of a block: the same patient, finer matrix."""
    fine = torch.zeros(*stack.shape[:-2], rows * stack.shape[-2], columns * stack.shape[-1])
    fine[..., ::rows, ::columns] = stack
    return fine


def lesions(shape, count=300, seed=3):
    """A label map (view, row, column) of discs of 3 to 6 pixels, not one touching another."""
    rng = np.random.default_rng(seed)
    label = np.zeros(shape, np.uint8)
    row, column = np.mgrid[: shape[-2], : shape[-1]]
    for _ in range(count):
        view, radius = rng.integers(shape[0]), rng.uniform(3, 6)
        centre = rng.uniform(8, np.array(shape[-2:]) - 8)
        away = np.hypot(row - centre[0], column - centre[1])
        if not label[view][away < radius + 3].any():
            label[view][away < radius] = 1 + rng.integers(2)
    return torch.from_numpy(label)


def measure_shifts(restored, label):
    """Return how far each lesion's centre has moved (lesion, 2), view by view."""
    shifts = []
    for after, before in zip(restored.numpy() > 0, label.numpy() > 0, strict=True):
        pieces, count = ndimage.label(ndimage.binary_dilation(before, iterations=1))
        index = range(1, count + 1)
        old = ndimage.center_of_mass(before, pieces, index)
        shifts.append(np.array(ndimage.center_of_mass(after, pieces, index)) - old)
    return shifts


def test_blocks_are_added_and_the_edge_is_filled_with_nothing():
    stack = torch.arange(1, 16, dtype=torch.int32).reshape(1, 3, 5)
    expected = torch.tensor([[[1 + 2 + 3 + 6 + 7 + 8, 4 + 5 + 9 + 10], [11 + 12 + 13, 14 + 15]]])
    assert torch.equal(sum_blocks(stack, 2, 3), expected.to(torch.int32))


def test_the_majority_is_taken_and_background_counts_for_less():
    label = torch.tensor([[[0, 1, 1, 0, 2, 2], [0, 1, 0, 0, 1, 1], [0, 0, 0, 0, 0, 1]]])
    # in blocks of 3 x 2: lesion 2, 1 and 2 + 3 of 6 pixels; background wins from 4 of 6 on
    assert take_majority(label, (1, 3)).tolist() == [[[0, 0, 1]]]
    assert take_majority(label[:, :2], (1, 3)).tolist() == [[[1, 0, 2]]], "the greater of equals"
    of_ten = torch.tensor([[[0, 0, 3, 0, 3], [3, 0, 3, 0, 0]]])
    assert take_majority(of_ten, (1, 1)).tolist() == [[[3]]], "4 of 10 pixels are enough"


@pytest.mark.parametrize("factor", [2, 8 / 3, 3])
def test_a_label_lies_where_it_lay(factor, make_stack):
    label = lesions((2, 480, 240))
    size = (round(480 / factor), round(240 / factor))
    resize = ResizeViewsd("label", size)
    sample = resize({"label": make_stack(label)})
    restored = resize.inverse(sample)["label"].as_tensor()
    assert restored.dtype == torch.uint8
    for of_view in measure_shifts(restored, label):
        assert len(of_view) > 50
        assert np.abs(of_view.mean(axis=0)).max() < 0.15
    shown = [int((values > 0).sum()) for values in (restored, label)]
    assert 2 * ((restored == label) & (label > 0)).sum() / sum(shown) > 0.85
    assert shown[0] == pytest.approx(shown[1], rel=0.12)


@pytest.mark.parametrize("size", [(240, 120), (180, 90), (160, 80)])
def test_the_image_lies_where_the_label_lies(size, make_stack):
    label = (lesions((2, 480, 240)) > 0).to(torch.float32)
    sample = ResizeViewsd(KEYS, size)({key: make_stack(label) for key in KEYS})
    for image, resized in zip(sample["image"].numpy(), sample["label"].numpy(), strict=True):
        pieces, count = ndimage.label(image)
        index = [n for n in range(1, count + 1) if resized[pieces == n].any()]
        centres = [ndimage.center_of_mass(part, pieces, index) for part in (image, resized)]
        assert len(index) > 30
        assert np.abs(np.subtract(*centres).mean(axis=0)).max() < 0.05


def test_the_affine_follows_and_comes_back(make_stack):
    stack = make_stack(torch.zeros(2, 40, 24), spacing_mm=(2.4, 1.9))
    resize = ResizeViewsd("image", (10, 12))
    resized = resize({"image": stack})
    place = resized["image"].affine @ torch.tensor([3.0, 5.0, 0.0, 1.0], dtype=torch.float64)
    assert place[:2].tolist() == pytest.approx([2.4 * 13.5, 1.9 * 10.5])
    torch.testing.assert_close(resize.inverse(resized)["image"].affine, stack.affine)


def test_the_same_size_changes_nothing(make_stack):
    image = torch.rand(2, 6, 4)
    sample = ResizeViewsd("image", (6, 4))({"image": make_stack(image)})
    assert torch.equal(sample["image"].as_tensor(), image)


def test_refuses_a_larger_size(make_stack):
    expected = r"size must be \(5, 7\) \(rows, columns\) at most, that of the views, got \(4, 8\)"
    with pytest.raises(ValueError, match=expected):
        ResizeViewsd("image", (4, 8))({"image": make_stack()})


class TestJoinPixels:
    def test_usual_pixels_stay_as_they_are(self, make_stack):
        for spacing_mm in ((1.9, 2.8), (2.26, 2.26), (4.8, 4.8)):
            stack = make_stack(spacing_mm=spacing_mm)
            joined = JoinPixelsd("image")({"image": stack})["image"]
            assert torch.equal(joined.as_tensor(), stack.as_tensor())
            assert torch.equal(joined.affine, stack.affine)

    def test_larger_pixels_are_joined_where_wanted(self, make_stack):
        counts = torch.arange(48.0).reshape(1, 6, 8)
        stack = make_stack(counts, spacing_mm=(2.4, 1.6))
        joined = JoinPixelsd("image", spacing_mm=4.8)({"image": stack})["image"]
        assert joined.shape == (1, 3, 3), "two rows, and three columns, of which one is not there"
        assert joined[0, 1, 2] == 22 + 23 + 30 + 31
        assert joined.pixdim[:2].tolist() == pytest.approx([4.8, 4.8])

    def test_a_spacing_that_is_none(self):
        with pytest.raises(ValueError, match="spacing_mm must be above 0, got 0"):
            JoinPixelsd("image", spacing_mm=0)

    def test_finer_pixels_are_joined_by_rows_and_columns(self, make_stack):
        counts = torch.rand(2, 12, 10).round(decimals=2)
        stack = make_stack(split_pixels(counts, 2, 3), spacing_mm=(1.2, 0.75))
        joined = JoinPixelsd("image")({"image": stack})["image"]
        torch.testing.assert_close(joined.as_tensor(), counts)
        assert joined.pixdim[:2].tolist() == pytest.approx([2.4, 2.25])

    @pytest.mark.parametrize("shape", [(8, 6), (7, 5)])
    def test_a_map_comes_back_to_its_pixels(self, shape, make_stack):
        label = torch.zeros(2, *shape, dtype=torch.uint8)
        label[0, 2:6, 2:4] = 1
        label[1, :2, 4:] = 2
        sample = {key: make_stack(label, spacing_mm=FINE_MM) for key in KEYS}
        chain = Compose([JoinPixelsd(KEYS)])
        joined = chain(sample)
        assert joined["label"].shape == (2, 4, 3)
        assert joined["label"].max() == 2
        assert joined["image"].sum() == label.sum()
        joined["pred"] = MetaTensor(joined["label"].as_tensor()[None].repeat(3, 1, 1, 1))
        restored = Invertd("pred", chain, orig_keys="image", nearest_interp=True)(joined)["pred"]
        assert restored.shape == (3, *label.shape)
        assert torch.equal(restored[1].as_tensor(), label)
        torch.testing.assert_close(restored.affine, sample["image"].affine)


@pytest.fixture
def coarse_and_fine(body_counts, make_stack):
    """A scan, and the same patient on a matrix of half the pixel size."""
    coarse = np.stack([body_counts, 2 * body_counts[:, ::-1]])
    rng = np.random.default_rng(8)
    fine = np.zeros((2, 2048, 600), np.float32)
    for row, column, part in zip((0, 0, 1, 1), (0, 1, 0, 1), _deal(coarse, rng), strict=True):
        fine[:, row::2, column::2] = part
    half_mm = (SPACING_MM[0] / 2, SPACING_MM[1] / 2)
    return make_stack(coarse), make_stack(fine, spacing_mm=half_mm)


def _deal(counts, rng):
    """Deal counts to four pixels at random."""
    left = counts.astype(np.int64)
    for share in (1 / 4, 1 / 3, 1 / 2):
        part = rng.binomial(left, share)
        yield part
        left = left - part
    yield left


def test_the_thorax_crop_finds_the_same_body_on_a_finer_matrix(coarse_and_fine):
    coarse, fine = (MirrorPosteriord("image")({"image": scan})["image"] for scan in coarse_and_fine)
    (marks, _), (fine_marks, _) = ThoraxCrop().find(coarse), ThoraxCrop((512, 512)).find(fine)
    for name, value in marks.as_meta().items():
        assert fine_marks.as_meta()[name] / 2 == pytest.approx(value, abs=3), name


@pytest.mark.parametrize(
    "chain",
    [
        [JoinPixelsd("image"), MirrorPosteriord("image"), ThoraxCropd("image")],
        [JoinPixelsd("image"), BodyWindowd("image", size=(950, 290)), MirrorPosteriord("image")],
    ],
    ids=["thorax", "window"],
)
def test_a_finer_matrix_gives_the_images_of_a_usual_one(chain, coarse_and_fine):
    images = []
    for scan in coarse_and_fine:
        sample = Compose(chain)({"image": scan})
        images.append(sample["image"])
    assert images[0].sum() > 1000
    assert torch.equal(images[0].as_tensor(), images[1].as_tensor())
    torch.testing.assert_close(images[0].pixdim, images[1].pixdim)
