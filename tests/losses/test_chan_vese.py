"""The two terms of Lin 2022: by hand, on toy images, at the edges of the probabilities."""

import numpy as np
import pytest
import torch
from skimage.segmentation import chan_vese
from torch import nn

from bonescan.keys import IMAGE
from bonescan.losses import ChanVeseLoss, ContourLabelLoss
from bonescan.losses.chan_vese import total_variation

LITERAL = {"polarity_weight": 0.0}


def logits_of(prob) -> torch.Tensor:
    return torch.logit(torch.as_tensor(prob, dtype=torch.float32))


def disc(rows: int = 24, columns: int = 32, radius: float = 6.0) -> torch.Tensor:
    """A disc that lies in no middle, as a label (1, 1, row, column)."""
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return ((row - 9.0) ** 2 + (column - 20.0) ** 2 < radius**2).float()[None, None]


def two_phases(noise: float = 0.0) -> torch.Tensor:
    """0.8 in a disc, 0.2 around it."""
    torch.manual_seed(0)
    label = disc()
    return (0.2 + 0.6 * label + noise * torch.randn(label.shape)).clamp(0, 1)


def optimise(loss: nn.Module, image: torch.Tensor, logits: torch.Tensor, steps: int = 200):
    """Return the mask (row, column) that a free map ends with, by plain descent."""
    logits = logits.clone().requires_grad_()
    optimizer = torch.optim.SGD([logits], lr=20 * image.numel())
    for _ in range(steps):
        optimizer.zero_grad()
        loss(logits, {IMAGE: image}).backward()
        optimizer.step()
    return (logits > 0)[0, 0]


def energy_by_hand(prob, image, *, area_weight, body) -> float:
    """Pixel by pixel, of one image."""
    inside = outside = inside_sum = outside_sum = 0.0
    pixels = [(p, g) for p, g in zip(prob, image, strict=True) if g > 0 or not body]
    for p, g in pixels:
        inside, inside_sum = inside + p, inside_sum + p * g
        outside, outside_sum = outside + 1 - p, outside_sum + (1 - p) * g
    c1, c2 = inside_sum / inside, outside_sum / outside
    total = sum(p * (g - c1) ** 2 + (1 - p) * (g - c2) ** 2 + area_weight * p for p, g in pixels)
    return total / len(pixels)


@pytest.mark.parametrize("region", ["image", "body"])
def test_energy_is_that_of_two_phases_by_hand(region):
    probs = [[0.9, 0.7, 0.2, 0.1, 0.4, 0.05], [0.3, 0.3, 0.6, 0.9, 0.8, 0.2]]
    images = [[0.8, 1.0, 0.3, 0.0, 0.5, 0.0], [0.1, 0.2, 0.9, 0.7, 0.0, 0.4]]
    loss = ChanVeseLoss(area_weight=0.05, unsup_region=region, **LITERAL)
    value = loss(
        logits_of(probs).reshape(2, 1, 2, 3), {IMAGE: torch.tensor(images).reshape(2, 1, 2, 3)}
    )
    expected = [
        energy_by_hand(prob, image, area_weight=0.05, body=region == "body")
        for prob, image in zip(probs, images, strict=True)
    ]
    assert value.item() == pytest.approx(np.mean(expected), rel=1e-4)


def test_default_weight_of_the_area_is_the_papers():
    image, empty = torch.full((1, 1, 4, 5), 0.5), torch.full((1, 1, 4, 5), -50.0)
    loss = ChanVeseLoss(**LITERAL)
    difference = loss(-empty, {IMAGE: image}) - loss(empty, {IMAGE: image})
    assert difference.item() == pytest.approx(0.004, rel=1e-3)


@pytest.mark.parametrize("loss", [ChanVeseLoss(), ChanVeseLoss(unsup_region="body")])
@pytest.mark.parametrize("value", [-1e4, -30.0, 30.0, 1e4])
@pytest.mark.parametrize("image", [two_phases(), torch.zeros(1, 1, 4, 5)])
def test_gradient_is_finite_where_all_is_inside_or_outside(loss, value, image):
    logits = torch.full(image.shape, value, requires_grad=True)
    total = loss(logits, {IMAGE: image}) + ContourLabelLoss()(logits, (image > 0.5).float())
    total.backward()
    assert torch.isfinite(total)
    assert torch.isfinite(logits.grad).all()


def test_disc_is_recovered_without_its_label():
    image = two_phases(noise=0.05)
    for seed in range(4):
        torch.manual_seed(seed)
        mask = optimise(ChanVeseLoss(), image, torch.randn(image.shape))
        assert torch.equal(mask, disc()[0, 0] > 0)


def test_guard_turns_an_inverted_map_around():
    image = two_phases()
    inverted = 2 - 4 * disc()
    assert torch.equal(optimise(ChanVeseLoss(**LITERAL), image, inverted), disc()[0, 0] == 0)
    turned = optimise(ChanVeseLoss(), image, inverted, steps=400)
    assert torch.equal(turned, disc()[0, 0] > 0)


def test_guard_leaves_a_bright_inside_alone():
    image, right = two_phases(), 20 * disc() - 10
    with_guard, without = (
        loss(right, {IMAGE: image}) for loss in (ChanVeseLoss(), ChanVeseLoss(**LITERAL))
    )
    assert with_guard == without
    assert ChanVeseLoss()(-right, {IMAGE: image}) > ChanVeseLoss(**LITERAL)(-right, {IMAGE: image})


