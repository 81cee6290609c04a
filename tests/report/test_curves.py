"""Training and detection curves."""

import numpy as np
import pytest
from PIL import Image

from bonescan.metrics.froc import Froc
from bonescan.report import curves
from bonescan.report.curves import read_history, write_froc_curve, write_training_curves

HISTORY = (
    "epoch,loss,learning_rate,validation_metric,seconds\n1,0.75,0.001,,2.0\n2,0.5,0.001,0.25,2.0\n"
)


def test_history_keeps_what_was_measured(tmp_path):
    (tmp_path / "history.csv").write_text(HISTORY)
    assert read_history(tmp_path / "history.csv") == [
        {"epoch": 1, "loss": 0.75},
        {"epoch": 2, "loss": 0.5, "validation_metric": 0.25},
    ]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            "epoch,loss\n1,0.5\n",
            r"history\.csv: history must have the columns \['validation_metric",
        ),
        ("", r"must have the columns \['epoch', 'loss', 'validation_metric'\]"),
        (HISTORY.splitlines()[0] + "\n", r"history\.csv: history must hold at least one epoch"),
    ],
)
def test_wrong_history_is_refused(tmp_path, text, match):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(ValueError, match=match):
        read_history(tmp_path / "history.csv")


def test_pictures_are_drawn(tmp_path):
    (tmp_path / "history.csv").write_text(HISTORY)
    history = read_history(tmp_path / "history.csv")
    write_training_curves(tmp_path / "training.png", history, simulated=True)
    curve = Froc(np.array([0.9, 0.4]), np.array([0.5, 0.75]), np.array([0.0, 1.5]))
    about = {"name": "U-Net", "unit": "scan", "simulated": True}
    write_froc_curve(tmp_path / "froc.png", curve, point=(1.5, 0.75), **about)
    for name, blank in (("training.png", 640 * 560), ("froc.png", 560 * 480)):
        with Image.open(tmp_path / name) as image:
            grey = np.asarray(image.convert("L"))
        assert grey.size == blank
        assert (grey < 200).sum() > 500


def test_curve_is_drawn_as_far_as_the_operating_point(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(curves, "save_png", lambda figure, _path: drawn.append(figure))
    curve = Froc(np.array([0.9, 0.4]), np.array([0.5, 0.75]), np.array([0.0, 40.0]))
    for point in ((40.0, 0.75), (0.5, 0.5)):
        about = {"name": "U-Net", "unit": "image", "simulated": False}
        write_froc_curve(tmp_path / "froc.png", curve, point=point, **about)
    ends = [figure.axes[0].get_xlim()[1] for figure in drawn]
    assert ends[0] > 40
    assert 0.5 < ends[1] < 20
    (axes,) = drawn[0].axes
    assert axes.get_xlabel() == "false positives per image"
    (line, marker) = axes.lines
    np.testing.assert_array_equal(line.get_xydata(), [[0, 0.5], [40, 0.75]])
    np.testing.assert_array_equal(marker.get_xydata(), [[40, 0.75]])
