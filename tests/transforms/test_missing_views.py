"""Scans of one view for networks that take two."""

import pytest
import torch
from monai.transforms import Compose, Invertd

from bonescan.keys import META_VIEWS
from bonescan.transforms import FillViewsd, KeepShownViewsd, MirrorPosteriord, RandDropViewd

COUNTS = torch.tensor([[[1.0, 2.0, 0.0], [4.0, 0.0, 7.0]]])
BOTH = torch.cat([COUNTS, 10 * COUNTS])


@pytest.mark.parametrize(("view", "place"), [("anterior", 0), ("posterior", 1)])
def test_a_view_goes_to_its_place_and_the_other_is_empty(make_stack, view, place):
    filled = FillViewsd("image")({"image": make_stack(COUNTS, view)})
    assert filled["image"].shape == (2, 2, 3)
    torch.testing.assert_close(filled["image"][place].as_tensor(), COUNTS[0])
    assert not filled["image"][1 - place].any()
    assert filled["image"].meta[META_VIEWS] == "anterior+posterior"
    assert filled["shown"].tolist() == [place == 0, place == 1]


def test_two_views_stay(make_stack):
    filled = FillViewsd("image")({"image": make_stack(BOTH)})
    torch.testing.assert_close(filled["image"].as_tensor(), BOTH)
    assert filled["shown"].tolist() == [True, True]


@pytest.mark.parametrize("kept", [False, True])
def test_the_inverse_puts_a_prediction_on_the_scan_as_it_was_recorded(make_stack, kept):
    chain = Compose([MirrorPosteriord("image"), FillViewsd("image")])
    sample = chain({"image": make_stack(COUNTS, "posterior")})
    pred = sample["image"].clone()[None].repeat(3, 1, 1, 1)  # (class, view, row, column)
    sample["pred"] = pred
    if kept:
        sample = KeepShownViewsd("pred")(sample)
    back = Invertd("pred", transform=chain, orig_keys="image")(sample)["pred"]
    assert back.shape == (3, 1, 2, 3)
    assert back.meta[META_VIEWS] == "posterior"
    torch.testing.assert_close(back[1].as_tensor(), COUNTS)


def test_views_that_a_scan_lacks_are_taken_off(make_stack):
    sample = FillViewsd(["image", "label"])(
        {"image": make_stack(COUNTS, "posterior"), "label": make_stack(2 * COUNTS, "posterior")}
    )
    sample["label"] = None  # what MONAI's evaluator says where there is none
    kept = KeepShownViewsd(["image", "label", "prob"], allow_missing_keys=True)(sample)
    torch.testing.assert_close(kept["image"].as_tensor(), COUNTS)
    assert kept["image"].meta[META_VIEWS] == "posterior"
    assert kept["label"] is None


def test_joined_views_are_refused(make_stack):
    with pytest.raises(ValueError, match="must show views, anterior or posterior, got aggregated"):
        FillViewsd("image")({"image": make_stack(COUNTS, "aggregated")})


def drop(seed: int, shown: list[bool], prob: float = 0.5) -> dict:
    sample = {"image": BOTH.clone(), "label": BOTH.clone(), "shown": torch.tensor(shown)}
    return RandDropViewd("image", prob=prob).set_random_state(seed)(sample)


def test_a_view_is_dropped_as_often_as_asked_either_as_often():
    outcomes = [tuple(drop(seed, [True, True])["shown"].tolist()) for seed in range(400)]
    shares = {kind: outcomes.count(kind) / 400 for kind in set(outcomes)}
    assert shares[True, True] == pytest.approx(0.5, abs=0.07)
    assert shares[False, True] == pytest.approx(0.25, abs=0.06)
    assert shares[True, False] == pytest.approx(0.25, abs=0.06)


def test_a_dropped_view_is_empty_and_its_truth_stays():
    sample = next(s for s in (drop(seed, [True, True]) for seed in range(50)) if not s["shown"][1])
    assert not sample["image"][1].any()
    torch.testing.assert_close(sample["image"][0], BOTH[0])
    torch.testing.assert_close(sample["label"], BOTH)


def test_the_only_view_is_never_dropped():
    for seed in range(20):
        sample = drop(seed, [False, True], prob=1.0)
        torch.testing.assert_close(sample["image"], BOTH)