def test_optimum_is_that_of_scikit_image():
    image = two_phases(noise=0.12)
    ours = optimise(ChanVeseLoss(area_weight=0.0), image, torch.zeros(image.shape), steps=1500)
    theirs = chan_vese(image[0, 0].numpy(), mu=0.0, tol=1e-6, max_num_iter=500, dt=2.0)
    assert not torch.equal(ours, disc()[0, 0] > 0)  # the noise moves pixels across the threshold
    assert np.array_equal(ours.numpy(), theirs ^ theirs[0, 0])  # neither of its phases has a name


def test_gradient_is_the_same_with_constants_held():
    torch.manual_seed(0)
    image, start = torch.rand(2, 1, 8, 9), torch.randn(2, 1, 8, 9)
    gradients = []
    for detach in (False, True):
        logits = start.clone().requires_grad_()
        ChanVeseLoss(detach=detach)(logits, {IMAGE: image}).backward()
        gradients.append(logits.grad)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-8)


def test_body_leaves_air_out():
    image = two_phases()
    image[..., :5, :] = 0
    loss = ChanVeseLoss(unsup_region="body")
    logits = torch.zeros(image.shape, requires_grad=True)
    loss(logits, {IMAGE: image}).backward()
    assert not logits.grad[..., :5, :].any()
    assert logits.grad[..., 5:, :].all()


def test_total_variation_of_a_step():
    prob = torch.zeros(1, 1, 4, 5)
    prob[..., 1:3, 2:] = 0.75
    slope = total_variation(prob)[0, 0]
    expected = torch.zeros(4, 5)
    expected[0, 2:] = 0.75  # enters below
    expected[1:3, 1] = 0.75  # enters on the right
    expected[2, 2:] = 0.75  # leaves below
    torch.testing.assert_close(slope, expected, atol=2e-4, rtol=0)


def test_label_term_by_hand():
    prob = torch.tensor([[0.25, 0.25, 0.25], [0.25, 0.75, 0.25]])[None, None]
    label = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 1.0]])[None, None]
    # slopes: one step of 0.5 down, to the right, and to the right again
    slope, region = 3 * 0.5, 4 * 0.25 - 0.75 - 0.25
    for tv_weight, non_negative, constant in ((1.0, False, 0), (0.1, True, 2)):
        loss = ContourLabelLoss(tv_weight=tv_weight, non_negative=non_negative)
        expected = (tv_weight * slope + region + constant) / 6
        assert loss(logits_of(prob), label).item() == pytest.approx(expected, abs=2e-4)


def test_label_term_is_least_at_the_label():
    label = disc()
    loss = ContourLabelLoss(tv_weight=0.0)
    assert loss(100 * (2 * label - 1), label).item() == pytest.approx(0.0, abs=1e-6)
    assert loss(torch.zeros_like(label), label).item() == pytest.approx(0.5)


@pytest.mark.parametrize(("radius", "kept"), [(1.5, False), (3.0, True)])
def test_contour_of_the_papers_weight_costs_more_than_a_small_lesion(radius, kept):
    label = disc(radius=radius)
    loss = ContourLabelLoss()
    keep, erase = loss(100 * (2 * label - 1), label), loss(torch.full_like(label, -100), label)
    assert (keep < erase) == kept


def test_half_precision_sums_whole_images():
    logits = torch.zeros(1, 1, 256, 320, dtype=torch.float16)
    image = torch.full((1, 1, 256, 320), 0.5)
    assert torch.isfinite(ChanVeseLoss()(logits, {IMAGE: image}))


@pytest.mark.parametrize("loss", [ChanVeseLoss(), ContourLabelLoss()])
def test_other_channels_are_refused(loss):
    two, one = torch.zeros(1, 2, 4, 4), torch.zeros(1, 1, 4, 4)
    given = {IMAGE: one} if isinstance(loss, ChanVeseLoss) else one
    with pytest.raises(ValueError, match=r"logits must be \(B, 1, H, W\), got \(1, 2, 4, 4\)"):
        loss(two, given)


def test_an_image_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"\(1, 1, 4, 4\), but for its .*, got \(1, 1, 4, 6\)"):
        ChanVeseLoss()(torch.zeros(1, 1, 4, 4), {IMAGE: torch.zeros(1, 1, 4, 6)})


@pytest.mark.parametrize("region", ["image", "body"])
def test_energy_of_two_views_is_their_mean_and_a_missing_one_says_nothing(region):
    torch.manual_seed(0)
    loss, logits = ChanVeseLoss(unsup_region=region), torch.randn(2, 1, 6, 5)
    front, back = torch.rand(2, 2, 1, 6, 5)
    front[:, :, :2] = 0  # no body there
    back[1] = 0
    both = torch.cat([back, front], dim=1)

    def alone(scan: int, view: torch.Tensor) -> torch.Tensor:
        return loss(logits[scan : scan + 1], {IMAGE: view[scan : scan + 1]})

    expected = torch.stack([(alone(0, front) + alone(0, back)) / 2, alone(1, front)])
    torch.testing.assert_close(loss(logits, {IMAGE: both}), expected.mean())


def test_an_unknown_region_is_refused():
    with pytest.raises(ValueError, match="unsup_region must be one of image, body, got 'air'"):
        ChanVeseLoss(unsup_region="air")


def is_inverted(loss: ChanVeseLoss, seed: int) -> bool:
    """Tell whether a small network that sees no label ends with the disc outside."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 1))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    image, label = two_phases(), disc() > 0
    for _ in range(150):
        optimizer.zero_grad()
        loss(network(image), {IMAGE: image}).backward()
        optimizer.step()
    prob = torch.sigmoid(network(image))
    return bool(prob[label].mean() < prob[~label].mean())


def test_networks_that_see_no_label_end_inverted_only_without_the_guard():
    assert not any(is_inverted(ChanVeseLoss(), seed) for seed in range(12))
    assert any(is_inverted(ChanVeseLoss(**LITERAL), seed) for seed in range(4))
