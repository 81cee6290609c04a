"""The parts of a picture."""

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.report.drawing import (
    display_limit,
    draw_scale_bar,
    new_figure,
    outline_segments,
    patient_sides,
)


@pytest.mark.parametrize(
    ("view", "mirrored", "sides"),
    [
        (View.ANTERIOR, False, ("R", "L")),
        (View.POSTERIOR, False, ("L", "R")),
        (View.POSTERIOR, True, ("R", "L")),
    ],
)
def test_sides_of_the_patient(view, mirrored, sides):
    assert patient_sides(view, mirrored=mirrored) == sides


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
    draw_scale_bar(axes, (300, columns), (5.0, column_spacing_mm))
    left, right = axes.lines[0].get_xdata()
    assert (right - left) * column_spacing_mm == pytest.approx(length_mm)
    assert axes.texts[0].get_text() == f"{length_mm} mm"


def test_no_scale_bar_on_an_image_too_small_for_it():
    axes = new_figure(200, 200).add_subplot()
    draw_scale_bar(axes, (8, 8), (2.0, 2.0))
    assert not axes.lines
