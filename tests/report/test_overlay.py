"""Overlays: what is drawn where."""

import json

import numpy as np
import pytest
from PIL import Image

from bonescan.dicom.scan import View
from bonescan.report.overlay import draw_overlay, write_overlay
from tests.report.pictures import is_red, render, texts_of
from tests.report.scan_results import HOT_COLUMN, HOT_ROW, SPACING_MM, make_result, take_view


def test_views_stand_side_by_side_with_sides_on_both():
    anterior, posterior = draw_overlay(make_result()).axes
    assert (anterior.get_title(), posterior.get_title()) == ("Anterior", "Posterior")
    assert anterior.get_position().x1 <= posterior.get_position().x0 + 1e-9
    for axes, left, right in ((anterior, "R", "L"), (posterior, "L", "R")):
        places = {text.get_text(): text.get_position()[0] for text in axes.texts}
        assert places[left] < 0.5 < places[right]


def test_a_millimetre_is_as_long_down_as_across():
    figure = draw_overlay(make_result())
    figure.canvas.draw()
    for axes in figure.axes:
        origin, down, across = axes.transData.transform([(0, 0), (0, 10), (10, 0)])
        down_px_per_mm = abs(down - origin)[1] / (10 * SPACING_MM[0])
        across_px_per_mm = abs(across - origin)[0] / (10 * SPACING_MM[1])
        assert down_px_per_mm == pytest.approx(across_px_per_mm, rel=0.01)


def test_hot_is_black_and_outlined_in_red_only_where_the_lesion_is():
    figure = draw_overlay(make_result())
    rgb = render(figure)
    figure.canvas.draw()
    anterior, posterior = figure.axes
    x, y = anterior.transData.transform((HOT_COLUMN, HOT_ROW))
    assert (rgb[round(rgb.shape[0] - y), round(x)] < 60).all()
    air_x, air_y = posterior.transData.transform((3, 60))
    assert (rgb[round(rgb.shape[0] - air_y), round(air_x)] > 240).all()
    red_rows, red_columns = np.nonzero(is_red(rgb))
    in_image = red_rows < rgb.shape[0] - 52  # above the legend
    assert in_image.any()
    edges = anterior.transData.transform([(HOT_COLUMN - 5, 0), (HOT_COLUMN + 12, 0)])[:, 0]
    assert red_columns[in_image].min() > edges[0]
    assert red_columns[in_image].max() < edges[1]


def test_caption_says_what_it_is():
    caption = texts_of(draw_overlay(make_result()))
    for words in ("0a1b2c", "simulated", "Assessed: thorax", "1 anterior, 0 posterior"):
        assert words in caption
    assert "Research use only" in caption
    assert "simulated" not in texts_of(draw_overlay(make_result(simulated=False)))


def test_findings_are_numbered_beside_the_lesion():
    anterior, posterior = draw_overlay(make_result()).axes
    (number,) = [text for text in anterior.texts if text.get_text() == "1"]
    column, row = number.get_position()
    assert HOT_COLUMN < column < HOT_COLUMN + 10
    assert abs(row - HOT_ROW) < 10
    assert not [text for text in posterior.texts if text.get_text() == "1"]


def test_one_view_alone_and_no_lesion(tmp_path):
    result = take_view(make_result(), View.POSTERIOR)
    write_overlay(tmp_path / "posterior.png", result)
    with Image.open(tmp_path / "posterior.png") as image:
        width, height = image.size
        texts = image.text
    assert json.loads(texts["Comment"]) == result.provenance.document()
    assert "0a1b2c" in texts["Description"]
    assert texts["Software"] == "bonescan 0.7"
    assert width == pytest.approx(60 * 1.9 * 0.65, abs=1)
    assert height > 120 * 2.4 * 0.65
    assert "0 posterior" in texts_of(draw_overlay(result))


def test_same_picture_same_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        write_overlay(tmp_path / name, make_result())
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
