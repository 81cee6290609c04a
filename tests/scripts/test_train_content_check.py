import dataclasses
import json

import numpy as np
import pytest

from bonescan.dicom import content
from scripts import train_content_check as script


@pytest.fixture(scope="module")
def images(bodies):
    return [
        script.SimulatedImage(
            counts.reshape(512, 2, 128, 2).sum(axis=(1, 3), dtype=np.float64),
            2 * scan.spacing_mm[0],
            number,
        )
        for scan in bodies[:2]
        for number, counts in enumerate(scan.counts.values())
    ]


def test_varied_images_are_bodies_of_their_size_and_no_two_are_alike(images):
    first, again, other = (
        script.vary(images[0], np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first[0], again[0])
    assert first[0].shape != other[0].shape or (first[0] != other[0]).any()
    for counts, cell_mm in (first, other):
        assert script.CELL_MM[0] <= cell_mm <= script.CELL_MM[1]
        height_mm = images[0].counts.shape[0] * images[0].pixel_mm
        assert counts.shape[0] * cell_mm == pytest.approx(height_mm, abs=cell_mm)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_tiny_training_gives_weights_that_look(images, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(script, "COPIES", 18)
    monkeypatch.setattr(script, "COHORTS", (("default", 5, 2),))
    monkeypatch.setattr(script, "simulate_images", lambda *_: images)
    assert script.main(["-o", str(tmp_path / "w.npz")]) == 0
    assert "of 4 simulated views" in capsys.readouterr().out
    with np.load(tmp_path / "w.npz") as written:
        arrays = dict(written)
    record = json.loads(str(arrays.pop("record")))
    assert record["patients"] == 2
    assert "revision" in record
    stored = dataclasses.asdict(content.load_weights())
    assert {name: array.shape for name, array in arrays.items()} == {
        name: stored[name].shape for name in arrays
    }
    weights = dataclasses.replace(content.load_weights(), **arrays)
    look = content.look_at(images[1].counts, (images[1].pixel_mm,) * 2, weights)
    assert 0 < look.prob < 1
