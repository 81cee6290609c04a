import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import ScaleIntensity

from bonescan.transforms import (
    NormalizeBrightness,
    NormalizeBrightnessd,
    ScalePercentile,
    ScalePercentiled,
    ScaleRoot,
    ScaleRootd,
)
from bonescan.transforms.intensity import normalize_brightness, scale_percentile, scale_root


@pytest.fixture
def counts():
    rng = np.random.default_rng(5)
    return torch.from_numpy(rng.poisson(6.0, (2, 40, 30)).astype(np.float32))


def test_percentile_leaves_zeros_out():
    view = torch.tensor([[0.0, 0.0, 0.0, 10.0], [20.0, 30.0, 40.0, 50.0]])
    # the median of 10, 20, 30, 40, 50 is 30; that of all pixels would be 15
    expected = torch.tensor([[0.0, 0.0, 0.0, 1 / 3], [2 / 3, 1.0, 1.0, 1.0]])
    torch.testing.assert_close(scale_percentile(view, 50.0), expected)


def test_percentile_between_two_counts_is_linear():
    view = torch.tensor([[10.0, 20.0, 0.0]])
    torch.testing.assert_close(scale_percentile(view, 75.0), torch.tensor([[10 / 17.5, 1.0, 0.0]]))


def test_percentile_is_that_of_numpy(counts):
    scaled = ScalePercentile()(counts)
    for view, result in zip(counts.numpy(), scaled.numpy(), strict=True):
        white = np.percentile(view[view != 0], 99.5)
        np.testing.assert_allclose(result, np.clip(view / white, 0, 1), rtol=1e-6)


def test_a_joint_percentile_keeps_the_views_comparable(counts):
    counts[1] *= 3
    scaled = ScalePercentiled("image", 99.8, joint=True)({"image": counts})["image"].numpy()
    values = counts.numpy()
    white = np.percentile(values[values != 0], 99.8)
    np.testing.assert_allclose(scaled, np.clip(values / white, 0, 1), rtol=1e-5)
    assert scaled[0].max() < 0.7


def test_padding_changes_nothing(counts):
    padded = torch.nn.functional.pad(counts, (9, 2, 3, 0))
    torch.testing.assert_close(ScalePercentile()(padded)[:, 3:, 9:-2], ScalePercentile()(counts))


ALL = [ScalePercentile(), NormalizeBrightness(), ScaleIntensity(channel_wise=True)]


@pytest.mark.parametrize("scale", ALL)
def test_a_view_without_counts_stays_zero(scale, counts):
    counts[1] = 0
    scaled = scale(counts)
    assert torch.isfinite(scaled).all()
    assert scaled[0].max() > 0
    assert scaled[1].abs().max() == 0


@pytest.mark.parametrize("scale", ALL)
def test_each_view_is_scaled_as_if_alone(scale, counts):
    counts[1] *= 9
    both = scale(counts)
    torch.testing.assert_close(both[1:], scale(counts[1:]))
    torch.testing.assert_close(both[:1], scale(counts[:1]))


@pytest.mark.parametrize("scale", ALL[:3])
def test_keeps_metadata_and_gives_float32(scale, make_stack):
    scaled = scale(make_stack(torch.randint(1, 9, (2, 5, 7), dtype=torch.int16)))
    assert isinstance(scaled, MetaTensor)
    assert scaled.dtype == torch.float32
    assert scaled.affine[0, 0] == pytest.approx(2.4)


@pytest.mark.parametrize("gain", [0.02, 1.0, 300.0])
@pytest.mark.parametrize("hot", [0, 50, 5000])
def test_brightness_ends_between_7_and_14(counts, gain, hot):
    view = (counts[0] - 5).clip(min=0) * gain
    view[3, 4] += hot * gain
    bright = normalize_brightness(view)
    assert 7 < bright.mean() < 14
    assert bright.max() <= 255
    assert torch.equal(bright, bright.round())


def test_brightness_does_not_depend_on_the_activity(counts):
    torch.testing.assert_close(normalize_brightness(counts[0]), normalize_brightness(counts[0] * 4))


def test_brightness_leaves_a_view_that_fits_alone():
    view = torch.zeros(10, 10)
    view[0, :4] = torch.tensor([255.0, 255.0, 255.0, 200.0])  # mean 9.65 with white at 255
    torch.testing.assert_close(normalize_brightness(view), view)


def test_brightness_refuses_a_nearly_empty_view():
    view = torch.zeros(100, 10)
    view[0, 0] = 3
    with pytest.raises(ValueError, match=r"share of pixels .* must be over 0\.027 .* 0\.001"):
        normalize_brightness(view)


@pytest.mark.parametrize("percentile", [0, 100.5])
def test_refuses_an_impossible_percentile(percentile):
    with pytest.raises(ValueError, match=f"over 0 and up to 100, got {percentile}"):
        ScalePercentile(percentile)


@pytest.mark.parametrize(
    ("dictionary", "array"),
    [
        (ScalePercentiled("image", 90.0), ScalePercentile(90.0)),
        (NormalizeBrightnessd("image"), NormalizeBrightness()),
    ],
)
def test_dictionary_form_does_the_same_to_its_keys_only(dictionary, array, counts):
    scaled = dictionary({"image": counts, "label": counts})
    torch.testing.assert_close(scaled["image"], array(counts))
    assert scaled["label"] is counts


def test_the_root_is_one_at_the_percentile_and_clips_nothing():
    view = torch.tensor([[0.0, 0.0, 10.0, 20.0], [30.0, 40.0, 50.0, -1.0]])
    expected = (torch.tensor([[0.0, 0.0, 10.0, 20.0], [30.0, 40.0, 50.0, 0.0]]) / 30).sqrt()
    torch.testing.assert_close(scale_root(view, 50.0), expected)


def test_the_root_has_the_same_noise_at_every_mean():
    generator = torch.Generator().manual_seed(2)
    means = torch.tensor([8.0, 200.0])[:, None].expand(2, 20_000)
    deviations = scale_root(torch.poisson(means, generator=generator), 100.0).std(dim=1)
    assert deviations[0] / deviations[1] == pytest.approx(1.0, abs=0.05)


def test_the_root_keeps_the_views_comparable(counts):
    counts[1] *= 4
    scaled = ScaleRootd("image", 90.0)({"image": counts})["image"]
    torch.testing.assert_close(scaled, scale_root(counts, 90.0))
    assert not scale_root(torch.zeros(2, 3), 95.0).any()


def test_the_root_refuses_a_percentile_of_zero():
    with pytest.raises(ValueError, match="percentile must be over 0 and up to 100, got 0"):
        ScaleRoot(0)
