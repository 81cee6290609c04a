import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd

from bonescan.keys import AGGREGATED, META_VIEWS
from bonescan.transforms import AggregateViews, AggregateViewsd, MirrorPosteriord, SplitViewsd
from bonescan.transforms.views import unite_labels

COUNTS = torch.tensor([[[1.0, 2.0, 0.0], [4.0, 0.0, 7.0]], [[3.0, 0.0, 0.0], [1.0, 5.0, 7.0]]])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("sum", [[4.0, 2.0, 0.0], [5.0, 5.0, 14.0]]),
        ("mean", [[2.0, 1.0, 0.0], [2.5, 2.5, 7.0]]),
        ("max", [[3.0, 2.0, 0.0], [4.0, 5.0, 7.0]]),
    ],
)
def test_joins_counts(make_stack, mode, expected):
    joined = AggregateViews(mode)(make_stack(COUNTS))
    torch.testing.assert_close(joined.as_tensor(), torch.tensor([expected]))
    assert joined.meta[META_VIEWS] == AGGREGATED


def test_union_puts_metastasis_before_bladder_before_background():
    label = torch.tensor([[[0, 0, 0], [1, 1, 2]], [[0, 1, 2], [1, 2, 2]]], dtype=torch.uint8)
    united = unite_labels(label)
    assert united.dtype == torch.uint8
    assert united.tolist() == [[[0, 1, 2], [1, 1, 2]]]


def test_union_refuses_other_values():
    with pytest.raises(ValueError, match=r"values must be .*, got 5, 9"):
        unite_labels(torch.tensor([[[0, 9, 5]]]))


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_one_view_passes(make_stack, mode):
    stack = make_stack(COUNTS[:1], views="posterior")
    joined = AggregateViews(mode)(stack)
    torch.testing.assert_close(joined.as_tensor(), COUNTS[:1])
    assert joined.meta[META_VIEWS] == "posterior"


def test_inverse_copies_a_map_to_every_view(make_stack):
    aggregate = AggregateViews("max")
    joined = aggregate(make_stack(COUNTS))
    spread = aggregate.inverse(joined)
    assert spread.shape == (2, 2, 3)
    torch.testing.assert_close(spread[0].as_tensor(), joined[0].as_tensor())
    torch.testing.assert_close(spread[1].as_tensor(), joined[0].as_tensor())
    assert spread.meta[META_VIEWS] == "anterior+posterior"
    assert spread.applied_operations == []


def test_invertd_returns_a_prediction_to_both_views_as_acquired(make_stack):
    chain = Compose([MirrorPosteriord("image"), AggregateViewsd("image")])
    sample = chain({"image": make_stack()})
    prediction = torch.arange(3 * 5 * 7, dtype=torch.float32).reshape(3, 1, 5, 7)
    sample["pred"] = MetaTensor(prediction)
    restored = Invertd("pred", chain, orig_keys="image")(sample)["pred"].as_tensor()
    torch.testing.assert_close(restored[:, 0], prediction[:, 0])
    torch.testing.assert_close(restored[:, 1], prediction[:, 0].flip(-1))


def test_each_key_has_its_mode(make_stack):
    sample = {"image": make_stack(COUNTS), "label": make_stack((COUNTS > 0).to(torch.uint8))}
    joined = AggregateViewsd(["image", "label"], ["sum", "union"])(sample)
    assert joined["image"].max() == 14
    assert joined["label"].tolist() == [[[1, 1, 0], [1, 1, 1]]]


def test_refuses_an_unknown_mode():
    with pytest.raises(ValueError, match="one of sum, mean, max, union, got 'add'"):
        AggregateViews("add")


def test_makes_a_sample_of_each_view(make_stack):
    stack = make_stack()
    sample = {"image": stack, "label": make_stack(stack.as_tensor() > 40), "patient": "sim-0007"}
    first, second = SplitViewsd(["image", "label"])(sample)
    assert first["image"].shape == second["label"].shape == (1, 5, 7)
    torch.testing.assert_close(second["image"][0].as_tensor(), stack[1].as_tensor())
    assert (first["image"].meta[META_VIEWS], second["label"].meta[META_VIEWS]) == (
        "anterior",
        "posterior",
    )
    assert first["patient"] == second["patient"] == "sim-0007"
    torch.testing.assert_close(second["image"].affine, stack.affine)
    assert stack.meta[META_VIEWS] == "anterior+posterior"


def test_a_view_split_off_alone_can_be_returned(make_stack):
    mirror = MirrorPosteriord("image")
    sample = {"image": make_stack()}
    posterior = SplitViewsd("image")(mirror(sample))[1]
    restored = mirror.inverse(posterior)["image"]
    torch.testing.assert_close(restored[0].as_tensor(), sample["image"][1].as_tensor())


def test_compose_takes_the_views_up_as_samples(make_stack):
    chain = Compose([SplitViewsd("image"), AggregateViewsd("image")])
    samples = chain({"image": make_stack()})
    assert [sample["image"].meta[META_VIEWS] for sample in samples] == ["anterior", "posterior"]


def test_refuses_entries_with_other_views(make_stack):
    sample = {"image": make_stack(), "label": make_stack(views="anterior")}
    with pytest.raises(ValueError, match=r"views must be the same for all keys, got .*'anterior'"):
        SplitViewsd(["image", "label"])(sample)
