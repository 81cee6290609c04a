"""The input of Chen 2023: the window around the body and the two views in one image."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd

from bonescan.errors import ScanError
from bonescan.keys import META_VIEWS
from bonescan.transforms import (
    BodyWindow,
    BodyWindowd,
    MirrorPosterior,
    NormalizeBrightnessd,
    SideBySide,
    SideBySided,
)
from bonescan.transforms.side_by_side import join_sides, split_sides
from tests.factories import SPACING_MM
from tests.transforms.scans import REFUSED

SIZE = (900, 280)
LENGTH_MM = 1700
"""Of the body that tests.transforms.scans draws."""


@pytest.fixture
def scan(make_stack, body_counts):
    """Both views as acquired: the posterior one mirrored and brighter."""
    return make_stack(np.stack([body_counts, 2 * body_counts[:, ::-1]]))


class TestBodyWindow:
    @pytest.mark.parametrize(("rows", "columns"), [(900, 280), (1100, 330), (733, 301)])
    def test_puts_the_middle_of_the_body_in_the_middle(self, scan, rows, columns):
        window = BodyWindow((rows, columns))(scan)
        assert window.shape == (2, rows, columns)
        filled = np.flatnonzero(window[0].sum(dim=1) > 100)
        assert filled.size == pytest.approx(LENGTH_MM / SPACING_MM[0], abs=2)
        assert (filled[0] + filled[-1] + 1) / 2 == pytest.approx(rows / 2, abs=2)
        assert window.sum() == scan.sum()

    @pytest.mark.parametrize(("rows", "columns"), [(900, 280), (1400, 330), (900, 330)])
    def test_inverse_puts_back_what_the_window_shows(self, scan, rows, columns):
        window = BodyWindow((rows, columns))
        cut = window(scan)
        shown = window.inverse(cut.clone() * 0 + 1).as_tensor()
        restored = window.inverse(cut)
        torch.testing.assert_close(restored.as_tensor(), scan.as_tensor() * shown)
        assert (shown.amin() == 0) == (rows < 1024 or columns < 300)
        torch.testing.assert_close(restored.affine, scan.affine)

    def test_the_affine_follows(self, scan):
        cut = BodyWindow(SIZE)(scan)
        row, column = (cut[1] == cut[1].max()).nonzero()[0].tolist()
        place = cut.affine @ torch.tensor([row, column, 0.0, 1.0], dtype=torch.float64)
        found = (place[:2] / torch.tensor(SPACING_MM)).round().int().tolist()
        assert scan[1][tuple(found)] == cut[1].max()
        assert found[1] == column + 10  # 300 columns to 280 cut 10 and 10

    def test_one_window_for_all_entries(self, scan):
        label = MetaTensor((scan.as_tensor() > 20).to(torch.uint8)).copy_meta_from(scan)
        sample = BodyWindowd(["image", "label"], size=SIZE)({"image": scan, "label": label})
        assert sample["label"].dtype == torch.uint8
        assert torch.equal(sample["image"].as_tensor() > 20, sample["label"].as_tensor() == 1)

    def test_refuses_a_scan_without_a_body(self, make_stack):
        with pytest.raises(ScanError, match="scan-7: scan must show a body, got no counts"):
            BodyWindow()(make_stack(torch.zeros(2, 40, 21)))

    @pytest.mark.parametrize("name", REFUSED)
    def test_refuses_what_is_no_whole_body(self, name, body_counts, make_stack):
        change, message = REFUSED[name]
        stack = make_stack(change(body_counts)[None].copy(), views="anterior")
        with pytest.raises(ScanError, match=f"^scan-7: .*{message}") as caught:
            BodyWindow((1100, 900))(stack)
        assert "ThoraxCropd" not in str(caught.value)

    @pytest.mark.parametrize(
        ("size", "shift"), [((950, 256), (0, 0)), ((600, 300), (0, 0)), (SIZE, (0, -30))]
    )
    def test_refuses_to_cut_the_body(self, size, shift, scan, make_stack):
        moved = make_stack(np.roll(scan.numpy()[:1], shift, axis=(1, 2)), views="anterior")
        expected = rf"scan-7: body must lie within a window of {size[0]} x {size[1]} pixels .* got"
        with pytest.raises(ScanError, match=expected):
            BodyWindow(size)(moved)

    @pytest.mark.parametrize("views", ["anterior+posterior", "anterior"])
    def test_refuses_views_that_are_mirrored(self, views, scan, make_stack):
        stack = make_stack(scan.as_tensor()[: 1 + views.count("+")], views=views)
        message = "views as acquired, got them mirrored already: put BodyWindow before Mirror"
        mirror = MirrorPosterior()
        mirrored = mirror(stack)
        with pytest.raises(ValueError, match=message):
            BodyWindow(SIZE)(mirrored)
        with pytest.raises(ValueError, match=message):
            BodyWindowd("image", size=SIZE)({"image": mirrored})
        undone = BodyWindow(SIZE)(mirror.inverse(mirrored))
        assert torch.equal(undone.as_tensor(), BodyWindow(SIZE)(stack).as_tensor())

    def test_refuses_large_pixels(self, scan, make_stack):
        coarse = make_stack(scan[:, ::2, ::2].as_tensor(), spacing_mm=(4.8, 3.8))
        expected = r"scan-7: pixel spacing must be 3.2 mm at most, got \(4.8, 3.8\): systems that"
        with pytest.raises(ScanError, match=expected):
            BodyWindow()(coarse)

    def test_refuses_entries_of_other_sizes(self, scan, make_stack):
        with pytest.raises(ValueError, match="rows and columns must be the same for all keys"):
            BodyWindowd(["image", "label"])({"image": scan, "label": make_stack()})

    def test_real_scan_is_cut_below_the_knee(self, real_counts, make_stack):
        scan = make_stack(real_counts[None], views="anterior", spacing_mm=(2.26, 2.26))
        window = BodyWindow()(scan)
        head, toes = 88, 854  # rows of the body in the file
        last = round(float(window.affine[0, 3]) / 2.26) + 640
        assert (last - head) / (toes - head) == pytest.approx(0.716, abs=0.003)


def test_sides_are_joined_and_split_in_any_number_of_leading_axes():
    stack = torch.arange(2 * 3 * 2 * 4 * 5).reshape(2, 3, 2, 4, 5)
    views = ("posterior", "anterior")
    joined = join_sides(stack, views)
    assert joined.shape == (2, 3, 1, 4, 10)
    assert torch.equal(joined[1, 2, 0, :, :5], stack[1, 2, 1])
    assert torch.equal(split_sides(joined, views), stack)
    assert torch.equal(split_sides(joined, views[:1]), stack[..., :1, :, :])


class TestSideBySide:
    def test_anterior_is_left_and_posterior_right_as_acquired(self, make_stack):
        stack = make_stack()
        joined = SideBySide(rows=3)(stack)
        assert joined.shape == (1, 3, 14)
        torch.testing.assert_close(joined[0, :, :7].as_tensor(), stack[0, :3].as_tensor())
        torch.testing.assert_close(joined[0, :, 7:].as_tensor(), stack[1, :3].as_tensor())
        assert joined.meta[META_VIEWS] == "side_by_side"

    @pytest.mark.parametrize("views", ["anterior+posterior", "posterior+anterior"])
    def test_inverse_gives_each_view_its_half_in_the_old_order(self, make_stack, views):
        stack = make_stack(views=views)
        join = SideBySide(rows=3)
        restored = join.inverse(join(stack))
        torch.testing.assert_close(restored[:, :3].as_tensor(), stack[:, :3].as_tensor())
        assert restored.shape == stack.shape
        assert restored[:, 3:].abs().max() == 0
        assert restored.meta[META_VIEWS] == views
        assert restored.applied_operations == []

    @pytest.mark.parametrize(("view", "half"), [("anterior", 0), ("posterior", 1)])
    def test_the_half_of_an_absent_view_is_empty(self, make_stack, view, half):
        stack = make_stack(views=view) + 1
        join = SideBySide(rows=5)
        joined = join(stack)
        left_and_right = joined[0].as_tensor().split(7, dim=-1)
        torch.testing.assert_close(left_and_right[half], stack[0].as_tensor())
        assert left_and_right[1 - half].abs().max() == 0
        torch.testing.assert_close(join.inverse(joined).as_tensor(), stack.as_tensor())

    def test_refuses_other_views_and_too_few_rows(self, make_stack):
        with pytest.raises(ValueError, match=r"among anterior\+posterior, got aggregated"):
            SideBySide(rows=3)(make_stack(views="aggregated"))
        with pytest.raises(ValueError, match="at least 640 rows, got 5: put BodyWindow before"):
            SideBySide()(make_stack())


def test_prediction_returns_to_the_scan_through_the_whole_chain(scan):
    keys = ["image", "label"]
    label = MetaTensor((scan.as_tensor() > 25).to(torch.uint8)).copy_meta_from(scan)
    chain = Compose(
        [
            BodyWindowd(keys, size=SIZE),
            NormalizeBrightnessd("image"),
            SideBySided(keys, rows=600),
        ]
    )
    sample = chain({"image": scan, "label": label})
    assert sample["image"].shape == (1, 600, 560)
    assert sample["image"].max() <= 255
    sample["pred"] = MetaTensor(sample["label"].as_tensor()[None].repeat(3, 1, 1, 1))
    restored = Invertd("pred", chain, orig_keys="image")(sample)["pred"]
    assert restored.shape == (3, *label.shape)
    seen = slice(0, 560)  # the window's last rows are removed
    assert label[:, seen].sum() > 20
    for channel in restored.as_tensor():
        torch.testing.assert_close(channel[:, seen], label[:, seen].as_tensor())
