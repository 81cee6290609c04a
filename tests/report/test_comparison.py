"""Pictures that compare systems."""

import numpy as np
import pytest
from PIL import Image

from bonescan.report.comparison import (
    SIDE_PX,
    Curve,
    draw_systems,
    write_histories,
    write_sweep,
    write_systems,
)
from bonescan.report.evaluated_images import EvaluatedImage
from tests.report.pictures import make_image


def make_example(*, pred: bool) -> EvaluatedImage:
    mask = np.zeros((20, 30), dtype=bool)
    mask[4:9, 10:17] = True
    uptake = np.zeros((20, 30), dtype=np.uint8)
    uptake[2:18, 3:27] = 90
    return make_image(mask & pred, mask, uptake=uptake)


def read_pixels(path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def red_pixels(path) -> np.ndarray:
    pixels = read_pixels(path)
    return (pixels[..., 0] > 150) & (pixels[..., 1] < 90) & (pixels[..., 2] < 90)


def test_each_system_has_a_column_with_its_own_outlines(tmp_path):
    images = {"With": [make_example(pred=True)] * 2, "Without": [make_example(pred=False)] * 2}
    write_systems(tmp_path / "examples.png", images, origin="Simulated scans")
    red = red_pixels(tmp_path / "examples.png")
    assert red.shape[1] == 3 * SIDE_PX
    plain, first, second = np.split(red[:-30], 3, axis=1)
    assert not plain.any()
    assert first.any()
    assert not second.any()


def test_panels_keep_the_proportions_of_the_body():
    figure = draw_systems({"A": [make_example(pred=True)]}, origin="Simulated scans")
    panel = figure.axes[1].get_position()
    width, height = figure.get_figwidth() * panel.width, figure.get_figheight() * panel.height
    assert height / width == pytest.approx(20 * 2.0 / (30 * 3.0))
    assert "A" in [axes.get_title() for axes in figure.axes]


def test_long_names_are_broken_in_two():
    name = "U-Net with dual pooling fusion and a dense atrous convolution"
    figure = draw_systems({name: [make_example(pred=True)]}, origin="Simulated scans")
    title = figure.axes[1].get_title()
    assert title.replace("\n", " ") == name
    assert "\n" in title


def test_systems_without_the_same_images_are_refused():
    images = {"A": [make_example(pred=True)], "B": []}
    with pytest.raises(ValueError, match=r"systems must have the same images.*\[0, 1\]"):
        draw_systems(images, origin="Simulated scans")


def test_scan_is_named_and_has_its_sides_and_systems_are_zoomed():
    images = {"A": [make_example(pred=True)], "B": [make_example(pred=False)]}
    scan, *systems = draw_systems(images, origin="Simulated scans").axes
    assert "posterior, mirrored" in {text.get_text() for text in scan.texts}
    for axes in systems:
        x = {text.get_text(): text.get_position()[0] for text in axes.texts}
        assert x["R"] < x["L"]
        assert axes.get_xlim() == systems[0].get_xlim() != scan.get_xlim()


def test_losses_are_drawn_over_their_own_in_the_first_epoch(tmp_path):
    losses = [{"epoch": 1, "loss": 0.8}, {"epoch": 2, "loss": 0.2}]
    other_scale = [{**row, "loss": 50 * row["loss"]} for row in losses]
    for name, runs in (("first", losses), ("second", other_scale)):
        write_histories(tmp_path / f"{name}.png", {"A": [runs]}, origin="scans")
    first, second = (read_pixels(tmp_path / f"{name}.png") for name in ("first", "second"))
    np.testing.assert_array_equal(first, second)


def test_histories_are_averaged_over_runs(tmp_path):
    one = [{"epoch": 1, "loss": 0.5, "validation_metric": 0.125}, {"epoch": 2, "loss": 0.25}]
    other = [{"epoch": 1, "loss": 0.75, "validation_metric": 0.375}]
    mean = [{"epoch": 1, "loss": 0.625, "validation_metric": 0.25}, {"epoch": 2, "loss": 0.25}]
    for name, runs in (("two", [one, other]), ("mean", [mean]), ("one", [one])):
        write_histories(tmp_path / f"{name}.png", {"A": runs, "B": [other]}, origin="scans")
    averaged = read_pixels(tmp_path / "two.png")
    assert averaged.shape == (720, 860, 3)
    np.testing.assert_array_equal(averaged, read_pixels(tmp_path / "mean.png"))
    assert not np.array_equal(averaged, read_pixels(tmp_path / "one.png"))


def test_picture_says_that_nothing_was_validated(tmp_path):
    epochs = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}]
    validated = [{**epochs[0], "validation_metric": 0.5}, epochs[1]]
    for name, run in (("without", epochs), ("with", validated)):
        write_histories(tmp_path / f"{name}.png", {"A": [run]}, origin="scans")
    dark = [
        (read_pixels(tmp_path / f"{name}.png")[380:640, 200:560] < 60).all(axis=-1).sum()
        for name in ("without", "with")
    ]
    assert dark[0] > 100 > dark[1]


def test_sweep_shows_curve_and_published_point(tmp_path):
    curve = Curve(positions=[2, 3], values=[0.2, 0.6], lower=[0.1, 0.5], upper=[0.3, 0.7])
    write_sweep(
        tmp_path / "s.png", {"A": curve}, axis="K", metric="IoU", published={3: 0.74},
        origin="simulated",
    )  # fmt: skip
    pixels = read_pixels(tmp_path / "s.png")
    blue = (pixels[..., 2] - pixels[..., 0]) > 100
    assert blue.any()
