"""Evaluated images next to each other."""

import numpy as np
import pytest

from bonescan.image_form import ImageForm
from bonescan.report.panels import PANEL_SIDE_PX, draw_panels, write_panels
from tests.report.pictures import is_green, is_red, make_image, render, texts_of


def make_example(form: ImageForm):
    pred_mask = np.zeros((120, 60), dtype=bool)
    pred_mask[37:44, 12:19] = True
    return make_image(pred_mask, np.roll(pred_mask, 30, axis=0), form=form)


def test_images_are_plain_above_and_outlined_below(tmp_path):
    images = {f"best, {form}": make_example(form) for form in list(ImageForm)[:3]}
    figure = draw_panels(images, simulated=True)
    rgb = render(figure)
    upper, lower = np.split(rgb[26 : 26 + 2 * PANEL_SIDE_PX], 2)
    assert not is_red(upper).any()
    assert is_red(lower).any()
    assert is_green(lower).any()
    assert "simulated" in texts_of(figure)
    assert "Research use only" in texts_of(figure)
    titles = [axes.get_title() for axes in figure.axes]
    assert [title for title in titles if title] == list(images)
    for axes in figure.axes:
        x = {text.get_text(): text.get_position()[0] for text in axes.texts}
        assert x["R"] < x["L"]
    write_panels(tmp_path / "examples.png", images, simulated=True)
    assert (tmp_path / "examples.png").stat().st_size > 1000


def test_no_image_is_refused():
    with pytest.raises(ValueError, match="at least one image, got none"):
        draw_panels({}, simulated=True)


def test_lesions_are_zoomed_to_below_and_framed_above():
    figure = draw_panels({"best": make_example(ImageForm.POSTERIOR)}, simulated=True)
    whole, zoomed = figure.axes
    assert whole.get_xlim() == (-0.5, 59.5)
    (frame,) = whole.patches
    assert (frame.get_x(), frame.get_x() + frame.get_width()) == zoomed.get_xlim()
    assert (frame.get_y() + frame.get_height(), frame.get_y()) == zoomed.get_ylim()
    assert frame.get_y() < 36.5
    assert frame.get_y() + frame.get_height() > 73.5, "of both masks"
    assert frame.get_height() < 80
