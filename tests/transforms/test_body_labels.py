"""Three-class labels: Otsu's body, mined negatives, and their join with the metastases."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from bonescan.labels import BodyLabel, Label
from bonescan.transforms import JoinBodyLabeld, OtsuBody, OtsuBodyd
from bonescan.transforms.body import measure_body
from bonescan.transforms.body_labels import (
    find_body_otsu,
    join_body_label,
    mine_false_positives,
)


@pytest.fixture
def view():
    """Air of 0, soft tissue of 6 with a hole of air, a bone of 20 and two pixels of 900 counts."""
    counts = np.zeros((90, 70))
    counts[10:80, 12:50] = 6
    counts[40:46, 20:26] = 0
    counts[20:70, 28:34] = 20
    counts[60, 40:42] = 900
    return np.random.default_rng(2).poisson(counts)


def test_finds_the_body_with_its_holes_beside_hot_pixels(view):
    body = find_body_otsu(view)
    truth = np.zeros(view.shape, dtype=bool)
    truth[10:80, 12:50] = True
    assert body[40:46, 20:26].all(), "holes are filled"
    assert (body & truth).sum() > 0.9 * truth.sum()
    assert (body & ~truth).sum() < 0.1 * truth.sum()


def test_share_of_the_body_of_a_real_scan(real_counts):
    body, otsu = measure_body(real_counts, (2.26, 2.26)).mask, find_body_otsu(real_counts)
    assert 0.74 < otsu[body].mean() < 0.94
    assert otsu[~body].mean() < 0.022


def test_the_activity_has_no_effect(view):
    assert np.array_equal(find_body_otsu(view), find_body_otsu(view * 7.0))


@pytest.mark.parametrize("value", [0, 5])
def test_an_even_view_has_no_body(value):
    assert not find_body_otsu(np.full((9, 7), value)).any()


def test_each_view_has_its_threshold(view, make_stack):
    stack = make_stack(np.stack([view, 30 * view[:, ::-1]]).astype(np.float32))
    mask = OtsuBody()(stack)
    assert mask.dtype == torch.uint8
    assert mask.affine[0, 0] == pytest.approx(2.4)
    assert torch.equal(mask[1].as_tensor(), mask[0].as_tensor().flip(-1))
    assert np.array_equal(mask[0].numpy(), find_body_otsu(view))


def test_mining_leaves_a_margin_of_two_pixels_around_a_metastasis():
    metastasis = np.zeros((9, 11), dtype=bool)
    metastasis[4, 5] = True
    mined = mine_false_positives(np.ones_like(metastasis), metastasis)
    row, column = np.indices(metastasis.shape)
    assert np.array_equal(mined, abs(row - 4) + abs(column - 5) > 2)


def test_mining_takes_every_prediction_where_there_is_no_metastasis():
    pred = np.random.default_rng(0).random((6, 8)) > 0.7
    assert np.array_equal(mine_false_positives(pred, np.zeros_like(pred)), pred)
    assert not mine_false_positives(np.zeros_like(pred), pred).any()


def test_mining_refuses_masks_of_two_shapes():
    with pytest.raises(ValueError, match=r"label's shape \(3, 2\), got \(2, 3\)"):
        mine_false_positives(np.zeros((2, 3), bool), np.zeros((3, 2), bool))


def test_metastasis_goes_before_body_and_bladder_is_what_the_mask_says():
    label = torch.tensor([[0, 0, 1, 1, 2, 2]], dtype=torch.uint8)
    mask = torch.tensor([[0, 1, 0, 1, 0, 1]])
    joined = join_body_label(label, mask)
    assert joined.dtype == torch.uint8
    assert joined.tolist() == [[0, 1, 2, 2, 0, 1]]
    assert (Label.METASTASIS, BodyLabel.BODY, BodyLabel.METASTASIS) == (1, 1, 2)


def test_chain_makes_the_label_of_a_sample(view, make_stack):
    label = np.zeros((1, *view.shape), dtype=np.uint8)
    label[0, 30:34, 29:33] = 1
    label[0, 60, 40:42] = 2
    sample = {
        "image": make_stack(view[None].astype(np.float32), views="anterior"),
        "label": make_stack(label, views="anterior"),
    }
    out = JoinBodyLabeld()(OtsuBodyd()(sample))
    assert isinstance(out["label"], MetaTensor)
    assert (out["label"] == BodyLabel.METASTASIS).sum() == 16
    assert out["label"][0, 60, 40] == BodyLabel.BODY
    assert out["label"][0, 2, 3] == BodyLabel.AIR
    assert sample["label"].max() == 2, "the sample given is left alone"
    assert "body" not in sample


def test_mask_and_label_of_two_sizes_are_refused(make_stack):
    sample = {"label": make_stack(), "body": make_stack(torch.zeros(2, 4, 7))}
    with pytest.raises(ValueError, match="rows and columns must be the same for all keys"):
        JoinBodyLabeld()(sample)
