import numpy as np
import pytest
import torch
from monai.data import DataLoader, MetaTensor, decollate_batch
from monai.transforms import Compose, Invertd

from bonescan.errors import ScanError
from bonescan.keys import META_CROP, META_VIEWS
from bonescan.transforms import MirrorPosteriord, ThoraxCrop, ThoraxCropd
from bonescan.transforms.body import measure_body
from bonescan.transforms.landmarks import ThoraxLandmarks, find_thorax
from bonescan.transforms.thorax import clear_air, paste_centred, put_back
from tests.factories import SPACING_MM
from tests.transforms.scans import LANDMARKS

SIZE = (250, 230)
ROW_MM, COLUMN_MM = SPACING_MM


@pytest.fixture
def scan(make_stack, body_counts):
    """Both views as acquired: the posterior one mirrored and brighter."""
    return make_stack(np.stack([body_counts, 2 * body_counts[:, ::-1]]))


@pytest.fixture
def sample(scan):
    label = MetaTensor((scan.as_tensor() > 20).to(torch.uint8), meta=scan.meta)
    return {"image": scan, "label": label}


@pytest.fixture
def chain():
    keys = ["image", "label"]
    return Compose([MirrorPosteriord(keys), ThoraxCropd(keys, size=SIZE)])


def test_pastes_the_box_into_the_centre_and_puts_it_back():
    image = torch.arange(1, 81, dtype=torch.int16).reshape(1, 10, 8)
    crop = paste_centred(image, LANDMARKS, (7, 6))
    assert crop.shape == (1, 7, 6)
    assert torch.equal(crop[:, 2:5, 0:5], image[:, 2:5, 1:6])
    assert crop.count_nonzero() == 15
    full = put_back(crop, LANDMARKS.as_meta(), (10, 8))
    assert full.dtype == torch.int16
    assert torch.equal(full[:, 2:5, 1:6], image[:, 2:5, 1:6])
    assert full.count_nonzero() == 15


def test_one_crop_for_both_views_and_the_label(chain, sample, body_counts):
    cropped = chain(sample)
    marks = find_thorax(3 * body_counts, SPACING_MM)
    assert cropped["image"].meta[META_CROP] == cropped["label"].meta[META_CROP] == marks.as_meta()
    for key in ("image", "label"):
        mirrored = MirrorPosteriord(key)(sample)[key].as_tensor()
        expected = paste_centred(mirrored, marks, SIZE)
        torch.testing.assert_close(cropped[key].as_tensor(), expected)
    assert cropped["label"].dtype == torch.uint8
    assert cropped["image"].meta[META_VIEWS] == "anterior+posterior"


def test_the_affine_follows_the_crop(chain, sample):
    cropped = chain(sample)["image"]
    place = torch.nonzero(cropped[0].as_tensor())[7]
    value = cropped[0][tuple(place)]
    position_mm = cropped.affine @ torch.tensor([*place.tolist(), 0, 1.0], dtype=torch.float64)
    row, column = (position_mm[:2] / torch.tensor(SPACING_MM)).round().int().tolist()
    assert sample["image"][0, row, column] == value
    assert position_mm[0] == pytest.approx(row * ROW_MM)
    assert position_mm[1] == pytest.approx(column * COLUMN_MM)


def test_inverse_restores_the_thorax_and_the_affine(chain, sample):
    cropped = chain(sample)
    marks = cropped["image"].meta[META_CROP]
    restored = chain.inverse(cropped)["image"]
    rows = slice(marks["row_start"], marks["row_stop"])
    columns = slice(marks["column_start"], marks["column_stop"])
    original = sample["image"].as_tensor()
    torch.testing.assert_close(restored[0].as_tensor()[rows, columns], original[0, rows, columns])
    flipped = restored[1].as_tensor().flip(-1)[rows, columns]
    torch.testing.assert_close(flipped, original[1].flip(-1)[rows, columns])
    assert restored[:, : marks["row_start"]].count_nonzero() == 0
    assert restored.shape == sample["image"].shape
    torch.testing.assert_close(restored.affine, sample["image"].affine)
    assert META_CROP not in restored.meta
    assert restored.applied_operations == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8, torch.bool])
