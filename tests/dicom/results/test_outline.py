import numpy as np
import pytest
from matplotlib.path import Path
from scipy import ndimage

from bonescan.dicom.results.outline import MOST_POINTS, outline_pixels


def area_of(outline: np.ndarray) -> float:
    column, row = outline.T
    return float((column[:-1] * row[1:] - column[1:] * row[:-1]).sum() / 2)


def test_a_pixel_has_four_corners():
    mask = np.zeros((4, 7), bool)
    mask[1, 5] = True
    assert outline_pixels(mask).tolist() == [[5, 1], [6, 1], [6, 2], [5, 2], [5, 1]]


@pytest.mark.parametrize("corner", [(0, 4), (0, 6)])
def test_pixels_that_touch_at_a_corner_are_one_lesion(corner):
    mask = np.zeros((4, 7), bool)
    mask[1, 5] = mask[corner] = True
    outline = outline_pixels(mask)
    assert area_of(outline) == 2
    assert {5.0, 6.0} < set(outline[:, 0])


def test_a_mask_that_covers_the_image_is_its_frame():
    outline = outline_pixels(np.ones((3, 7), bool))
    assert outline.tolist() == [[0, 0], [7, 0], [7, 3], [0, 3], [0, 0]]


@pytest.mark.parametrize("seed", range(12))
def test_an_outline_encloses_the_centres_of_its_pixels_alone(seed):
    rng = np.random.default_rng(seed)
    mask = ndimage.gaussian_filter(rng.normal(size=(23, 31)), 1 + seed % 3) > 0.02
    parts, _ = ndimage.label(mask, np.ones((3, 3)))
    largest = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    filled = ndimage.binary_fill_holes(largest)
    outline = outline_pixels(mask)
    row, column = np.indices(mask.shape)
    centres = np.column_stack([column.ravel() + 0.5, row.ravel() + 0.5])
    inside = Path(outline).contains_points(centres).reshape(mask.shape)
    np.testing.assert_array_equal(inside, filled)
    assert area_of(outline) == filled.sum()


def test_of_two_parts_the_larger_is_outlined():
    mask = np.zeros((6, 9), bool)
    mask[0, 0] = True
    mask[3:5, 4:7] = True
    assert outline_pixels(mask).min(axis=0).tolist() == [4, 3]


def test_no_outline_is_too_long_for_its_element():
    mask = np.zeros((5_001, 2), bool)
    mask[:, 0] = mask[::2] = True  # a comb
    outline = outline_pixels(mask)
    assert 2 * 4 * len(outline) < 2**16
    assert len(outline) > MOST_POINTS / 2
    np.testing.assert_array_equal(outline[0], outline[-1])


def test_an_empty_mask_has_no_outline():
    with pytest.raises(ValueError, match="mask must hold a pixel"):
        outline_pixels(np.zeros((3, 4), bool))
