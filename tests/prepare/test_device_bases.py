from dataclasses import replace

import numpy as np
import pytest
import torch

from bonescan.dicom.scan import View
from bonescan.phantom.body_source import draw_new_body
from bonescan.phantom.cameras import CAMERAS
from bonescan.phantom.imaging.bases import base_weights, build_bases
from bonescan.phantom.imaging.detectors import Geometry
from bonescan.phantom.patient import draw_patient
from bonescan.phantom.presets import PRESETS
from bonescan.phantom.tracer.uptake import draw_uptake
from bonescan.prepare.device_bases import DeviceBodies, draw_poisson, move_bases
from tests.phantom.bodies import block_body

HAS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
DEVICES = ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, HAS_GPU])]


@pytest.fixture(scope="module")
def bases():
    geometry = Geometry(front_gap_mm=30.0, follows_contour=True, first_row=10, last_row=190)
    return build_bases(block_body(), CAMERAS[0], geometry, np.random.default_rng(1))


@pytest.fixture(scope="module", params=DEVICES)
def moved(request, bases):
    return move_bases(bases, request.param)


def draw_weights(bases, seed):
    rng = np.random.default_rng(seed)
    return base_weights(bases.keys, draw_uptake(bases.body, rng), 0.3, rng)


def test_one_product_gives_the_photons_of_each_patient(bases, moved):
    weights = [draw_weights(bases, seed) for seed in (1, 2, 3)]
    together = moved.sum_patients(torch.tensor(weights))
    for number, own in enumerate(weights):
        for view, expected in bases.photons(own).items():
            image = together[view][number].cpu().numpy()
            assert image.dtype == np.float32
            assert np.allclose(image, expected, rtol=1e-4, atol=1e-4 * expected.max())
            assert np.allclose(moved.photons(own)[view], image, rtol=1e-5)


def test_poisson_noise_has_mean_and_variance_of_what_is_expected(moved):
    rng = np.random.default_rng(4)
    for level in (0.0, 0.3, 7.0, 180.0):
        expected = np.full((300, 200), level, np.float32)
        counts = moved.draw_counts(expected, rng).astype(float)
        error = np.sqrt(level / counts.size)
        assert abs(counts.mean() - level) <= 4 * error
        # of the variance of a Poisson variable's sample: 2 level^2 + level over its number
        assert abs(counts.var() - level) <= 4 * np.sqrt((2 * level**2 + level) / counts.size)


def test_noise_is_drawn_anew_and_again_by_the_seed(moved):
    expected = np.full((30, 20), 9.0, np.float32)
    one, two = np.random.default_rng(5), np.random.default_rng(5)
    first = moved.draw_counts(expected, one)
    assert first.dtype == np.uint16
    assert np.array_equal(first, moved.draw_counts(expected, two))
    assert not np.array_equal(first, moved.draw_counts(expected, one))


def test_counts_stay_in_a_pixel():
    drawn = draw_poisson(torch.tensor([1e6, 3.0]), torch.Generator().manual_seed(0))
    assert (int(drawn[0]), drawn.dtype) == (65535, torch.uint16)


def test_a_patient_is_the_same_but_for_the_noise():
    preset = PRESETS["default"]
    primary = preset.primaries[0]
    bases = draw_new_body(preset, primary, np.random.default_rng(5))
    drawn = [
        draw_patient(source, preset, primary, tuple(View), np.random.default_rng(6), unit=3)
        for source in (bases, move_bases(bases, "cpu"))
    ]
    for view in View:
        counts = [patient.views[view].counts.astype(float) for patient in drawn]
        sums = [
            image[: len(image) // 8 * 8, :96].reshape(-1, 8, 12, 8).sum((1, 3)) for image in counts
        ]
        noise = np.sqrt(sums[0] + sums[1] + 1)
        assert np.abs((sums[0] - sums[1]) / noise).max() < 5
        assert not np.array_equal(*counts)


def test_bodies_stay_on_the_device(bases, monkeypatch):
    names = iter("abacbd")
    bodies = DeviceBodies(lambda *_: replace(bases, body_of=next(names)), "cpu")
    monkeypatch.setattr("bonescan.prepare.device_bases.KEPT_BODIES", 2)
    a, b, again, c, other_b, _ = (bodies(None, None, None) for _ in range(6))
    assert again is a
    assert other_b is not b, "the one that was used longest ago makes room"
    assert (a.body_of, b.body_of, c.body_of) == ("a", "b", "c")


def test_loading_processes_cannot_use_a_gpu(bases, monkeypatch):
    monkeypatch.setattr("bonescan.prepare.device_bases.get_worker_info", object)
    bodies = DeviceBodies(lambda *_: bases, "cuda:0")
    with pytest.raises(
        ValueError, match="num_workers must be 0 where patients are summed up on cu"
    ):
        bodies(None, None, None)
