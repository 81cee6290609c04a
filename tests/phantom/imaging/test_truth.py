import numpy as np
import pytest

from bonescan.labels import Label, region_bit
from bonescan.phantom.imaging.projection import Patch
from bonescan.phantom.imaging.truth import (
    LEAST_CNR,
    PEAK_SHARE,
    contrast_to_noise,
    mark_truth,
    outline,
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


def image_of(patch):
    image = background(0.0)
    image[patch.slices] = patch.values
    return image


def test_outline_is_where_the_lesion_reaches_its_share_of_the_peak():
    mask = visible_mask(bump(100.0), background(10.0), PIXEL_MM)
    radius = 3.0 * np.sqrt(-2 * np.log(PEAK_SHARE))
    assert mask.sum() == pytest.approx(np.pi * radius**2, rel=0.1)


def test_contrast_to_noise_in_an_even_field_is_that_of_the_counts():
    """Mean added over the Poisson noise of the mean of as many pixels."""
    lesion, level = bump(30.0), background(400.0)
    mask = outline(lesion.values)
    added = lesion.values[mask].mean()
    expected = added / np.sqrt((400.0 + added) / mask.sum())
    assert contrast_to_noise(lesion, mask, level, PIXEL_MM) == pytest.approx(expected, rel=1e-4)
    assert contrast_to_noise(lesion, mask & False, level, PIXEL_MM) == 0


def test_uneven_surroundings_hide_what_an_even_field_shows():
    rows = np.arange(80)[:, None]
    wavy = (400 * (1 + 0.3 * np.sin(rows / 3.0)) * np.ones((1, 90))).astype(np.float32)
    lesion = bump(150.0)
    mask = outline(lesion.values)
    even = contrast_to_noise(lesion, mask, background(400.0), PIXEL_MM)
    assert contrast_to_noise(lesion, mask, wavy, PIXEL_MM) < 0.5 * even


def test_what_a_reader_cannot_see_is_hidden():
    rows = np.arange(80)[:, None]
    wavy = (400 * (1 + 0.5 * np.sin(rows / 4.0)) * np.ones((1, 90))).astype(np.float32)
    faint, strong = bump(180.0), bump(2000.0)
    assert contrast_to_noise(faint, outline(faint.values), wavy, PIXEL_MM) < LEAST_CNR
    assert not visible_mask(faint, wavy, PIXEL_MM).any()
    assert visible_mask(strong, wavy, PIXEL_MM).any()


def test_a_lesion_lost_in_the_counts_around_it_is_hidden_however_many_they_are():
    assert not visible_mask(bump(8e4), background(1e6), PIXEL_MM).any()


def test_a_cold_lesion_is_marked_where_it_takes_counts_away():
    cold = bump(-150.0)
    assert visible_mask(cold, background(300.0), PIXEL_MM).any()


def test_remains_too_small_to_draw_are_left_out():
    assert not visible_mask(bump(100.0, sigma=0.4), background(20.0), PIXEL_MM).any()


def test_lesions_win_over_the_bladder_and_the_stronger_lesion_over_the_weaker():
    expected = background(50.0)
    weak, strong = bump(90.0, column=30), bump(140.0, column=34)
    for part in (weak, strong, bump(100.0, column=38)):
        expected[part.slices] += part.values
    truth = mark_truth([weak, strong], [], bump(100.0, column=38), expected, PIXEL_MM)
    label, instances = truth.label, truth.instances
    assert set(np.unique(label)) == {0, Label.METASTASIS, Label.BLADDER}
    assert label[30, 50] == Label.BLADDER
    assert label[30, 46] == Label.METASTASIS
    assert instances[30, 44] == 2
    assert instances[30, 37] == 1
    np.testing.assert_array_equal(label == Label.METASTASIS, instances > 0)


def test_another_lesion_beside_it_does_not_hide_one():
    faint, glaring = bump(60.0, column=20), bump(5000.0, column=34)
    expected = background(50.0)
    for part in (faint, glaring):
        expected[part.slices] += part.values
    alone = mark_truth([faint], [], None, background(50.0) + image_of(faint), PIXEL_MM)
    both = mark_truth([faint, glaring], [], None, expected, PIXEL_MM)
    assert alone.instances[30, 30] == both.instances[30, 30] == 1
    assert both.instances[30, 44] == 2


def test_a_focus_is_compared_with_what_it_lies_on_not_with_itself():
    """It adds 0.3 of what it lies on: above LEAST_CONTRAST of that, below it of the sum."""
    focus, level = bump(3000.0), background(1e4)
    truth = mark_truth([], [focus], None, level + image_of(focus), PIXEL_MM)
    assert truth.benign[30, 40] == 1


def test_benign_foci_are_numbered_apart_from_lesions():
    lesion, focus = bump(300.0, column=20), bump(200.0, column=50)
    expected = background(50.0)
    for part in (lesion, focus):
        expected[part.slices] += part.values
    truth = mark_truth([lesion], [focus], None, expected, PIXEL_MM)
    assert truth.label[30, 30] == Label.METASTASIS
    assert truth.label[30, 60] == 0
    assert (truth.benign[30, 30], truth.benign[30, 60]) == (0, 1)
    np.testing.assert_array_equal(truth.label == Label.METASTASIS, truth.instances > 0)


def test_nothing_to_mark_gives_empty_maps():
    truth = mark_truth([], [], None, background(10.0), PIXEL_MM)
    assert not truth.label.any()
    assert not truth.instances.any()
    assert not truth.benign.any()


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
