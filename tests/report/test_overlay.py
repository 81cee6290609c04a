"""Overlays: what is drawn where."""

import dataclasses
import json
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from bonescan.data.datalist import load_items
from bonescan.data.load import load_scan, load_scan_or_map
from bonescan.dicom.scan import View
from bonescan.labels import Label, region_bit
from bonescan.measures.findings import Finding
from bonescan.report.drawing import Raster
from bonescan.report.overlay import (
    CAPTION_PX,
    MIN_WIDTH_PX,
    MOST_NUMBERS,
    choose_numbered,
    draw_overlay,
    find_shown_rows,
    spread,
    write_overlay,
)
from bonescan.report.writers import findings_document
from tests.report.pictures import is_red, render, texts_of
from tests.report.scan_results import (
    FIELD,
    HOT_COLUMN,
    HOT_ROW,
    SHAPE,
    SPACING_MM,
    make_result,
    take_view,
)


def place(axes, rgb: np.ndarray, row: float, column: float) -> tuple[int, int]:
    """Return the pixel of a picture in which a pixel of the scan is shown."""
    x, y = axes.transData.transform((column, row))
    return rgb.shape[0] - round(y), round(x)


def test_views_stand_side_by_side_with_findings_and_then_plain():
    axes = draw_overlay(make_result()).axes
    titles = [panel.get_title().split("\n")[0] for panel in axes]
    assert titles == ["Anterior", "Posterior, seen from behind"] * 2
    assert [("plain" in panel.get_title()) for panel in axes] == [False, False, True, True]
    edges = [(panel.get_position().x0, panel.get_position().x1) for panel in axes]
    assert all(left[1] < right[0] for left, right in pairwise(edges))
    for panel, left, right in zip(axes, "RLRL", "LRLR", strict=True):
        places = {text.get_text(): text.get_position()[0] for text in panel.texts}
        assert places[left] < 0.5 < places[right]


def test_a_mirrored_copy_has_its_sides_the_other_way_and_says_so():
    axes = draw_overlay(make_result(mirrored_copy=True)).axes
    titles = [panel.get_title().split("\n")[0] for panel in axes[:2]]
    assert titles == ["Anterior, mirrored copy", "Posterior, seen from behind, mirrored copy"]
    for panel, left, right in zip(axes, "LRLR", "RLRL", strict=True):
        places = {text.get_text(): text.get_position()[0] for text in panel.texts}
        assert places[left] < 0.5 < places[right]


def test_right_is_where_the_right_arm_is(cohort):
    entry = load_items(cohort / "datalist.json")[0]
    scan, (_, regions) = load_scan(entry["image"]), load_scan_or_map([entry["regions"]])
    shape = scan.stack().shape
    figure = draw_overlay(
        make_result(
            counts=scan.stack(),
            label_map=np.zeros(shape, np.uint8),
            prob=np.zeros(shape),
            field_mask=np.ones(shape, bool),
            spacing_mm=scan.spacing_mm,
        )
    )
    for panel, plane in zip(figure.axes, [*regions, *regions], strict=True):
        _, columns = np.nonzero(plane & region_bit("humerus_right"))
        arm = panel.transAxes.inverted().transform(
            panel.transData.transform((columns.mean(), shape[1] / 2))
        )[0]
        sides = {text.get_text(): text.get_position()[0] for text in panel.texts}
        assert abs(arm - sides["R"]) < abs(arm - sides["L"])


def test_a_millimetre_is_as_long_down_as_across():
    figure = draw_overlay(make_result())
    figure.canvas.draw()
    for axes in figure.axes:
        origin, down, across = axes.transData.transform([(0, 0), (0, 10), (10, 0)])
        down_px_per_mm = abs(down - origin)[1] / (10 * SPACING_MM[0])
        across_px_per_mm = abs(across - origin)[0] / (10 * SPACING_MM[1])
        assert down_px_per_mm == pytest.approx(across_px_per_mm, rel=0.01)


