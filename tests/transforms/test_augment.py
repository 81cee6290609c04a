import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from bonescan.transforms import RandShiftRotated, RandThinCounts, RandThinCountsd
from bonescan.transforms.augment import MAX_ROTATION_DEG, MAX_SHIFT_PX, thin_counts


@pytest.mark.parametrize(("level", "fraction"), [(3, 0.3), (40, 0.25), (900, 0.7)])
def test_thinned_counts_are_binomial(level, fraction):
    number = 100_000
    thinned = thin_counts(torch.full((number,), float(level)), fraction, seed=11)
    variance = level * fraction * (1 - fraction)
    # mean within 4 standard errors; the variance of 1e5 draws is known to about 0.5 %
    assert thinned.mean().item() == pytest.approx(
        level * fraction, abs=4 * (variance / number) ** 0.5
    )
    assert thinned.var().item() == pytest.approx(variance, rel=0.02)


def test_thinned_poisson_counts_are_poisson():
    counts = torch.from_numpy(np.random.default_rng(3).poisson(50.0, 100_000))
    thinned = thin_counts(counts, 0.4, seed=2).double()
    assert thinned.mean().item() == pytest.approx(20.0, rel=0.01)
    assert (thinned.var() / thinned.mean()).item() == pytest.approx(1.0, abs=0.02)


def test_fraction_one_keeps_all_and_zero_none():
    counts = torch.arange(24, dtype=torch.int32).reshape(2, 3, 4)
    assert torch.equal(thin_counts(counts, 1.0, seed=0), counts)
    assert torch.equal(thin_counts(counts, 0.0, seed=0), torch.zeros_like(counts))


def test_the_seed_decides_the_draw():
    counts = torch.full((50, 20), 30.0)
    assert torch.equal(thin_counts(counts, 0.5, seed=4), thin_counts(counts, 0.5, seed=4))
    assert not torch.equal(thin_counts(counts, 0.5, seed=4), thin_counts(counts, 0.5, seed=5))


@pytest.mark.parametrize("counts", [[0.5, 2.0], [-1.0, 2.0]])
def test_thinning_refuses_what_is_no_count(counts):
    with pytest.raises(ValueError, match="whole numbers, 0 or more, to be thinned: put"):
        thin_counts(torch.tensor(counts), 0.5, seed=0)


def test_thinning_refuses_an_impossible_fraction():
    with pytest.raises(ValueError, match=r"fraction must be within 0 and 1, got 1\.2"):
        thin_counts(torch.ones(3), 1.2, seed=0)


def test_random_thinning_is_seeded_keeps_metadata_and_spares_its_input(make_stack):
    stack = make_stack()
    before = stack.as_tensor().clone()
    first = RandThinCounts((0.2, 0.6)).set_random_state(9)(stack)
    second = RandThinCounts((0.2, 0.6)).set_random_state(9)(stack)
    assert torch.equal(first, second)
    assert isinstance(first, MetaTensor)
    assert first.meta == stack.meta
    assert 0.2 < (first.sum() / stack.sum()).item() < 0.6
    assert torch.equal(stack.as_tensor(), before)


def test_random_thinning_covers_its_range():
    thin = RandThinCounts((0.25, 0.75)).set_random_state(1)
    fractions = []
    for _ in range(200):
        thin.randomize()
        fractions.append(thin.fraction)
    assert 0.25 <= min(fractions) < 0.27
    assert 0.73 < max(fractions) <= 0.75


@pytest.mark.parametrize(("prob", "expected"), [(0.0, 0), (0.3, 60), (1.0, 200)])
def test_random_thinning_happens_with_its_probability(prob, expected):
    thin = RandThinCounts((0.1, 0.2), prob).set_random_state(2)
    happened = 0
    for _ in range(200):
        thin.randomize()
        happened += thin.fraction is not None
    assert happened == pytest.approx(expected, abs=20)