def test_invertd_puts_a_prediction_back_after_a_batch(chain, sample, dtype):
    batch = next(iter(DataLoader([chain(sample), chain(sample)], batch_size=2)))
    prediction = torch.ones((2, 3, 2, *SIZE)).to(dtype)  # (batch, class, view, row, column)
    batch["pred"] = MetaTensor(prediction, meta=batch["image"].meta)
    item = decollate_batch(batch)[1]
    inverted = Invertd("pred", chain, orig_keys="image", nearest_interp=False)(item)["pred"]
    assert inverted.shape == (3, *sample["image"].shape)
    assert inverted.dtype == dtype
    marks = chain(sample)["image"].meta[META_CROP]
    expected = torch.zeros(sample["image"].shape)
    width = expected.shape[-1]
    expected[
        0, marks["row_start"] : marks["row_stop"], marks["column_start"] : marks["column_stop"]
    ] = 1
    expected[1] = expected[0].flip(-1)
    assert marks["column_start"] + marks["column_stop"] != width  # the flip must show
    for of_class in inverted.as_tensor():
        torch.testing.assert_close(of_class.to(torch.float32), expected)
    torch.testing.assert_close(inverted.affine, sample["image"].affine)


def test_one_view_alone_is_cropped(make_stack, body_counts):
    crop = ThoraxCrop(SIZE)(make_stack(body_counts[None], views="anterior"))
    assert crop.shape == (1, *SIZE)
    assert crop.sum() > 0.25 * body_counts.sum()


def test_clears_air_outside_the_body_only(make_stack, body_counts):
    rng = np.random.default_rng(6)
    noisy = body_counts + rng.binomial(1, 0.3, body_counts.shape)
    body = measure_body(noisy, SPACING_MM).mask
    stack = torch.from_numpy(np.stack([noisy, noisy]))
    cleared = clear_air(stack, body, SPACING_MM).numpy()
    assert np.array_equal(cleared[:, body], stack.numpy()[:, body])
    assert cleared[:, ~ndimage_dilated(body)].max() == 0
    assert (cleared == 1).sum() > 0, "low counts inside the body stay"


def ndimage_dilated(mask):
    grown = mask.copy()
    for axis in (0, 1):
        for step in range(-12, 13):
            grown |= np.roll(mask, step, axis=axis)
    return grown


def test_the_crop_clears_the_air(make_stack, body_counts):
    leaky = body_counts.copy()
    leaky[150:330, ::9] += 1  # stripes of air with one count, and of body with one count more
    crop = ThoraxCrop(SIZE)(make_stack(leaky[None], views="anterior"))
    box = paste_centred(
        torch.from_numpy(leaky[None]), ThoraxLandmarks(**crop.meta[META_CROP]), SIZE
    )
    assert box[crop.as_tensor() != box].unique().tolist() == [1]


def test_a_label_is_never_cleared(sample):
    cropped = ThoraxCropd(["image", "label"])(MirrorPosteriord("label")(sample))
    assert set(cropped["label"].unique().tolist()) == {0, 1}


def test_the_input_stays_as_it_is(chain, sample):
    before = sample["image"].as_tensor().clone()
    chain(sample)
    assert torch.equal(sample["image"].as_tensor(), before)
    assert META_CROP not in sample["image"].meta


def test_works_in_float64_and_whole_numbers(make_stack, body_counts):
    for dtype in (torch.float64, torch.int32):
        stack = make_stack(torch.from_numpy(body_counts[None]).to(dtype), views="anterior")
        assert ThoraxCrop(SIZE)(stack).dtype == dtype


def test_a_refused_scan_is_named(make_stack, body_counts):
    stack = make_stack(body_counts[None, :440], views="anterior")
    with pytest.raises(ScanError, match=r"^scan-7: scan must show a whole body"):
        ThoraxCrop()(stack)


def test_refuses_a_thorax_that_is_too_large(make_stack, body_counts):
    stack = make_stack(body_counts[None], views="anterior")
    expected = r"scan-7: thorax must be \(160, 130\) \(rows, columns\) at most, got \(16\d, 13\d\)"
    with pytest.raises(ScanError, match=expected):
        ThoraxCrop((160, 130))(stack)


def test_refuses_entries_of_other_sizes(scan, make_stack):
    sample = {"image": scan, "label": make_stack()}
    with pytest.raises(ValueError, match="rows and columns must be the same for all keys, got"):
        ThoraxCropd(["image", "label"])(sample)


def test_refuses_counts_without_pixel_spacing(body_counts):
    with pytest.raises(ValueError, match="affine gives the pixel spacing, got Tensor"):
        ThoraxCrop()(torch.from_numpy(body_counts[None]))