def test_hot_is_black_and_outlined_in_red_with_a_white_rim():
    figure = draw_overlay(make_result())
    rgb = render(figure)
    anterior, posterior, plain, _ = figure.axes
    for panel in (anterior, plain):
        assert (rgb[place(panel, rgb, HOT_ROW, HOT_COLUMN)] < 60).all()
    row, column = place(anterior, rgb, HOT_ROW - 3.5, HOT_COLUMN)
    across = rgb[row - 4 : row + 5, column]
    assert is_red(across).any()
    assert (across > 230).all(axis=1).any()
    posterior_left = round(posterior.get_position().x0 * rgb.shape[1])
    assert not is_red(rgb[: rgb.shape[0] - CAPTION_PX, posterior_left:]).any()


def test_what_was_not_assessed_is_shaded_and_the_field_framed():
    rows, columns = slice(FIELD[0].start, 70), FIELD[1]
    field_mask = np.zeros(SHAPE, dtype=bool)
    field_mask[:, rows, columns] = True
    figure = draw_overlay(make_result(field_mask=field_mask))
    rgb = render(figure)
    anterior, plain = figure.axes[0], figure.axes[2]
    inside, outside = (rows.start + 3, columns.start + 1), (rows.start - 6, columns.start + 1)
    assert (rgb[place(anterior, rgb, *inside)] > 245).all()
    assert (rgb[place(anterior, rgb, *outside)] < 225).all()
    assert (rgb[place(plain, rgb, *outside)] > 245).all()
    row, column = place(anterior, rgb, rows.start - 0.5, 30)
    blue = rgb[row - 2 : row + 3, column]
    assert ((blue[:, 2] - blue[:, 0]) > 80).any()
    assert "not assessed" in {text.get_text() for text in anterior.texts}


def test_caption_says_what_it_is_and_what_made_it():
    caption = texts_of(draw_overlay(make_result()))
    for words in (
        "0a1b2c", "simulated", "Assessed: thorax only", "1 anterior, 0 posterior",
        "U-Net, its training data not recorded, weights 12345678,",
        "bonescan 0.7 (fedcba98)", "lesions from 15 mm²",
        "2024-02-03 04:05 UTC", "Research use only",
    ):  # fmt: skip
        assert words in caption
    assert "border" not in caption
    assert "numbered" not in caption
    assert "simulated" not in texts_of(draw_overlay(make_result(simulated=False)))


def test_caption_does_not_call_a_whole_body_a_part_of_one():
    whole = make_result(field="whole body", field_mask=np.ones(SHAPE, bool))
    assert "whole body, as far as the image shows it. " in texts_of(draw_overlay(whole))
    whole.counts[:, [0, -1], [0, -1]] = 1  # what was recorded goes beyond the body
    beyond = dataclasses.replace(whole)
    assert "Assessed: whole body. " in texts_of(draw_overlay(beyond))


def test_a_field_that_is_everything_has_no_shade_and_others_keep_theirs():
    def shades(field_mask: np.ndarray) -> int:
        return sum(
            isinstance(each, Raster)
            for each in draw_overlay(make_result(field_mask=field_mask)).axes[0].get_children()
        )

    everything = np.ones(SHAPE, bool)
    but_one = everything.copy()
    but_one[0, 3, 4] = False
    assert (shades(everything), shades(but_one)) == (1, 2)


def test_the_legend_does_not_lie_on_the_caption():
    figure = draw_overlay(make_result())
    figure.canvas.draw()
    (caption,) = (text for text in figure.texts if "Research use only" in text.get_text())
    (legend,) = figure.legends
    assert caption.get_window_extent().x1 < legend.get_window_extent().x0


@pytest.mark.parametrize(
    ("source", "check", "warning"),
    [
        ("guess", "not sure", "GUESSED"),
        ("order", "not sure", "by their order"),
        ("image", "agrees", "LOOK"),
        ("by hand", "contradicts", "CONTRADICTS"),
        ("order", "contradicts", "CONTRADICTS"),
        ("code", "agrees", ""),
    ],
)
def test_doubt_about_the_views_is_written_over_the_picture(source, check, warning):
    figure = draw_overlay(make_result(view_source=source, content_check=check))
    assert warning in texts_of(figure)
    assert ("Check" in texts_of(figure)) == bool(warning)
    assert all(("(?)" in axes.get_title()) == bool(warning) for axes in figure.axes)