def test_entries_are_thinned_by_one_draw_and_a_chain_seeds_it(make_stack):
    chain = Compose([RandThinCountsd(["image", "twin"], (0.2, 0.9))])
    sample = {"image": make_stack(), "twin": make_stack(), "label": make_stack()}
    first = chain.set_random_state(6)(sample)
    second = chain.set_random_state(6)(sample)
    assert torch.equal(first["image"], first["twin"])
    assert torch.equal(first["image"], second["image"])
    assert first["label"] is sample["label"]
    assert not torch.equal(chain(sample)["image"], second["image"])


@pytest.mark.parametrize("fraction_range", [(0.5, 0.2), (-0.1, 0.5), (0.2, 1.5)])
def test_refuses_an_impossible_range(fraction_range):
    with pytest.raises(ValueError, match="fraction_range must be ascending within 0 and 1, got"):
        RandThinCounts(fraction_range)


def test_refuses_an_impossible_probability():
    with pytest.raises(ValueError, match="prob must be within 0 and 1, got 2"):
        RandThinCounts(prob=2)


def _sample(make_stack, spacing_mm=(2.4, 2.4)):
    image = torch.zeros(1, 60, 80)
    image[0, 20:35, 30:60] = 9
    label = (image > 0).to(torch.uint8) * 2
    return {
        "image": make_stack(image, "anterior", spacing_mm),
        "label": make_stack(label, "anterior", spacing_mm),
    }


def test_moves_image_and_label_together_and_keeps_label_values(make_stack):
    move = RandShiftRotated(["image", "label"], ["bilinear", "nearest"]).set_random_state(4)
    moved = move(_sample(make_stack))
    assert set(moved["label"].unique().tolist()) == {0, 2}
    overlap = ((moved["image"] > 4.5) == (moved["label"] == 2)).float().mean()
    assert overlap > 0.99
    assert not torch.equal(moved["image"], _sample(make_stack)["image"])


def test_moves_within_the_papers_ranges(make_stack):
    move = RandShiftRotated("image", "bilinear").set_random_state(0)
    sample = _sample(make_stack)
    centre_px = torch.tensor([29.5, 39.5, 0.0, 1.0], dtype=torch.float64)
    shifts, angles = [], []
    for _ in range(60):
        step = torch.linalg.inv(sample["image"].affine) @ move(sample)["image"].affine
        turned = step[:2, :2]  # MONAI shifts first, then turns the shift with the image
        shifts.append((turned.T @ (step @ centre_px - centre_px)[:2]).abs())
        angles.append(torch.rad2deg(torch.atan2(step[1, 0], step[0, 0])).abs().item())
    largest = torch.stack(shifts).amax(dim=0)
    assert 3.5 < largest[0] <= MAX_SHIFT_PX[0]
    assert 9.0 < largest[1] <= MAX_SHIFT_PX[1]
    assert 4.5 < max(angles) <= MAX_ROTATION_DEG


def test_probability_zero_is_the_identity(make_stack):
    sample = _sample(make_stack)
    moved = RandShiftRotated("image", "bilinear", prob=0.0)(sample)
    torch.testing.assert_close(moved["image"].as_tensor(), sample["image"].as_tensor())


def test_a_move_can_be_undone(make_stack):
    move = RandShiftRotated("image", "bilinear").set_random_state(4)
    sample = _sample(make_stack)
    undone = move.inverse(move(sample))["image"]
    inner = (slice(None), slice(22, 33), slice(32, 58))
    torch.testing.assert_close(
        undone[inner].as_tensor(), sample["image"][inner].as_tensor(), atol=0.1, rtol=0
    )
    torch.testing.assert_close(undone.affine, sample["image"].affine, atol=1e-5, rtol=0)


def test_refuses_to_turn_pixels_that_are_not_square(make_stack):
    sample = _sample(make_stack, spacing_mm=(2.4, 1.9))
    with pytest.raises(ValueError, match=r"scan-7: pixels must be square .* 2\.4 x 1\.9 mm: put"):
        RandShiftRotated("image", "bilinear")(sample)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_thinning_works_on_a_gpu():
    counts = torch.full((300, 400), 30.0, device="cuda")
    thinned = thin_counts(counts, 0.5, seed=1)
    assert thinned.device.type == "cuda"
    assert thinned.mean().item() == pytest.approx(15.0, rel=0.01)
