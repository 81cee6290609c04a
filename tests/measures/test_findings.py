"""Findings, worked out by hand."""

from functools import partial

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.measures.findings import find_border
from bonescan.measures.findings import find_lesions as find_lesions_in

SPACING_MM = (2.4, 1.9)
COUNTS = np.arange(6 * 5, dtype=np.float32).reshape(6, 5)
WHOLE = np.ones(COUNTS.shape, dtype=bool)
find_lesions = partial(find_lesions_in, field_mask=WHOLE)


def mask_of(*pixels: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(COUNTS.shape, dtype=bool)
    for row, column in pixels:
        mask[row, column] = True
    return mask


def test_one_lesion_by_hand():
    (finding,) = find_lesions(mask_of((2, 1), (2, 2), (3, 2)), COUNTS, SPACING_MM, View.POSTERIOR)
    assert finding.view is View.POSTERIOR
    assert finding.number == 1
    assert finding.area_px == 3
    assert finding.area_mm2 == pytest.approx(3 * 2.4 * 1.9)
    assert finding.max_counts == 17  # row 3, column 2
    assert finding.mean_counts == pytest.approx((11 + 12 + 17) / 3)
    assert finding.centroid_px == pytest.approx((7 / 3, 5 / 3))
    assert finding.centroid_mm == pytest.approx((7 / 3 * 2.4, 5 / 3 * 1.9))
    assert finding.box_px == (2, 1, 3, 2)


def test_one_pixel():
    (finding,) = find_lesions(mask_of((5, 0)), COUNTS, SPACING_MM, View.ANTERIOR)
    assert finding.max_counts == finding.mean_counts == 25
    assert finding.centroid_px == (5, 0)
    assert finding.centroid_mm == pytest.approx((12, 0))
    assert finding.box_px == (5, 0, 5, 0)


def test_no_lesion():
    assert find_lesions(mask_of(), COUNTS, SPACING_MM, View.ANTERIOR) == []


def test_diagonal_pixels_are_one_lesion_and_gaps_part_two():
    assert len(find_lesions(mask_of((0, 0), (1, 1)), COUNTS, SPACING_MM, View.ANTERIOR)) == 1
    assert len(find_lesions(mask_of((0, 0), (0, 2)), COUNTS, SPACING_MM, View.ANTERIOR)) == 2


def test_numbered_from_head_to_foot():
    lesions = find_lesions(mask_of((4, 0), (0, 4), (2, 1)), COUNTS, SPACING_MM, View.ANTERIOR)
    assert [finding.number for finding in lesions] == [1, 2, 3]
    assert [finding.box_px[0] for finding in lesions] == [0, 2, 4]


def test_a_neighbour_inside_the_box_does_not_count():
    ring = mask_of((0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (4, 1), (4, 2), (4, 3), (4, 4))
    ring |= mask_of((1, 3))  # alone, inside the bounding box of the L
    corner, single = find_lesions(ring, COUNTS, SPACING_MM, View.ANTERIOR)
    assert (corner.area_px, single.area_px) == (9, 1)
    # the column 0, 5, 10, 15, 20 and the row 21, 22, 23, 24, without the 8 of the single pixel
    assert corner.mean_counts == pytest.approx((50 + 90) / 9)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"counts must have the mask's shape \(5, 6\), got \(6, 5"):
        find_lesions(mask_of().T, COUNTS, SPACING_MM, View.ANTERIOR)
    with pytest.raises(
        ValueError, match=r"field_mask must have the mask's shape \(6, 5\), got \(5"
    ):
        find_lesions(mask_of(), COUNTS, SPACING_MM, View.ANTERIOR, field_mask=WHOLE.T)


def test_score_is_the_highest_probability_in_the_lesion():
    prob = np.linspace(0, 1, COUNTS.size).reshape(COUNTS.shape)
    mask = mask_of((0, 1), (1, 1), (4, 4))
    first, second = find_lesions(mask, COUNTS, SPACING_MM, View.ANTERIOR, prob=prob)
    assert (first.score, second.score) == pytest.approx((prob[1, 1], prob[4, 4]))
    (unscored, _) = find_lesions(mask, COUNTS, SPACING_MM, View.ANTERIOR)
    assert unscored.score is None


def test_instances_that_touch_are_lesions_of_their_own():
    instances = np.zeros(COUNTS.shape, dtype=np.int32)
    instances[2:4, 1:3] = 7
    instances[1, 2] = instances[2, 3] = 4
    instances[5, 0] = 9
    mask = (instances > 0) & (instances != 9)
    upper, lower = find_lesions(mask, COUNTS, SPACING_MM, View.ANTERIOR, instances=instances)
    assert (upper.number, upper.area_px, upper.box_px) == (1, 2, (1, 2, 2, 3))
    assert (lower.number, lower.area_px, lower.box_px) == (2, 4, (2, 1, 3, 2))
    assert find_lesions(mask_of(), COUNTS, SPACING_MM, View.ANTERIOR, instances=instances) == []


def test_instances_that_fill_the_image_have_no_background():
    instances = np.full(COUNTS.shape, 2)
    instances[3:] = 1
    mask = np.ones(COUNTS.shape, dtype=bool)
    findings = find_lesions(mask, COUNTS, SPACING_MM, View.ANTERIOR, instances=instances)
    assert [finding.box_px for finding in findings] == [(0, 0, 2, 4), (3, 0, 5, 4)]


def test_instances_must_have_the_shape_of_the_mask():
    with pytest.raises(ValueError, match=r"mask's shape \(6, 5\), got \(5, 6\)"):
        find_lesions(
            mask_of(), COUNTS, SPACING_MM, View.ANTERIOR, instances=np.zeros((5, 6), dtype=np.int32)
        )


def test_what_the_field_cuts_off_is_flagged():
    field_mask = np.zeros(COUNTS.shape, dtype=bool)
    field_mask[:5, 1:4] = True
    lesions = mask_of((2, 2), (4, 3), (0, 2))
    found = find_lesions(lesions, COUNTS, SPACING_MM, View.ANTERIOR, field_mask=field_mask)
    flagged = {finding.box_px[:2]: finding.touches_field_border for finding in found}
    assert flagged == {(0, 2): True, (2, 2): False, (4, 3): True}, "the image ends above row 0"


def test_border_is_one_pixel_wide_and_inside():
    field_mask = np.zeros((7, 8), dtype=bool)
    field_mask[1:6, 2:8] = True
    border = find_border(field_mask)
    assert border.sum() == 5 * 6 - 3 * 4
    assert not border[2:5, 3:7].any()
    assert not (border & ~field_mask).any()


def test_uptake_over_that_of_the_surroundings():
    counts = np.full((40, 40), 4.0)
    counts[20, 20] = 30
    counts[20, 25] = 1000  # another lesion, 9.5 mm away
    counts[24, 20] = 500  # the bladder, 9.6 mm away
    counts[22, 20] = 90  # 4.8 mm away: blur of the lesion
    counts[20, 12] = 8  # 15.2 mm away
    counts[20, 11] = 700  # 17.1 mm away
    mask, bladder_mask = np.zeros((2, 40, 40), bool)
    mask[20, 20] = mask[20, 25] = bladder_mask[24, 20] = True
    whole = np.ones((40, 40), bool)
    finding, _ = find_lesions(
        mask, counts, SPACING_MM, View.ANTERIOR, field_mask=whole, bladder_mask=bladder_mask
    )
    row, column = np.indices((40, 40)) - 20
    away_mm = np.hypot(row * 2.4, column * 1.9)
    pixels = np.count_nonzero((away_mm > 6) & (away_mm <= 16)) - 2
    assert finding.to_background == pytest.approx(30 / ((4 * pixels + 4) / pixels))


def test_nothing_to_compare_with():
    mask = np.ones(COUNTS.shape, bool)
    (all_over,) = find_lesions(mask, COUNTS, SPACING_MM, View.ANTERIOR)
    assert all_over.to_background is None
    lonely = np.zeros((40, 40))
    lonely[20, 20] = 30
    (finding,) = find_lesions(
        lonely > 0, lonely, SPACING_MM, View.ANTERIOR, field_mask=np.ones((40, 40), bool)
    )
    assert finding.to_background is None
