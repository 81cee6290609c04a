import numpy as np
import pytest
from scipy import ndimage

from bonescan.labels import Label, region_bit
from bonescan.phantom.imaging.camera import Patch
from bonescan.phantom.imaging.truth import (
    LEAST_CONTRAST,
    mark_truth,
    noise_counts,
    region_map,
    visible_mask,
)
from tests.phantom.bodies import block_body

PIXEL_MM = 2.3


def bump(peak, row=20, column=30, size=21, sigma=3.0):
    offsets = np.arange(size) - size // 2
    shape = np.exp(-0.5 * (offsets[:, None] ** 2 + offsets**2) / sigma**2)
    return Patch(row, column, (peak * shape).astype(np.float32))


def background(level):
    return np.full((80, 90), level, np.float32)


def test_outline_is_where_the_image_reaches_its_share_of_the_peak():
    mask = visible_mask(bump(100.0), background(110.0), PIXEL_MM)
    radius = 3.0 * np.sqrt(-2 * np.log(0.45))
    assert mask.sum() == pytest.approx(np.pi * radius**2, rel=0.1)


def test_what_adds_less_than_the_noise_is_hidden():
    level = 400.0
    noise = noise_counts(background(level), PIXEL_MM)[0, 0]
    assert not visible_mask(bump(1.5 * noise), background(level), PIXEL_MM).any()
    strong = visible_mask(bump(8 * noise + LEAST_CONTRAST * level), background(level), PIXEL_MM)
    assert strong.any()


def test_noise_of_a_resolution_element_is_that_of_its_pixels_averaged():
    rng = np.random.default_rng(1)
    sigma = 8.0 / 2.3548 / PIXEL_MM
    smooth = ndimage.gaussian_filter(rng.poisson(50, (400, 400)).astype(float), sigma)
    assert smooth.std() == pytest.approx(noise_counts(np.float32(50), PIXEL_MM), rel=0.05)


def test_a_lesion_lost_in_the_counts_around_it_is_hidden_however_many_they_are():
    assert not visible_mask(bump(8e4), background(1e6), PIXEL_MM).any()


def test_a_cold_lesion_is_marked_where_it_takes_counts_away():
    cold = bump(-150.0)
    assert visible_mask(cold, background(300.0), PIXEL_MM).any()


def test_remains_too_small_to_draw_are_left_out():
    assert not visible_mask(bump(100.0, sigma=0.4), background(20.0), PIXEL_MM).any()


def test_lesions_win_over_the_bladder_and_the_stronger_lesion_over_the_weaker():
    expected = background(150.0)
    weak, strong = bump(90.0, column=30), bump(140.0, column=34)
    label, instances = mark_truth([weak, strong], bump(100.0, column=38), expected, PIXEL_MM)
    assert set(np.unique(label)) == {0, Label.METASTASIS, Label.BLADDER}
    assert label[30, 50] == Label.BLADDER
    assert label[30, 46] == Label.METASTASIS
    assert instances[30, 44] == 2
    assert instances[30, 37] == 1
    np.testing.assert_array_equal(label == Label.METASTASIS, instances > 0)


def test_nothing_to_mark_gives_empty_maps():
    label, instances = mark_truth([], None, background(10.0), PIXEL_MM)
    assert not label.any()
    assert not instances.any()


def test_overlapping_bones_share_a_pixel():
    body = block_body()
    regions = region_map(body)
    both = region_bit("sternum") | region_bit("t6")
    hits = regions & both == both
    sternum, spine = body.bones["sternum"].block, body.bones["vertebra_t6"].block
    rows = set(range(50, 80)) & set(range(spine.start[0], spine.start[0] + 8))
    columns = set(range(45, 51)) & set(range(42, 54))
    assert sternum.start[0] == 50
    assert hits.sum() == len(rows) * len(columns)
    assert regions.dtype == np.int64


def test_regions_keep_their_side():
    regions = region_map(block_body())
    right = np.argwhere(regions & region_bit("ribs_right"))[:, 1]
    left = np.argwhere(regions & region_bit("ribs_left"))[:, 1]
    assert right.max() < left.min()
