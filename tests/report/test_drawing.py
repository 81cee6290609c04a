"""The parts of a picture."""

import numpy as np
import pytest

from bonescan.report.drawing import (
    display_limit,
    draw_scale_bar,
    draw_sides,
    find_zoom,
    new_figure,
    outline_segments,
)


@pytest.mark.parametrize(
    ("parts", "printed"),
    [
        ([("L", "R")], {0.03: "L", 0.97: "R"}),
        ([("R", "L")], {0.03: "R", 0.97: "L"}),
        ([("R", "L"), ("L", "R")], {0.015: "R", 0.485: "L", 0.515: "L", 0.985: "R"}),
        ([], {}),
    ],
)
def test_sides_stand_in_the_corners_of_each_part(parts, printed):
    axes = new_figure(200, 200).add_subplot()
    draw_sides(axes, parts)
    assert {text.get_position()[0]: text.get_text() for text in axes.texts} == printed


def test_outline_of_one_pixel_is_its_four_edges():
    mask = np.zeros((3, 4), dtype=bool)
    mask[2, 1] = True
    edges = {tuple(map(tuple, edge)) for edge in outline_segments(mask).tolist()}
    assert edges == {
        ((0.5, 1.5), (1.5, 1.5)),
        ((0.5, 2.5), (1.5, 2.5)),
        ((0.5, 1.5), (0.5, 2.5)),
        ((1.5, 1.5), (1.5, 2.5)),
    }


def test_outline_of_a_rectangle_has_its_perimeter_also_at_the_border():
    mask = np.zeros((6, 9), dtype=bool)
    mask[:4, 2:9] = True
    segments = outline_segments(mask)
    assert np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1).sum() == 2 * (4 + 7)


def test_outline_of_nothing():
    assert outline_segments(np.zeros((3, 4), dtype=bool)).shape == (0, 2, 2)


def test_display_limit_ignores_the_air_and_the_hottest_pixels():
    counts = np.zeros((100, 50))
    counts[:10, :10] = np.arange(1, 101).reshape(10, 10)
    assert display_limit(counts) == pytest.approx(np.percentile(np.arange(1, 101), 99))
    assert display_limit(np.zeros((4, 3))) == 1


@pytest.mark.parametrize(
    ("columns", "column_spacing_mm", "length_mm"), [(256, 2.4, 100), (128, 2.4, 50), (50, 1.9, 20)]
)
def test_scale_bar_has_the_length_it_names(columns, column_spacing_mm, length_mm):
    axes = new_figure(200, 200).add_subplot()
    axes.set_xlim(40, 40 + columns)
    axes.set_ylim(500, 200)
    draw_scale_bar(axes, (5.0, column_spacing_mm))
    left, right = axes.lines[0].get_xdata()
    assert 40 < left < right < 40 + columns / 2
    assert 450 < axes.lines[0].get_ydata()[0] < 500
    assert (right - left) * column_spacing_mm == pytest.approx(length_mm)
    assert axes.texts[0].get_text() == f"{length_mm} mm"


def test_no_scale_bar_on_an_image_too_small_for_it():
    axes = new_figure(200, 200).add_subplot()
    axes.set_xlim(0, 8)
    axes.set_ylim(8, 0)
    draw_scale_bar(axes, (2.0, 2.0))
    assert not axes.lines


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        ([], ((0, 100), (0, 60))),
        ([(50, 30)], ((35.5, 65.5), (21.5, 39.5))),
        ([(2, 58)], ((0, 30), (42, 60))),
        ([(10, 20), (59, 24)], ((2.5, 67.5), (3, 42))),
        ([(0, 0), (99, 59)], ((0, 100), (0, 60))),
    ],
)
def test_zoom_holds_the_mask_in_the_proportions_of_the_image(pixels, expected):
    mask = np.zeros((100, 60), dtype=bool)
    for pixel in pixels:
        mask[pixel] = True
    np.testing.assert_allclose(find_zoom(mask), expected)