def test_findings_are_numbered_at_the_nearer_edge_and_marked_at_the_border():
    label_map = make_result().label_map.copy()
    label_map[0, 60, FIELD[1].stop - 1] = Label.METASTASIS
    figure = draw_overlay(make_result(label_map=label_map))
    numbers = {
        text.get_text(): text
        for text in figure.axes[0].texts
        if text.get_text().strip("*").isdigit()
    }
    assert set(numbers) == {"1", "2*"}
    assert numbers["1"].get_size() >= 10
    assert numbers["1"].get_position()[0] < HOT_COLUMN < 30 < numbers["2*"].get_position()[0]
    assert numbers["1"].xy == (HOT_COLUMN - 3, HOT_ROW)
    assert "* touches the border" in texts_of(figure)
    for axes in figure.axes[1:]:
        assert not {"1", "2*"} & {text.get_text() for text in axes.texts}


def test_one_lesion_has_one_number_in_both_views_as_in_the_list():
    label_map = make_result().label_map.copy()  # lesion 2 lies at row 40 of the anterior view
    label_map[1, 28:30, 12:14] = Label.METASTASIS
    label_map[0, 70:73, 20:23] = Label.METASTASIS
    label_map[1, 70:73, 60 - 23 : 60 - 20] = Label.METASTASIS
    result = make_result(label_map=label_map)
    figure = draw_overlay(result)
    for axes, view, numbers in zip(figure.axes, View, ({2, 3}, {1, 3}), strict=False):
        shown = {int(text) for text in (each.get_text() for each in axes.texts) if text.isdigit()}
        listed = findings_document(result)["findings"]
        assert shown == numbers == {each["lesion"] for each in listed if each["view"] == view}
    caption = texts_of(figure)
    assert "3 (2 anterior, 2 posterior)" in caption
    assert "the same number in both views is one lesion" in caption
    assert "same number" not in texts_of(draw_overlay(make_result()))


def test_where_findings_crowd_the_largest_are_numbered():
    findings = [
        Finding(
            View.ANTERIOR, number, area_px=number, area_mm2=1.0, max_counts=1.0, mean_counts=1.0,
            centroid_px=(100.0 - number, 8.0 if number % 3 else 52.0), centroid_mm=(0.0, 0.0),
            box_px=(0, 0, 1, 1), touches_field_border=False,
        )
        for number in range(1, 31)
    ]  # fmt: skip
    left, right = choose_numbered(findings, 60)
    assert [finding.number for finding in right] == list(range(30, 0, -3))
    assert len(left) == MOST_NUMBERS
    assert [finding.number for finding in left] == sorted(
        (finding.number for finding in findings if finding.number % 3), reverse=True
    )[:MOST_NUMBERS]


@pytest.mark.parametrize(
    ("places", "moved"),
    [
        ([], []),
        ([3, 20], [3, 20]),
        ([10, 10], [7.5, 12.5]),
        ([10, 11, 40], [8, 13, 40]),
        ([98, 99], [95, 100]),
    ],
)
def test_numbers_part_as_little_as_possible(places, moved):
    assert spread(places, 5, 100).tolist() == pytest.approx(moved)


def test_empty_rows_above_and_below_the_body_are_cut():
    counts = np.zeros(SHAPE)
    counts[0, 50:70, 20:40] = 30
    counts[1, 60:80, 20:40] = 30
    counts[1, 119, 3] = 1  # noise
    rows = find_shown_rows(counts, SPACING_MM)
    assert 50 - 30 < rows.start < 50 - 10
    assert 80 + 10 < rows.stop < 80 + 30
    assert find_shown_rows(np.zeros(SHAPE), SPACING_MM) == slice(0, SHAPE[1])


def test_one_view_alone_and_no_lesion(tmp_path):
    result = take_view(make_result(), View.POSTERIOR)
    write_overlay(tmp_path / "posterior.png", result)
    with Image.open(tmp_path / "posterior.png") as image:
        width, height = image.size
        texts = image.text
    assert json.loads(texts["Comment"]) == result.provenance.document()
    assert "0a1b2c" in texts["Description"]
    assert texts["Software"] == "bonescan 0.7"
    assert width == MIN_WIDTH_PX, "room for the caption"
    assert height > CAPTION_PX + 100 * SPACING_MM[0] * 0.75
    assert "0 posterior" in texts_of(draw_overlay(result))


def test_same_picture_same_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        write_overlay(tmp_path / name, make_result())
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
