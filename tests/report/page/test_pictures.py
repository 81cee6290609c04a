import io

import numpy as np
import pytest
from PIL import Image

from bonescan.report.drawing import outline_segments
from bonescan.report.overlay import find_shown_rows
from bonescan.report.page.pictures import find_boxes, find_outlines, make_pictures
from tests.report.page.scans import SPACING_MM, make_crowded_scan, make_scan


def draw_mask(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((13, 9)) < 0.4


def in_pixels(lines) -> np.ndarray:
    """Return lines as single edges of pixels, (column, row, column, row) at pixel corners."""
    row_mm, column_mm = SPACING_MM
    found = []
    for x, y, to_x, to_y in lines:
        column, row = round(x / column_mm), round(y / row_mm)
        to_column, to_row = round(to_x / column_mm), round(to_y / row_mm)
        if row == to_row:
            found += [(c, row, c + 1, row) for c in range(column, to_column)]
        else:
            found += [(column, r, column, r + 1) for r in range(row, to_row)]
    return np.array(sorted(found))


@pytest.mark.parametrize("seed", range(4))
def test_outlines_are_the_edges_of_the_pixels_each_once(seed):
    mask = draw_mask(seed)
    edges = outline_segments(mask).reshape(-1, 4) + 0.5
    np.testing.assert_array_equal(
        in_pixels(find_outlines(mask, SPACING_MM)), np.array(sorted(map(tuple, edges.tolist())))
    )
    assert len(find_outlines(np.ones((5, 7), bool), SPACING_MM)) == 4


@pytest.mark.parametrize("seed", range(4))
def test_boxes_cover_a_mask_without_overlap(seed):
    mask = draw_mask(seed)
    covered = np.zeros(mask.shape, int)
    row_mm, column_mm = SPACING_MM
    for x, y, width, height in find_boxes(mask, SPACING_MM):
        top, left = round(y / row_mm), round(x / column_mm)
        covered[top : top + round(height / row_mm), left : left + round(width / column_mm)] += 1
    np.testing.assert_array_equal(covered, mask)


@pytest.mark.parametrize("most", [3, 200, 12000])
def test_levels_are_finer_than_the_noise(most):
    counts = np.random.default_rng(1).poisson(np.geomspace(0.5, most, 16000)).reshape(2, 200, 40)
    scan = make_scan(
        counts=counts.astype(np.float32),
        label_map=np.zeros(counts.shape, np.uint8),
        prob=np.zeros(counts.shape),
        field_mask=np.ones(counts.shape, bool),
        regions=None,
    )
    rows = find_shown_rows(scan.counts, scan.spacing_mm)
    for view, picture in zip(counts[:, rows], make_pictures(scan), strict=True):
        shown = picture.full_counts * (picture.levels / 255) ** 2
        assert (np.abs(shown - view) <= 0.5 * np.sqrt(np.maximum(view, 1))).all()


def test_grey_is_inverse_and_black_from_the_limit():
    (picture, _) = make_pictures(make_scan(("anterior", 50, 20, 0.9)))
    grey = picture.grey(limit=50)
    level = picture.levels
    assert (grey[level == 0] == 255).all()
    assert (grey[level == level.max()] == 0).all()
    assert np.abs(grey[level == level[100, 40]].astype(float) - 255 * (1 - 20 / 50)).max() <= 2
    assert (np.asarray(Image.open(io.BytesIO(picture.png()))) == level).all()


def test_sides_are_printed_as_the_views_are_acquired():
    anterior, posterior = make_pictures(make_scan())
    assert (anterior.sides, posterior.sides) == (("R", "L"), ("L", "R"))
    assert [each.sides for each in make_pictures(make_scan(mirrored_copy=True))] == [
        ("L", "R"),
        ("R", "L"),
    ]


def test_a_mark_leads_from_the_nearer_side_to_its_lesion():
    scan = make_scan(("anterior", 50, 20, 0.9), ("anterior", 60, 50, 0.9))
    (picture, other) = make_pictures(scan)
    left, right = picture.marks
    shown_from = find_shown_rows(scan.counts, scan.spacing_mm).start
    assert (left.text, right.text) == ("1", "2")
    assert left.line[0] < left.line[2] == 20 * 3.0
    assert right.line[0] > right.line[2] == 52 * 3.0
    assert left.line[3] == pytest.approx((51.5 - shown_from) * 2.0)
    assert (picture.lesions, other.lesions, other.marks) == (2, 0, ())


def test_a_thousand_lesions_leave_room_for_their_numbers():
    picture, _ = make_pictures(make_crowded_scan(1000))
    assert picture.lesions == 1000
    assert 0 < len(picture.marks) <= 24
