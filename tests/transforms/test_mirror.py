import pytest
import torch
from monai.data import MetaTensor, decollate_batch, list_data_collate
from monai.transforms import Compose, Invertd

from bonescan.keys import META_VIEWS
from bonescan.transforms import BodyWindow, MirrorPosterior, MirrorPosteriord
from bonescan.transforms.mirror import is_flipped


def test_flips_the_posterior_view_along_columns_only(make_stack):
    stack = make_stack()
    mirrored = MirrorPosterior()(stack)
    torch.testing.assert_close(mirrored[0].as_tensor(), stack[0].as_tensor())
    torch.testing.assert_close(mirrored[1].as_tensor(), stack[1].as_tensor().flip(-1))


def test_a_scan_with_the_anterior_view_alone_stays(make_stack):
    stack = make_stack(views="anterior")
    torch.testing.assert_close(MirrorPosterior()(stack).as_tensor(), stack.as_tensor())


def test_a_scan_with_the_posterior_view_alone_is_flipped(make_stack):
    stack = make_stack(views="posterior")
    torch.testing.assert_close(MirrorPosterior()(stack).as_tensor(), stack.as_tensor().flip(-1))


def test_twice_is_the_identity(make_stack):
    stack = make_stack()
    twice = MirrorPosterior()(MirrorPosterior()(stack))
    torch.testing.assert_close(twice.as_tensor(), stack.as_tensor())


def test_leaves_its_input_alone(make_stack):
    stack = make_stack()
    before = stack.as_tensor().clone()
    MirrorPosterior()(stack)
    torch.testing.assert_close(stack.as_tensor(), before)
    assert stack.applied_operations == []


def test_keeps_dtype_metadata_and_affine(make_stack):
    label = make_stack(torch.randint(0, 3, (2, 4, 6), dtype=torch.uint8))
    mirrored = MirrorPosterior()(label)
    assert isinstance(mirrored, MetaTensor)
    assert mirrored.dtype == torch.uint8
    assert mirrored.meta[META_VIEWS] == "anterior+posterior"
    torch.testing.assert_close(mirrored.affine, label.affine)


def test_inverse_restores_the_stack_and_its_history(make_stack):
    stack = make_stack()
    mirror = MirrorPosterior()
    restored = mirror.inverse(mirror(stack))
    torch.testing.assert_close(restored.as_tensor(), stack.as_tensor())
    assert restored.applied_operations == []


def test_entries_of_a_sample_follow_their_own_views(make_stack):
    sample = {"image": make_stack(), "label": make_stack(views="anterior")}
    mirrored = MirrorPosteriord(["image", "label"])(sample)
    torch.testing.assert_close(
        mirrored["image"][1].as_tensor(), sample["image"][1].as_tensor().flip(-1)
    )
    torch.testing.assert_close(mirrored["label"].as_tensor(), sample["label"].as_tensor())


def test_invertd_flips_the_posterior_view_of_each_class(make_stack):
    chain = Compose([MirrorPosteriord("image")])
    sample = chain({"image": make_stack()})
    prediction = torch.arange(3 * 2 * 5 * 7, dtype=torch.float32).reshape(3, 2, 5, 7)
    sample["pred"] = MetaTensor(prediction)
    restored = Invertd("pred", chain, orig_keys="image")(sample)["pred"].as_tensor()
    torch.testing.assert_close(restored[:, 0], prediction[:, 0])
    torch.testing.assert_close(restored[:, 1], prediction[:, 1].flip(-1))


def test_refuses_an_image_that_names_no_views():
    with pytest.raises(ValueError, match="metadata 'views' name its views, got None"):
        MirrorPosterior()(torch.zeros(2, 3, 4))


def test_refuses_a_batch(make_stack):
    batch = list_data_collate([{"image": make_stack()}, {"image": make_stack()}])
    with pytest.raises(ValueError, match="name its views, got"):
        MirrorPosterior()(batch["image"])


def test_refuses_more_channels_than_views(make_stack):
    with pytest.raises(ValueError, match=r"one channel per view .* got shape \(3, 5, 7\)"):
        MirrorPosterior()(make_stack(torch.zeros(3, 5, 7)))


def test_the_history_says_whether_a_sample_is_flipped(make_stack):
    stack = make_stack(torch.ones(2, 40, 22))
    mirror = MirrorPosterior()
    cut = BodyWindow((30, 20)).cut(mirror(stack), (-1, -1, -5, -5))
    assert is_flipped(cut)
    assert is_flipped(decollate_batch(list_data_collate([cut, cut]))[1])
    assert not is_flipped(mirror.inverse(mirror(stack)))
    assert not is_flipped(BodyWindow((30, 20)).cut(stack, (-1, -1, -5, -5)))
    assert not is_flipped(torch.ones(2, 4, 3))
