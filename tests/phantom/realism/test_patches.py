import numpy as np
import pytest

from bonescan.phantom.realism.patches import (
    BANDS,
    DESCRIBERS,
    FAMILIES,
    SIZE,
    SPECTRUM_EDGES,
    cut_patches,
    describe,
    describe_blobs,
    describe_intensity,
    describe_orientation,
    describe_spectrum,
)
from bonescan.phantom.realism.telling_apart import compare_patches, separate

GRID = np.indices((SIZE, SIZE))


def noise(mean=30.0, seed=0):
    return np.random.default_rng(seed).poisson(mean, (SIZE, SIZE)).astype(float)


def body(seed, texture=0.0):
    """An even body in Poisson noise, with stripes of a texture across it."""
    counts = np.zeros((420, 160))
    stripes = 1 + texture * np.sin(np.indices((360, 90))[0] / 3)
    counts[30:390, 35:125] = np.random.default_rng(seed).poisson(25 * stripes)
    return counts


def test_families_hold_each_feature_once():
    assert set(FAMILIES) == set(DESCRIBERS)
    together = np.concatenate(list(FAMILIES.values()))
    np.testing.assert_array_equal(together, np.arange(len(describe(noise()))))


def test_poisson_noise_has_the_power_of_poisson_noise():
    powers = [describe_spectrum(noise(seed=seed)) for seed in range(20)]
    assert np.exp(np.mean(powers)) == pytest.approx(1, abs=0.1)


def test_a_stripe_shows_at_its_frequency_and_in_its_direction():
    stripes = 30 + 20 * np.sin(2 * np.pi * 0.1 * GRID[0])
    bands = describe_spectrum(stripes)
    assert SPECTRUM_EDGES[bands.argmax()] <= 0.1 <= SPECTRUM_EDGES[bands.argmax() + 1]
    across, along = describe_orientation(stripes), describe_orientation(stripes.T)
    assert abs(int(across.argmax()) - int(along.argmax())) == 3
    assert across.sum() == pytest.approx(1)


def test_brightness_forgets_the_counts():
    np.testing.assert_allclose(describe_intensity(noise()), describe_intensity(4 * noise()))


def test_a_blob_is_skewed_at_its_scale():
    blob = 30 + 60 * np.exp(-((GRID - SIZE / 2) ** 2).sum(axis=0) / (2 * 4.0**2))
    assert describe_blobs(blob)[9] > 2
    assert abs(describe_blobs(noise())[9]) < 1


def test_patches_lie_in_the_body():
    patches = cut_patches(body(0), 2.5)
    assert len(patches.place) == len(patches.features) > 20
    assert 0 < patches.place.min() < 0.15
    assert 0.85 < patches.place.max() < 1
    sizes = [len(patches.inside(band)) for band in range(BANDS)]
    assert sum(sizes) == len(patches.place)
    assert len(patches.outside(0)) == sum(sizes[1:])


@pytest.fixture(scope="module")
def alike():
    return [cut_patches(body(seed), 2.5) for seed in range(1, 7)]


def test_a_body_of_another_texture_is_told_apart_and_one_of_the_same_is_not(alike):
    assert separate(cut_patches(body(20, texture=0.5), 2.5), alike) > 0.95
    assert 0.3 < separate(cut_patches(body(21), 2.5), alike) < 0.7


def test_the_table_has_its_null(alike):
    table = compare_patches([cut_patches(body(20, texture=0.5), 2.5)], alike[:5])
    auc, null, high = table.rows["all"]
    assert auc > 0.95
    assert null < high < auc
    assert (table.real_scans, table.simulated) == (1, 5)
    assert list(table.rows) == ["all", *FAMILIES]
    with pytest.raises(ValueError, match="got 0 and 5"):
        compare_patches([], alike[:5])
