import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd

from bonescan.keys import META_VIEWS
from bonescan.transforms import (
    AggregateViews,
    AggregateViewsd,
    MirrorPosteriord,
    SplitViewsd,
    StackViewsd,
    UniteLabelsd,
)
from bonescan.transforms.views import add_counts, unite_labels

COUNTS = torch.tensor([[[1.0, 2.0, 0.0], [4.0, 0.0, 7.0]], [[3.0, 0.0, 0.0], [1.0, 5.0, 7.0]]])

MODE = {"image": "sum", "label": "union"}


def test_counts_are_added(make_stack):
    joined = AggregateViews("sum")(make_stack(COUNTS))
    expected = torch.tensor([[[4.0, 2.0, 0.0], [5.0, 5.0, 14.0]]])
    torch.testing.assert_close(joined.as_tensor(), expected)
    assert joined.meta[META_VIEWS] == "aggregated"


def test_the_highest_of_both_views_is_kept(make_stack):
    joined = AggregateViews("highest")(make_stack(COUNTS))
    assert joined.tolist() == [[[3.0, 2.0, 0.0], [4.0, 5.0, 7.0]]]
    assert joined.meta[META_VIEWS] == "aggregated"


def test_the_sum_keeps_the_dtype():
    assert add_counts(torch.ones(2, 1, 3, dtype=torch.uint8)).dtype == torch.uint8


def test_union_puts_metastasis_before_bladder_before_background():
    label = torch.tensor([[[0, 0, 0], [1, 1, 2]], [[0, 1, 2], [1, 2, 2]]], dtype=torch.uint8)
    united = unite_labels(label)
    assert united.dtype == torch.uint8
    assert united.tolist() == [[[0, 1, 2], [1, 1, 2]]]


def test_union_refuses_other_values():
    with pytest.raises(ValueError, match=r"values must be .*, got 5, 9"):
        unite_labels(torch.tensor([[[0, 9, 5]]]))


@pytest.mark.parametrize("mode", ["sum", "union", "highest"])
def test_one_view_passes(make_stack, mode):
    counts = COUNTS[:1] + 3  # values that no label map has
    joined = AggregateViews(mode)(make_stack(counts, views="posterior"))
    torch.testing.assert_close(joined.as_tensor(), counts)
    assert joined.meta[META_VIEWS] == "posterior"


def test_inverse_copies_a_map_to_every_view(make_stack):
    aggregate = AggregateViews("sum")
    joined = aggregate(make_stack(COUNTS))
    spread = aggregate.inverse(joined)
    assert spread.shape == (2, 2, 3)
    torch.testing.assert_close(spread[0].as_tensor(), joined[0].as_tensor())
    torch.testing.assert_close(spread[1].as_tensor(), joined[0].as_tensor())
    assert spread.meta[META_VIEWS] == "anterior+posterior"
    assert spread.applied_operations == []


def test_invertd_returns_a_prediction_to_both_views_as_acquired(make_stack):
    chain = Compose([MirrorPosteriord("image"), AggregateViewsd("image", MODE)])
    sample = chain({"image": make_stack()})
    prediction = torch.arange(3 * 5 * 7, dtype=torch.float32).reshape(3, 1, 5, 7)
    sample["pred"] = MetaTensor(prediction)
    restored = Invertd("pred", chain, orig_keys="image")(sample)["pred"].as_tensor()
    torch.testing.assert_close(restored[:, 0], prediction[:, 0])
    torch.testing.assert_close(restored[:, 1], prediction[:, 0].flip(-1))


def test_each_key_has_its_mode(make_stack):
    sample = {"image": make_stack(COUNTS), "label": make_stack((COUNTS > 0).to(torch.uint8))}
    joined = AggregateViewsd(["image", "label"], MODE)(sample)
    assert joined["image"].max() == 14
    assert joined["label"].tolist() == [[[1, 1, 0], [1, 1, 1]]]


def test_refuses_an_unknown_mode_and_a_key_without_one():
    with pytest.raises(ValueError, match="one of sum, union, highest, got 'add'"):
        AggregateViews("add")
    with pytest.raises(ValueError, match=r"each of \('image', 'body'\), got .*'union'"):
        AggregateViewsd(["image", "body"], MODE)


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
    chain = Compose([SplitViewsd("image"), AggregateViewsd("image", MODE)])
    samples = chain({"image": make_stack()})
    assert [sample["image"].meta[META_VIEWS] for sample in samples] == ["anterior", "posterior"]


def test_refuses_entries_with_other_views(make_stack):
    sample = {"image": make_stack(), "label": make_stack(views="anterior")}
    with pytest.raises(ValueError, match=r"views must be the same for all keys, got .*'anterior'"):
        SplitViewsd(["image", "label"])(sample)


def test_each_view_gets_the_union(make_stack):
    label = make_stack(torch.tensor([[[0, 1, 2]], [[1, 0, 0]]], dtype=torch.uint8))
    sample = UniteLabelsd(("image", "label"))({"label": label, "image": 7})
    assert sample["label"].tolist() == [[[1, 1, 2]], [[1, 1, 2]]]
    assert sample["label"].meta[META_VIEWS] == label.meta[META_VIEWS]
    assert sample["label"].dtype == torch.uint8
    assert sample["image"] == 7


def test_a_label_that_is_not_loaded_stays():
    sample = {"image": 7, "label": "label.nii.gz"}
    assert UniteLabelsd("image")(sample) == sample


def test_samples_of_one_and_two_views_collate(make_stack):
    label = torch.tensor([[[0, 1, 1], [0, 0, 2]]])
    stack = StackViewsd(("image", "label"))
    both = stack({"image": make_stack(COUNTS), "label": make_stack(label.repeat(2, 1, 1))})
    one = stack(
        {
            "image": make_stack(COUNTS[1:], views="posterior"),
            "label": make_stack(label, views="posterior"),
        }
    )
    assert torch.equal(both["image"], COUNTS)
    assert torch.equal(one["image"], torch.stack([COUNTS[1], torch.zeros(2, 3)]))
    assert torch.equal(both["label"], label)
    assert torch.equal(one["label"], label)


def test_labels_that_differ_between_the_views_are_not_stacked(make_stack):
    label = make_stack(torch.tensor([[[0, 1]], [[1, 0]]]))
    with pytest.raises(ValueError, match="label must be the same in all views"):
        StackViewsd("label")({"label": label})


def test_more_views_than_channels_are_refused(make_stack):
    with pytest.raises(ValueError, match="scan must have 1 views at most, got 2"):
        StackViewsd("image", views=1)({"image": make_stack(COUNTS)})
