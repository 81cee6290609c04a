"""The page of generated images: numbers by hand, and pictures that can be opened."""

import numpy as np
from PIL import Image

from bonescan.metrics.likeness import Difference, Neighbours
from bonescan.report.generated_images import Compared, write_closest, write_quality, write_samples


def neighbours(distance: list[float], ratio: list[float]) -> Neighbours:
    return Neighbours(np.arange(len(distance)), np.array(distance), np.array(ratio))


def test_near_is_what_one_in_twenty_of_those_left_out_is(tmp_path):
    """Of 21 values from 0 to 1 the 5 % quantile is the second."""
    values = np.linspace(0, 1, 21).tolist()
    write_quality(
        tmp_path / "page.md",
        head="3 images of a generator.",
        generated=neighbours([0.04, 0.05, 0.2], [0.5, 0.6, 0.7]),
        left_out=neighbours(values, values),
        differences={64: Difference([30.0, 50.0], [10.0, 30.0])},
        pictures={"samples": "a.png"},
    )
    rows = (tmp_path / "page.md").read_text().splitlines()
    assert "| generated | 3 | distance | 0.041 | 0.050 | 0.185 | 2 of 3 (67%) |" in rows
    assert "| generated | 3 | ratio | 0.510 | 0.600 | 0.690 | 0 of 3 (0%) |" in rows
    assert "| left out | 21 | distance | 0.050 | 0.500 | 0.950 | 2 of 21 (10%) |" in rows
    assert "| 64 | 40.0 (30.0 to 50.0) | 20.0 (10.0 to 30.0) | 2.0 |" in rows
    assert rows[-3:-1] == ["![samples](a.png)", ""]


def read_grey(path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L")).astype(int)


def test_generated_images_stand_on_the_left(tmp_path):
    black, white = np.ones((40, 8, 8)), np.zeros((3, 8, 8))
    write_samples(tmp_path / "samples.png", black, white, simulated=True)
    left, right = np.split(read_grey(tmp_path / "samples.png"), 2, axis=1)
    assert (left < 50).mean() > 0.8
    assert (right < 50).mean() < 0.05


def test_the_nearest_image_stands_below(tmp_path):
    training = np.stack([np.full((8, 8), value) for value in (0.0, 1.0)])
    dark = Compared(
        images=np.full((12, 8, 8), 1.0),
        neighbours=Neighbours(np.zeros(12, dtype=int), np.arange(12.0), np.ones(12)),
    )
    write_closest(tmp_path / "closest.png", training, dark, dark)
    rows = (read_grey(tmp_path / "closest.png") < 50).mean(axis=1) > 0.9
    assert np.count_nonzero(np.diff(rows.astype(int)) == 1) == 2, "one dark row of images a band"
